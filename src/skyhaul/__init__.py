"""Skyhaul: satellite internet you can run."""

__version__ = "0.1.0.dev0"
