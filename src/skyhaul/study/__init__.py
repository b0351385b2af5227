"""Datasets and pictures."""

from skyhaul.study._canvas import save
from skyhaul.study._layout import Layout, Snapshot
from skyhaul.study._open import open_dataset
from skyhaul.study._pictures import PICTURES, draw
from skyhaul.study._plot_areas import Panel, panels_of, plot_areas
from skyhaul.study._plot_map import plot_map
from skyhaul.study._plot_service import plot_service
from skyhaul.study._plot_sky import plot_sky, plot_tracks
from skyhaul.study._plot_spread import plot_cdf, plot_handovers
from skyhaul.study._plot_time import plot_rtt, plot_throughput
from skyhaul.study._service import ServiceRecord, Span, refusals
from skyhaul.study._sightings import sightings_of
from skyhaul.study._summary import Summary, TerminalSummary
from skyhaul.study._variables import SAMPLES, SLOTS, Block, Variable, block_of
from skyhaul.study._writer import DatasetWriter, check_output

__all__ = [
    "PICTURES",
    "SAMPLES",
    "SLOTS",
    "Block",
    "DatasetWriter",
    "Layout",
    "Panel",
    "ServiceRecord",
    "Snapshot",
    "Span",
    "Summary",
    "TerminalSummary",
    "Variable",
    "block_of",
    "check_output",
    "draw",
    "open_dataset",
    "panels_of",
    "plot_areas",
    "plot_cdf",
    "plot_handovers",
    "plot_map",
    "plot_rtt",
    "plot_service",
    "plot_sky",
    "plot_throughput",
    "plot_tracks",
    "refusals",
    "save",
    "sightings_of",
]
