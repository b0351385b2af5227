"""Where data comes from: files, presets, the network."""

from skyhaul.sources._celestrak import Fetched, cache_folder, fetch_elements
from skyhaul.sources._constellations import constellation_presets, preset_elements, preset_shells
from skyhaul.sources._elements import read_elements
from skyhaul.sources._facts import read_facts
from skyhaul.sources._ground import preset_ground, read_ground
from skyhaul.sources._links import read_links
from skyhaul.sources._outlines import Drawn, date_of, map_files, read_outlines
from skyhaul.sources._tables import Table, TableRow, read_table

__all__ = [
    "Drawn",
    "Fetched",
    "Table",
    "TableRow",
    "cache_folder",
    "constellation_presets",
    "date_of",
    "fetch_elements",
    "map_files",
    "preset_elements",
    "preset_ground",
    "preset_shells",
    "read_elements",
    "read_facts",
    "read_ground",
    "read_links",
    "read_outlines",
    "read_table",
]
