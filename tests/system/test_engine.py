"""Whole runs: a scenario in, plans and path states out, the same whichever way they are asked for."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.errors import NotFoundError, SkyhaulError, SkyhaulWarning, TimeRangeError
from skyhaul.network import Reason
from skyhaul.orbits import Constellation
from skyhaul.scenario import Scenario, load_scenario
from skyhaul.system import SlotRun, System

SECOND = np.timedelta64(1, "s")
START_TEXT = "2024-02-17T12:00:12Z"
START = np.datetime64(START_TEXT[:-1], "ns")


def system(**changes: Any) -> System:
    """Two towns under one shell."""
    tables: dict[str, Any] = {
        "name": "test",
        "constellation": {"walker": ["D:550:53.0:1584/72/39"]},
        "terminals": [
            {"name": "louvain", "latitude_deg": 50.67, "longitude_deg": 4.61},
            {"name": "lincoln", "latitude_deg": 40.81, "longitude_deg": -96.7},
        ],
    }
    return System.from_scenario(Scenario.model_validate(tables | changes))


def runs(of: System, seconds: int, start: np.datetime64 = START, step: np.timedelta64 = SECOND) -> list[SlotRun]:
    return list(of.run(start, np.timedelta64(seconds, "s"), step))


def column(of: list[SlotRun], name: str) -> np.ndarray:
    return np.concatenate([np.atleast_2d(getattr(run.paths, name)) for run in of])


def test_a_run_has_every_instant_once_in_the_slot_that_holds_it() -> None:
    start = START + np.timedelta64(7, "s")
    done = runs(system(), 100, start, np.timedelta64(1500, "ms"))
    times = np.concatenate([run.paths.time for run in done])
    assert np.array_equal(times, start + np.arange(67) * np.timedelta64(1500, "ms"))
    for run in done:
        assert ((run.paths.time >= run.start) & (run.paths.time < run.start + np.timedelta64(15, "s"))).all()
    assert [run.plan.slot for run in done] == list(range(done[0].plan.slot, done[0].plan.slot + 8))


def test_steps_longer_than_a_slot_leave_slots_without_states_but_planned() -> None:
    done = runs(system(), 120, step=np.timedelta64(40, "s"))
    assert [len(run.paths.time) for run in done] == [1, 0, 1, 0, 0, 1, 0, 0]


def test_satellites_change_only_where_slots_start() -> None:
    done = runs(system(), 600)
    for run in done:
        assert run.paths.satellite.shape == (2,)
    satellites = np.array([run.paths.satellite for run in done])
    assert (np.diff(satellites, axis=0) != 0).mean() > 0.3


def test_the_same_seed_gives_the_same_run_and_another_a_different_one() -> None:
    one, two = column(runs(system(), 120), "rtt_s"), column(runs(system(), 120), "rtt_s")
    assert one.tobytes() == two.tobytes()
    assert not np.array_equal(one, column(runs(system(seed=1), 120), "rtt_s"))


def test_another_terminal_far_away_does_not_change_ones_own_draws() -> None:
    alone = column(runs(system(), 300), "rtt_s")
    perth = {"name": "perth", "latitude_deg": -31.95, "longitude_deg": 115.86}
    louvain = {"name": "louvain", "latitude_deg": 50.67, "longitude_deg": 4.61}
    lincoln = {"name": "lincoln", "latitude_deg": 40.81, "longitude_deg": -96.7}
    both = column(runs(system(terminals=[perth, louvain, lincoln]), 300), "rtt_s")
    assert np.array_equal(alone, both[:, 1:], equal_nan=True)


def test_a_withheld_grant_stops_service_at_its_instant_and_lets_it_go_on_with_a_slot() -> None:
    withheld = [{"terminal": "louvain", "start": "+40s", "end": "+80s"}]
    done = runs(system(withheld=withheld), 150)
    refused = np.array([run.plan.reason[0] == Reason.NO_GRANT for run in done])
    assert refused.tolist() == [False, False, False, True, True, True, False, False, False, False]
    lost = np.isnan(column(done, "rtt_s")[:, 0])
    assert np.flatnonzero(lost).tolist() == list(range(40, 90))
    assert (column(done, "cause_at")[lost, 0] == Reason.NO_GRANT).all()
    assert all(run.plan.reason[1] == Reason.SERVED for run in done)
    assert done[4].leases.refusal(0) == "no grant: code 12 ACCOUNT_DISABLED, rule scenario.withheld"


def test_failures_come_and_go_and_every_command_sees_the_same_ones() -> None:
    plain = runs(system(), 150)
    pop = system().world.ground.pops.name[system().world.terminals.pop[0]]
    failed = system(
        failures=[{"kind": "pop", "target": pop, "start": "+30s", "end": "+60s"}], time={"start": START_TEXT}
    )
    during = [run.paths.pop[0] for run in runs(failed, 150)]
    usual = plain[0].paths.pop[0]
    assert [one == usual for one in during] == [True, True, False, False, *[True] * 6]
    elsewhere = failed.world.ground.pops.name[during[2]]
    assert failed.explain(50.67, 4.61, START + 40 * SECOND).pop == elsewhere
    assert failed.route("louvain", "lincoln", START + 40 * SECOND).hops[3].name == elsewhere
    assert failed.explain(50.67, 4.61, START + 70 * SECOND).pop == pop


def test_a_withheld_grant_holds_for_routes_as_well() -> None:
    withheld = [{"terminal": "louvain", "start": "+40s", "end": "+80s"}]
    world = system(withheld=withheld, time={"start": START_TEXT})
    assert world.route("louvain", "lincoln", START).rtt_s > 0.0
    with pytest.raises(SkyhaulError, match="no grant"):
        world.route("louvain", "lincoln", START + 50 * SECOND)


def test_an_unknown_failure_target_is_named_with_near_ones() -> None:
    with pytest.raises(NotFoundError, match="Seatle"):
        runs(system(failures=[{"kind": "pop", "target": "Seatle"}]), 15)


@pytest.mark.parametrize("strategy", ["highest", "balanced", "observed"])
def test_the_explanation_at_an_instant_is_that_of_the_run(strategy: str) -> None:
    world = system(scheduler={"strategy": strategy})
    for run in runs(world, 300)[::5]:
        explanation = world.explain(50.67, 4.61, run.start)
        assert explanation.chosen is not None
        assert explanation.satellite[explanation.chosen] == run.paths.satellite[0]


def test_the_explanation_agrees_with_the_plan() -> None:
    world = system(scheduler={"strategy": "highest"})
    explanation = world.explain(50.67, 4.61, START)
    chosen = explanation.chosen
    assert chosen is not None
    assert explanation.outcome == Reason.SERVED
    assert (np.diff(explanation.elevation_deg) <= 0.0).all()
    could = np.isin(explanation.reason, (Reason.SERVED, Reason.NOT_CHOSEN))
    assert explanation.elevation_deg[could].min() >= 25.0
    assert chosen == np.flatnonzero(could)[0]
    low = explanation.elevation_deg < 24.0
    assert (explanation.reason[low] == Reason.ELEVATION).all()


def test_a_place_that_is_not_served_says_why() -> None:
    world = system(lasers={"use": "never"})
    explanation = world.explain(-40.0, -20.0, START)
    assert explanation.chosen is None
    assert explanation.outcome == Reason.NO_GATEWAY
    assert explanation.gateway == ""


def test_a_route_adds_up_and_leads_from_end_to_end() -> None:
    route = system().route("louvain", "lincoln", START)
    kinds = [hop.kind for hop in route.hops]
    assert kinds[0] == kinds[-1] == "terminal"
    assert kinds.count("gateway") == 2
    assert route.hops[0].name == "louvain"
    assert route.hops[-1].name == "lincoln"
    state, ground = runs(system(), 1)[0].paths, system().world.ground
    backbone = ground.backbone_s[state.pop[0], state.pop[1]]
    assert route.one_way_s == pytest.approx(state.delay_up_s[0, 0] + backbone + state.delay_down_s[0, 1])
    assert route.rtt_s == pytest.approx(state.rtt_s[0].sum() + 2.0 * backbone)


def test_there_and_back_is_the_round_trip() -> None:
    world = system()
    there, back = world.route("louvain", "lincoln", START), world.route("lincoln", "louvain", START)
    assert there.rtt_s == pytest.approx(back.rtt_s)
    assert there.one_way_s + back.one_way_s == pytest.approx(there.rtt_s)
    pop = world.world.ground.pops.name[world.world.terminals.pop[0]]
    near, far = world.route("louvain", pop, START), world.route(pop, "louvain", START)
    assert near.one_way_s + far.one_way_s == pytest.approx(near.rtt_s)
    state = runs(world, 1)[0]
    assert near.hops[1].kind == "satellite"
    assert state.plan.slot * 15 + 12 == START.astype("datetime64[s]").astype(int)


def test_a_name_of_a_gateway_and_a_pop_means_what_the_route_can_use() -> None:
    world = system()
    assert world.route("louvain", "seattle", START).hops[-1].kind == "pop"
    assert world.route("louvain", "Seattle", START, over_lasers=True).hops[-1].kind == "gateway"


def test_over_lasers_the_route_is_the_shortest_in_space() -> None:
    route = system().route("louvain", "40.81,-96.7", START, over_lasers=True)
    media = [hop.medium for hop in route.hops]
    assert media[0] is None
    assert media[1] == media[-1] == "radio"
    assert set(media[2:-1]) == {"laser"}
    straight = 2.0 * 6_900_000.0 / 299_792_458.0  # there and back along the chord is less than that
    assert straight < route.rtt_s < 0.080


@pytest.mark.parametrize(("a", "b"), [("nowhere", "louvain"), ("louvain", "91,0"), ("louvain", "louvain")])
def test_ends_that_are_no_places_are_clear_errors(a: str, b: str) -> None:
    with pytest.raises(SkyhaulError):
        system().route(a, b, START)


def test_presets_warn_of_no_age_and_old_real_elements_do(tmp_path: Path) -> None:
    from tests.orbits.catalogue import TWO_SETS

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs(System.from_scenario(load_scenario("world")), 1)
    file = tmp_path / "two.tle"
    file.write_text(TWO_SETS)
    old = system(constellation={"elements": file})
    assert str(old.default_start()) == "2024-07-16T21:59:57.000000000"
    with pytest.warns(SkyhaulWarning, match=r"10\.\d days .* km \(median\)"):
        runs(old, 1, np.datetime64("2024-07-27T00:00:00", "ns"))
    file.write_text("\n".join(TWO_SETS.splitlines()[3:]) + "\n")  # the one whose orbit is being lowered
    with pytest.raises(TimeRangeError, match="no satellite has a position"):
        runs(system(constellation={"elements": file}), 1, np.datetime64("2026-07-16T00:00:00", "ns"))


def test_a_satellite_that_old_elements_carry_away_has_no_position() -> None:
    world = system().world
    drag = world.elements.bstar_per_er.copy()
    drag[7] = -0.3  # as fitted to a manoeuvre: it climbs for ever
    climbing = Constellation(replace(world.elements, bstar_per_er=drag))
    world = replace(world, constellation=climbing)
    epoch = world.elements.epoch[0]
    later = epoch + np.timedelta64(150, "D")
    radius = np.linalg.norm(climbing.at(later, velocity=False).position_m, axis=0)
    assert radius[7] > 1.2 * radius[6]
    assert np.flatnonzero(np.isnan(world.position_m(later)[0])).tolist() == [7]
    assert np.isfinite(world.position_m(epoch)).all()


def test_provenance_names_all_that_a_result_depends_on() -> None:
    facts = system().provenance(START)
    assert facts["seed"] == 0
    assert len(facts["scenario_sha256"]) == len(facts["elements_sha256"]) == 64
    assert facts["elements_count"] == 1584
    assert {"skyhaul_version", "elements_age_median_days", "strategy"} <= set(facts)
    same, other = system(), system(constellation={"walker": ["D:550:53.0:1584/72/17"]})
    assert same.provenance(START)["elements_sha256"] == facts["elements_sha256"]
    assert other.provenance(START)["elements_sha256"] != facts["elements_sha256"]
