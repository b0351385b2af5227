from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.network import SLOT, slot_number, slot_start, slot_starts


def test_slots_start_at_12_27_42_and_57_of_every_minute() -> None:
    start = slot_starts(slot_number(np.datetime64("2024-07-17T18:07:12", "ns")) + np.arange(8))
    seconds = [int(text[-2:]) for text in np.datetime_as_string(start, "s")]
    assert seconds == [12, 27, 42, 57, 12, 27, 42, 57]


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_every_instant_is_in_the_slot_of_its_number(ns: int) -> None:
    time = np.datetime64(ns, "ns")
    start = slot_start(int(slot_number(time)))
    assert start <= time < start + SLOT


def test_an_instant_at_a_boundary_belongs_to_the_slot_that_starts() -> None:
    boundary = np.datetime64("2024-07-17T18:07:27", "ns")
    assert slot_number(boundary) == slot_number(boundary - np.timedelta64(1, "ns")) + 1
    assert slot_start(int(slot_number(boundary))) == boundary
