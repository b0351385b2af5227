"""One figure held against the world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was compared: our figure, the least and the most it may be, and where the bounds come from."""

    what: str
    ours: float
    least: float
    most: float
    unit: str
    reference: str

    @property
    def met(self) -> bool:
        return self.least <= self.ours <= self.most


@dataclass(frozen=True, slots=True)
class Section:
    """Checks against one data set: what was computed, how, and the reason of any miss."""

    title: str
    how: str
    checks: tuple[Check, ...]
    miss: str = ""

    def markdown(self) -> str:
        """The section of the page."""
        lines = [
            f"## {self.title}",
            "",
            self.how,
            "",
            "| figure | Skyhaul | allowed | reference | |",
            "|---|---:|---:|---|---|",
        ]
        for check in self.checks:
            said = "held" if check.met else "**miss**"
            allowed = f"{check.least:.4g} … {check.most:.4g}"
            lines.append(f"| {check.what} | {check.ours:.4g} {check.unit} | {allowed} | {check.reference} | {said} |")
        if not all(check.met for check in self.checks):
            lines += ["", f"Miss: {self.miss or 'not explained yet.'}"]
        return "\n".join(lines)


def within(what: str, ours: float, reference: float, by: float, unit: str, source: str = "") -> Check:
    """A check that `ours` is no further from `reference` than `by`."""
    text = f"{reference:.4g} ± {by:.3g}" + (f", {source}" if source else "")
    return Check(what, ours, reference - by, reference + by, unit, text)
