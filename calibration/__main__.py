from __future__ import annotations

import os
import sys
from pathlib import Path

from . import choice, delay

HEAD = """# Calibration

Two parts of Skyhaul are not derived but fitted to measurements: which satellite a terminal is given under the
`observed` strategy, and the spread of delays. This page says on what, how well they fit, and what they leave open.
It is made by `python -m calibration`; the data are outside data, found by `SKYHAUL_DATA`.
"""


def main() -> None:
    data = os.environ.get("SKYHAUL_DATA", "")
    if not data:
        sys.exit("SKYHAUL_DATA does not name the folder of outside data")
    notes = Path(__file__).with_name("notes.md").read_text(encoding="utf-8")
    page = "\n".join([HEAD, choice.section(Path(data)), "", delay.section(Path(data)), "", notes])
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)


main()
