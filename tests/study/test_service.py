"""Who was permitted, from when until when: the record of a run, and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from skyhaul.control.decision import Code
from skyhaul.control.grants import REFUSALS, Ruling
from skyhaul.errors import NotFoundError
from skyhaul.study import Block, ServiceRecord, Span, open_dataset, plot_service, refusals
from skyhaul.study._plot_service import STYLES
from tests.study.runs import START, blocks, write

SLOT = np.timedelta64(15, "s")
AREA, MISSING = REFUSALS.index("order.area"), REFUSALS.index("licence.missing")


def slots(*states: tuple[Ruling, int, float]) -> list[Block]:
    """Slots of one terminal: ruling, rule and end of the lease."""
    found = []
    for number, (ruling, rule, ends) in enumerate(states):
        okay = ruling in (Ruling.PERMITTED, Ruling.PROBATION)
        columns = {
            "ruling": np.array([ruling], dtype=np.int8),
            "refusal_rule": np.array([rule], dtype=np.int8),
            "disablement_code": np.array([Code.OKAY if okay else Code.BLOCKED_COUNTRY], dtype=np.int8),
            "lease_end": np.array([ends]),
        }
        found.append(Block(START + number * SLOT, np.array([], dtype="datetime64[ns]"), {}, columns))
    return found


def spans(run: list[Block], end: float | None = None) -> list[Span]:
    last = START + (len(run) * SLOT if end is None else np.timedelta64(round(end * 1e3), "ms"))
    record = ServiceRecord(("a",), START, last)
    for block in run:
        record.add(block)
    (own,) = record.spans()
    return own


def told(own: list[Span]) -> list[tuple[float, float, str]]:
    second = np.timedelta64(1, "s")
    return [((span.start - START) / second, (span.end - START) / second, span.words) for span in own]


def test_alike_slots_make_one_span_and_a_lease_that_ends_parts_its_slot() -> None:
    own = spans(
        slots(
            (Ruling.PERMITTED, -1, 30.0),
            (Ruling.PERMITTED, -1, 30.0),
            (Ruling.PERMITTED, AREA, 7.123456),
            (Ruling.REFUSED, AREA, np.nan),
            (Ruling.REFUSED, MISSING, np.nan),
            (Ruling.UNDECIDED, MISSING, np.nan),
            (Ruling.PERMITTED, -1, 30.0),
        )
    )
    assert told(own) == [
        (0, 37.123456, "served"),
        (37.123456, 60, "16 BLOCKED_AREA: order.area"),
        (60, 75, "6 BLOCKED_COUNTRY: licence.missing (92)"),
        (75, 90, "6 BLOCKED_COUNTRY: licence.missing (92), undecided at a border"),
        (90, 105, "served"),
    ]
    assert [span.code for span in own] == [1, 16, 6, 6, 1]
    assert [span.alert for span in own] == [0, 0, 92, 92, 0]


def test_probation_is_service_and_its_end_inside_a_slot_is_not() -> None:
    own = spans(slots((Ruling.PROBATION, MISSING, 15.0), (Ruling.PROBATION, MISSING, 6.0)))
    assert told(own) == [
        (0, 21, "served on probation at a border: licence.missing beyond it"),
        (21, 30, "6 BLOCKED_COUNTRY: licence.missing (92)"),
    ]
    assert [span.permitted for span in own] == [True, False]


def test_spans_keep_to_the_run() -> None:
    run = slots((Ruling.PERMITTED, AREA, 5.0), (Ruling.REFUSED, AREA, np.nan))
    assert told(spans(run, end=20.0)) == [(0, 5, "served"), (5, 20, "16 BLOCKED_AREA: order.area")]
    assert told(spans(run, end=5.0)) == [(0, 5, "served")]


def test_reasons_add_up_to_all_that_was_refused() -> None:
    record = ServiceRecord(("a", "b", "c"), START, START + 8 * SLOT)
    for block in blocks():
        record.add(block)
    own = record.spans()
    ((answer, met, hours),) = refusals(own)
    assert (answer, met) == ("16 BLOCKED_AREA: order.area", 1)
    assert hours == pytest.approx(sum(span.seconds for span in own[0] if not span.permitted) / 3600.0)
    assert hours == pytest.approx((10 + 3 * 15) / 3600.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[xr.Dataset]:
    with open_dataset(write(tmp_path_factory.mktemp("run") / "run.zarr", slots=12)) as opened:
        yield opened.load()


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))


def test_the_picture_says_codes_and_rules_in_words(dataset: xr.Dataset) -> None:
    said = words(plot_service(dataset))
    for text in ("town 0", "town 1", "served", "16 order.area", "may be served", "16 blocked area"):
        assert text in said
    assert "permitted, no path" in said


def test_where_nobody_is_refused_there_is_nothing_to_show_unless_it_is_asked_for(dataset: xr.Dataset) -> None:
    fine = dataset.isel(terminal=[1, 2])
    with pytest.raises(NotFoundError, match="may be served all the time"):
        plot_service(fine)
    assert "town 1" in words(plot_service(fine, ("town 1",)))


def test_a_dataset_of_before_is_told_to_be_written_again(dataset: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no disablement codes"):
        plot_service(dataset.drop_vars("disablement_code"))


def test_every_code_has_a_look_of_its_own() -> None:
    assert set(STYLES) == set(Code)
    assert len(set(STYLES.values())) == len(STYLES)
