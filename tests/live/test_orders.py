"""An order that is given while a link runs by the clock."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from skyhaul.errors import SkyhaulError
from skyhaul.live import ScenarioSpec
from skyhaul.live._path_tables import SLOT_NS
from skyhaul.live._scenario_plans import ScenarioPlans

WORLD = Path(__file__).parents[2] / "scenarios" / "contested-territory"
S = 1_000_000_000
NOW_NS = int(np.datetime64("2024-02-12T22:00:12", "ns").astype(np.int64))


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    copy = tmp_path / "world"
    shutil.copytree(WORLD, copy)
    return copy / "scenario.toml"


def live(scenario: Path) -> ScenarioPlans:
    return ScenarioPlans(ScenarioSpec(str(scenario), terminals=("kyiv-clinic", "siversk-school"), live=True), NOW_NS)


def order(recorded_s: float, valid_s: float) -> str:
    def at(seconds: float) -> str:
        return f"{np.datetime64(NOW_NS + int(seconds * S), 'ns')}Z"

    document = {
        "kind": "Order",
        "id": "given-while-it-runs",
        "valid_from": at(valid_s),
        "recorded_at": at(recorded_s),
        "source": "this test",
        "author": "operator officer 1",
        "authority": "operator",
        "action": "suspend",
        "target": "unit",
        "on": "kyiv-clinic",
        "reason": "reported as stolen",
        "legal_basis": "terms of service",
    }
    return json.dumps([document])


def test_packets_stop_within_two_slots_of_an_order(scenario: Path) -> None:
    plans = live(scenario)
    chunks = plans.chunks()
    # Slot 1 is planned when slot 0 starts; three seconds later the order is given, at once in force.
    before = [next(chunks), next(chunks)]
    assert all(chunk.spans[0][-1].code == "served" for chunk in before)
    (scenario.parent / "facts" / "new.json").write_text(order(3.0, 3.0))
    after = next(chunks)
    stops = after.start_ns + int(after.rows[0]["time"][np.argmax(after.rows[0]["out"])])
    assert after.rows[0]["out"].any()
    assert after.rows[1]["out"].any()
    assert stops <= 3 * S + 2 * SLOT_NS
    assert after.spans[0][-1].cause == "no grant: order.unit"
    assert after.spans[0][-1].code == "no_grant"


def test_an_order_for_later_acts_at_its_time(scenario: Path) -> None:
    chunks = live(scenario).chunks()
    next(chunks)
    (scenario.parent / "facts" / "new.json").write_text(order(1.0, 36.25))
    one, other = next(chunks), next(chunks)
    assert not one.rows[0]["out"].any()
    within = 36_250_000_000 - other.start_ns
    assert 0 < within < SLOT_NS
    for rows in other.rows[:2]:
        assert rows["time"][np.argmax(rows["out"])] == within
        assert rows["out"][rows["time"] >= within].all()
    assert [(span.time_ns, span.code) for span in other.spans[0]] == [(0, "served"), (within, "no_grant")]


def test_facts_that_cannot_be_read_end_the_links_within_two_slots(scenario: Path) -> None:
    chunks = live(scenario).chunks()
    next(chunks)
    (scenario.parent / "facts" / "new.json").write_text("{ half a fact")
    assert next(chunks).spans[0][-1].code == "served"
    with pytest.raises(SkyhaulError, match=r"new\.json"):
        next(chunks)


def test_facts_that_can_be_read_again_are(scenario: Path) -> None:
    chunks = live(scenario).chunks()
    next(chunks)
    new = scenario.parent / "facts" / "new.json"
    new.write_text("{ half a fact")
    next(chunks)
    new.write_text(order(20.0, 20.0))
    codes = [next(chunks).spans[0][-1].code for _ in range(3)]
    assert codes[-1] == "no_grant"
