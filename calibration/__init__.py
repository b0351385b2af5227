"""Fits of the `observed` choice and of the delay spread to measurements: how docs/calibration.md was made.

    SKYHAUL_DATA=folder .venv/bin/python -m calibration [docs/calibration.md]

Without a file name the page goes to standard output. Nothing is fitted into the package by itself: the page shows the
fitted numbers beside those in the package, and a person carries them over.
"""
