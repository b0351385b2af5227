"""Makes docs/accuracy.md: `SKYHAUL_DATA=folder python -m accuracy [FILE]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from accuracy._page import page


def main() -> int:
    """Exit 0 when every figure is within its bounds, 1 when some are not: they are printed as misses."""
    data = os.environ.get("SKYHAUL_DATA", "")
    if not data:
        sys.exit("SKYHAUL_DATA does not name the folder of outside data")
    text, missed = page(Path(data))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
