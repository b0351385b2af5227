"""Where data comes from: files, presets, the network."""

from skyhaul.sources._ground import preset_ground, read_ground

__all__ = ["preset_ground", "read_ground"]
