"""The page of all figures held against the world."""

from __future__ import annotations

from pathlib import Path

from accuracy import latitude, reference_rtt, rtt_sites, serving
from accuracy._check import Check

_HEAD = """# Accuracy

What Skyhaul computes, held against data that it was not made from, or, where it was fitted, against the parts that
were left out. Made by `python -m accuracy` from outside data (`SKYHAUL_DATA`), and made again in every full test run.
A figure outside its bounds is printed as a miss, with what is known of the reason.

| part | how true | against |
|---|---|---|
| SGP4 in bulk | 0.1 mm | the `sgp4` package on 33,000 real satellites, −3 to +10 days; the test run of AIAA 2006-6753 |
| Earth-fixed positions | 10 m | skyfield; polar motion is left out and UT1 taken as UTC |
| elements | 6 km (median) after a day, 55 km after a week | later elements of the same satellites |
| look angles | 0.0000001° | skyfield, without refraction |
| visible pairs | none differs | a dense search in double precision |
| shortest paths | exact | scipy |
"""


def page(data: Path) -> tuple[str, list[Check]]:
    """The page as Markdown, and the figures that are missed."""
    sections = [module.run(data) for module in (reference_rtt, latitude, rtt_sites, serving)]
    missed = [check for section in sections for check in section.checks if not check.met]
    count = sum(len(section.checks) for section in sections)
    summary = f"{count - len(missed)} of {count} figures below are held."
    text = "\n\n".join([_HEAD.rstrip(), summary, *(section.markdown() for section in sections)])
    return f"{text}\n", missed
