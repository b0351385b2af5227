"""Whole runs under service control: who is served from when until when, and what every sink is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyhaul.cli import run as run_command
from skyhaul.control.decision import Code
from skyhaul.control.facts import (
    Action,
    AllowList,
    Fact,
    HolderKind,
    Licence,
    Listing,
    Order,
    ServiceClass,
    Target,
    fact_document,
    utc,
)
from skyhaul.control.grants import REFUSALS, Ruling
from skyhaul.control.registry import Registry
from skyhaul.errors import ControlError, NotFoundError, SkyhaulError
from skyhaul.network import Reason, slot_number
from skyhaul.scenario import Scenario, load_scenario
from skyhaul.study import ServiceRecord, block_of, open_dataset, refusals
from skyhaul.system import Engine, SlotRun, System
from tests.control.worlds import area, order, said, world

START_TEXT = "2024-02-17T12:00:12Z"
START = utc(START_TEXT)
LONG_AGO = utc("2024-01-01")


def at(seconds: float) -> np.datetime64:
    return START + np.timedelta64(round(seconds * 1e3), "ms")


def scenario_of(folder: Path, facts: list[Fact], terminals: list[dict[str, Any]], **tables: Any) -> Scenario:
    (folder / "facts.json").write_text(json.dumps([fact_document(fact) for fact in facts]))
    given = {
        "name": "two countries",
        "time": {"start": START_TEXT, "duration": "3m"},
        "constellation": {"walker": ["D:550:53.0:1584/72/39"]},
        "control": {"facts": "facts.json"},
        "terminals": terminals,
    }
    return Scenario.model_validate(given | tables, context={"folder": folder})


def place(name: str, latitude: float = 49.0, longitude: float = 12.0, **more: Any) -> dict[str, Any]:
    return {"name": name, "latitude_deg": latitude, "longitude_deg": longitude} | more


def done(scenario: Scenario, seconds: int = 180, **how: Any) -> list[SlotRun]:
    system = System.from_scenario(scenario, **how)
    return list(system.run(START, np.timedelta64(seconds, "s"), np.timedelta64(1, "s")))


def answers(runs: list[SlotRun], terminal: int = 0) -> list[tuple[float, float, str]]:
    """From, until (seconds after the start of the run) and answer; and no path anywhere without permission."""
    count = len(runs[0].leases)
    record = ServiceRecord([str(k) for k in range(count)], START, runs[-1].start + np.timedelta64(15, "s"))
    for run in runs:
        places = run.places
        record.add(block_of(run.plan, run.paths, run.leases, places.terminals.sites, places.speed_m_s))
    spans = record.spans()[terminal]
    second = np.timedelta64(1, "s")
    for run in runs:
        for time, rtt in zip(run.paths.time, run.paths.rtt_s[:, terminal], strict=True):
            permitted = any(span.permitted and span.start <= time < span.end for span in spans)
            assert permitted or np.isnan(rtt)
            assert not permitted or run.plan.reason[terminal] != Reason.NO_GRANT
    return [((span.start - START) / second, (span.end - START) / second, span.rule or span.words) for span in spans]


def served_share(runs: list[SlotRun], terminal: int, begin: float, end: float) -> float:
    """Share of the instants from `begin` to `end` with a path."""
    rtt = np.concatenate([run.paths.rtt_s[:, terminal] for run in runs])
    time = np.concatenate([run.paths.time for run in runs])
    inside = (time >= at(begin)) & (time < at(end))
    return float(np.isfinite(rtt[inside]).mean())


def test_service_is_switched_on_when_it_is_activated_and_no_sooner(tmp_path: Path) -> None:
    asked = Licence(
        authority="Southland Office", territory="Southland", activation_required=True,
        service_classes=(ServiceClass.FIXED,), **said("licence-South"),
    )  # fmt: skip
    approval = replace(next(f for f in world() if f.id == "approval-N"), id="a-S", authority="Southland Office")  # type: ignore[call-arg]
    switch = order(
        "on", Action.ACTIVATE, Target.AREA, "licence/Southland", "operator", valid_from=at(70), recorded_at=at(-60)
    )
    runs = done(scenario_of(tmp_path, [*world(), asked, approval, switch], [place("roaming", 47.0)]))
    assert answers(runs) == [(0, 75, "licence.activation"), (75, 180, "served")]
    assert runs[0].leases.alert[0] == 58
    assert served_share(runs, 0, 75, 180) == 1.0


def test_a_line_that_moves_takes_service_with_it_at_its_instant(tmp_path: Path) -> None:
    import shapely

    # Northland's licence counts down to 48.5° N only from +67.5 s on.
    before, after = shapely.box(10, 48, 14, 50), shapely.box(10, 48.5, 14, 50)
    facts = [
        *(f for f in world() if f.id != "licence-Northland"),
        area("licence", "Northland", before, "Northland Office", id="first", valid_to=at(67.5)),
        area("licence", "Northland", after, "Northland Office", id="second", valid_from=at(67.5)),
    ]
    runs = done(scenario_of(tmp_path, facts, [place("roaming", 48.2), place("far", 49.0, unit="mobile")]))
    assert answers(runs) == [(0, 67.5, "served"), (67.5, 180, "licence.territory")]
    assert answers(runs, 1) == [(0, 180, "served")]
    assert served_share(runs, 0, 0, 67.5) == 1.0


def test_an_order_over_an_area_cuts_inside_a_slot_and_its_end_waits_for_the_next(tmp_path: Path) -> None:
    stop = order(
        "stop", Action.SUSPEND, Target.AREA, "zone/Marches", valid_from=at(52), valid_to=at(100), recorded_at=at(-50)
    )
    terminals = [place("roaming", 48.05), place("mobile", 49.0)]
    runs = done(scenario_of(tmp_path, [*world(), stop], terminals))
    assert answers(runs) == [(0, 52, "served"), (52, 105, "order.area"), (105, 180, "served")]
    assert answers(runs, 1) == [(0, 180, "served")]
    cut = runs[3]
    assert cut.paths.ends[0] == at(52)
    assert np.isfinite(cut.paths.rtt_s[:7, 0]).all()
    assert np.isnan(cut.paths.rtt_s[7:, 0]).all()
    assert [(change.time, change.code) for run in runs for change in run.changes if change.terminal == "roaming"] == [
        (at(0), Code.OKAY),
        (at(52), Code.BLOCKED_AREA),
        (at(105), Code.OKAY),
    ]


def test_an_allow_list_serves_those_on_it(tmp_path: Path) -> None:
    the_list = AllowList(
        name="L", authority="Northland Office", area="licence/Northland", **said("list", valid_from=at(30))
    )
    listed = Listing(
        name="L", terminal="mobile", kit_number="KIT-mobile", account="A-mobile", holder="Ada", kind=HolderKind.PERSON,
        evidence="seen", approved_by="clerk", **said("entry", valid_from=at(30), valid_to=at(123)),
    )  # fmt: skip
    runs = done(scenario_of(tmp_path, [*world(), the_list, listed], [place("mobile"), place("fixed", 49.01)]))
    assert answers(runs) == [(0, 123, "served"), (123, 180, "allow_list.absent")]
    assert answers(runs, 1) == [(0, 30, "served"), (30, 180, "allow_list.absent")]


def test_a_terminal_on_the_move_is_judged_by_where_it_is_and_how_fast_it_goes(tmp_path: Path) -> None:
    # 30 m/s southwards over the border at 48° after about a minute, back over it at 60 m/s.
    metres = 111_200.0
    south = 48.0 + 60 * 30 / metres
    turn = 48.0 - 30 * 30 / metres
    track = [["+0s", south, 11.5], ["+90s", turn, 11.5], ["+180s", turn + 90 * 60 / metres, 11.5]]
    cap = order(
        "cap", Action.SPEED_CAP, Target.AREA, "licence/Northland", speed_cap_m_s=40.0, valid_from=LONG_AGO,
        recorded_at=LONG_AGO,
    )  # fmt: skip
    scenario = scenario_of(tmp_path, [*world(), cap], [{"name": "mobile", "track": track}])
    runs = done(scenario)
    # Two slots touch the border southwards: undecided, so refused. Northwards both sides refuse, for two reasons.
    assert answers(runs) == [
        (0, 45, "served"),
        (45, 75, "licence.missing"),
        (75, 120, "licence.missing"),
        (120, 180, "speed.cap"),
    ]
    assert [run.leases.ruling[0] for run in runs[2:6]] == [
        Ruling.PERMITTED,
        Ruling.UNDECIDED,
        Ruling.UNDECIDED,
        Ruling.REFUSED,
    ]
    assert [round(float(run.places.speed_m_s[0])) for run in runs] == [30] * 6 + [60] * 6


def test_a_licence_that_ends_inside_a_slot_ends_service_there(tmp_path: Path) -> None:
    facts = [replace(f, valid_to=at(64.25)) if f.id == "licence-N" else f for f in world()]
    runs = done(scenario_of(tmp_path, facts, [place("fixed")]))
    assert answers(runs) == [(0, 64.25, "served"), (64.25, 180, "licence.missing")]
    assert runs[4].paths.ends[0] == at(64.25)


def test_an_order_recorded_late_acts_late_and_as_known_shows_what_would_have_been(tmp_path: Path) -> None:
    stop = order("stop", Action.SUSPEND, Target.UNIT, "fixed", "operator", valid_from=at(20), recorded_at=at(100))
    scenario = scenario_of(tmp_path, [*world(), stop], [place("fixed")])
    assert answers(done(scenario)) == [(0, 120, "served"), (120, 180, "order.unit")]
    assert answers(done(scenario, as_known=at(100))) == [(0, 20, "served"), (20, 180, "order.unit")]
    assert answers(done(scenario, as_known=at(99))) == [(0, 180, "served")]


def test_a_limit_is_kept_to_by_the_rates(tmp_path: Path) -> None:
    limit = order("slow", Action.LIMIT, Target.UNIT, "fixed", "operator", rate_bps=3e6, valid_from=at(75))
    runs = done(scenario_of(tmp_path, [*world(), replace(limit, recorded_at=LONG_AGO)], [place("fixed")]))
    rate = np.concatenate([run.paths.rate_down_bps[:, 0] for run in runs])
    assert np.nanmin(rate[:75]) > 3e6
    assert (rate[75:] == 3e6).all()


def test_a_scenario_may_withhold_what_the_facts_permit_and_not_more(tmp_path: Path) -> None:
    terminals = [place("fixed"), place("strange", 49.2)]
    withheld = [{"terminal": "fixed", "start": "+40s", "end": "+80s"}, {"terminal": "strange"}]
    runs = done(scenario_of(tmp_path, world(), terminals, withheld=withheld))
    assert answers(runs) == [(0, 40, "served"), (40, 90, "scenario.withheld"), (90, 180, "served")]
    assert answers(runs, 1) == [(0, 180, "unit.unknown")]


def test_a_terminal_may_have_another_name_in_the_registry(tmp_path: Path) -> None:
    runs = done(scenario_of(tmp_path, world(), [place("the clinic", unit="fixed"), place("fixed", 49.2, unit="none")]))
    assert answers(runs) == [(0, 180, "served")]
    assert answers(runs, 1) == [(0, 180, "unit.unknown")]


def test_the_same_run_twice_is_the_same_and_any_slot_alone_as_in_the_run(tmp_path: Path) -> None:
    stop = order(
        "stop", Action.SUSPEND, Target.AREA, "zone/Marches", valid_from=at(52), valid_to=at(100), recorded_at=at(20)
    )
    track = [["+0s", 48.3, 12.0], ["+3m", 47.95, 12.0]]
    scenario = scenario_of(tmp_path, [*world(), stop], [place("mobile", 48.05), {"name": "roaming", "track": track}])
    one, two = done(scenario), done(scenario)
    for first, second in zip(one, two, strict=True):
        assert first.paths.rtt_s.tobytes() == second.paths.rtt_s.tobytes()
        assert first.changes == second.changes
    system = System.from_scenario(scenario)
    for run in one[::-4]:
        explained = system.explain(48.05, 12.0, run.start, terminal="mobile")
        assert bool(explained.refusal) == (not run.leases.granted[0])
        assert explained.rule == (REFUSALS[run.leases.rule[0]] if not run.leases.granted[0] else explained.rule)


def test_a_network_that_runs_serves_nobody_on_stale_facts(tmp_path: Path) -> None:
    system = System.from_scenario(scenario_of(tmp_path, world(), [place("fixed")]))
    engine, plan, permitted = Engine(system.world, START), None, []
    first = int(slot_number(START))
    for number in range(8):
        if not 2 <= number < 6:  # the store does not answer from 18 s to 78 s
            engine.heard_at = at(15 * number - 12)
        plan = engine.plan(first + number, plan)
        paths = engine.paths(plan, at(15 * number) + np.arange(15) * np.timedelta64(1, "s"))
        permitted += (paths.cause_at[:, 0] == Reason.SERVED).tolist()
    # Heard last at +3 s: nothing lasts longer than 30 s after it. Heard again at +78 s: the next slot has service.
    assert np.flatnonzero(permitted).tolist() == [*range(33), *range(90, 120)]


def test_questions_about_a_place_say_the_code_and_the_rule(tmp_path: Path) -> None:
    system = System.from_scenario(scenario_of(tmp_path, world(), [place("fixed"), place("mobile", 47.0)]))
    assert system.explain(49.0, 12.0, START, terminal="fixed").refusal == ""
    assert system.explain(47.0, 12.0, START).chosen is not None  # nobody's terminal needs no grant
    refused = system.explain(47.0, 12.0, START, terminal="fixed")
    assert refused.chosen is None
    assert refused.outcome == Reason.NO_GRANT
    assert (refused.code, refused.rule) == (Code.BLOCKED_COUNTRY, "licence.missing")
    with pytest.raises(SkyhaulError, match=r"no grant: code 6 BLOCKED_COUNTRY, unlicensed country \(92\), rule lic"):
        system.route("mobile", "Frankfurt", START)
    with pytest.raises(NotFoundError, match="no terminal is named"):
        system.explain(47.0, 12.0, START, terminal="nobody")
    assert system.route("fixed", "Frankfurt", START).rtt_s > 0.0


def test_a_route_after_the_end_of_a_lease_says_so(tmp_path: Path) -> None:
    facts = [replace(f, valid_to=at(4)) if f.id == "licence-N" else f for f in world()]
    system = System.from_scenario(scenario_of(tmp_path, facts, [place("fixed")]))
    assert system.route("fixed", "Frankfurt", at(3)).rtt_s > 0.0
    with pytest.raises(SkyhaulError, match=r"its lease ended at 2024-02-17T12:00:16.000Z, rule licence.missing"):
        system.route("fixed", "Frankfurt", at(5))


def test_hours_of_refusal_are_counted_by_reason(tmp_path: Path) -> None:
    runs = done(scenario_of(tmp_path, world(), [place("fixed"), place("mobile", 47.0), place("roaming", 47.2)]))
    record = ServiceRecord(("a", "b", "c"), at(30), at(90))
    for run in runs:
        record.add(block_of(run.plan, run.paths, run.leases, run.places.terminals.sites, run.places.speed_m_s))
    assert [len(own) for own in record.spans()] == [1, 1, 1]
    ((answer, terminals, hours),) = refusals(record.spans())
    assert (answer, terminals) == ("6 BLOCKED_COUNTRY: licence.missing (92)", 2)
    assert hours == pytest.approx(2 * 60 / 3600)


TOML = """
name = "two countries"
[time]
start = 2024-02-17T12:00:12Z
duration = "2m"
[constellation]
walker = ["D:550:53.0:1584/72/39"]
[control]
facts = ["facts"]
[[terminals]]
name = "fixed"
latitude_deg = 49.0
longitude_deg = 12.0
[[terminals]]
name = "southern"
unit = "roaming"
latitude_deg = 47.0
longitude_deg = 12.0
"""


def folder_of(folder: Path, *more: Fact, text: str = TOML) -> Path:
    (folder / "facts").mkdir(parents=True)
    (folder / "scenario.toml").write_text(text)
    (folder / "facts" / "all.json").write_text(json.dumps([fact_document(fact) for fact in [*world(), *more]]))
    return folder


def stopped(recorded: float) -> Order:
    return order("stop", Action.SUSPEND, Target.UNIT, "fixed", "operator", valid_from=at(50), recorded_at=at(recorded))


@pytest.mark.parametrize("suffix", ["nc", "zarr", "parquet"])
def test_simulate_writes_and_tells_who_is_served(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = folder_of(tmp_path / "world", stopped(-60)), tmp_path / f"run.{suffix}"
    assert run_command(["simulate", str(folder), "-o", str(output)]) == 0
    said = capsys.readouterr().out
    assert "12 ACCOUNT_DISABLED: order.unit" in said
    assert "2024-02-17T12:01:02Z" in said
    assert "6 BLOCKED_COUNTRY: licence.missing (92)" in said
    with open_dataset(output) as dataset:
        fixed, southern = (dataset.sel(terminal=name) for name in ("fixed", "southern"))
        assert dataset["unit"].values.tolist() == ["fixed", "roaming"]
        assert fixed["disablement_code"].values.tolist() == [1] * 4 + [12] * 4
        rule = REFUSALS.index("order.unit")
        assert fixed["refusal_rule"].values.tolist() == [-1] * 3 + [rule] * 5
        np.testing.assert_array_equal(fixed["lease_end"].values, [30, 30, 20, 5] + [np.nan] * 4)
        assert fixed["ruling"].values.tolist() == [1] * 4 + [0] * 4
        assert np.isfinite(fixed["rtt"].values).tolist() == [True] * 50 + [False] * 70
        assert (fixed["loss"].values == np.isnan(fixed["rtt"].values)).all()
        assert (southern["country_alert"].values == 92).all()
        assert (southern["outage_cause"].values == Reason.NO_GRANT).all()
        assert f"{int(southern['cell'].values[0]):x}".startswith("85")
        meanings = dataset["refusal_rule"].attrs["flag_meanings"].split()
        assert meanings[rule] == "order.unit"
        assert dataset.attrs["control_facts"] == len(world()) + 1
    assert run_command(["plot", str(output), "--kind", "service", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "service.png").stat().st_size > 5_000


def test_simulate_in_json_and_as_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = folder_of(tmp_path / "world", stopped(90)), tmp_path / "run.nc"

    def spans(*options: str) -> list[tuple[str, str]]:
        assert run_command(["simulate", str(folder), "-o", str(output), "--overwrite", "--json", *options]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["refusals"][0]["terminals"] == 1
        return [(span["start"], span["code_name"]) for span in document["service"][0]["spans"]]

    assert spans() == [(START_TEXT, "OKAY"), ("2024-02-17T12:01:57Z", "ACCOUNT_DISABLED")]
    known = spans("--as-known", "2024-02-18T00:00:00Z")
    assert known == [(START_TEXT, "OKAY"), ("2024-02-17T12:01:02Z", "ACCOUNT_DISABLED")]
    other = folder_of(tmp_path / "other") / "facts"
    assert spans("--registry", str(other)) == [(START_TEXT, "OKAY")]
    assert spans("--registry", str(folder))[1][1] == "ACCOUNT_DISABLED"
    Registry.create(tmp_path / "registry", "Olga", history=[*world(), stopped(90)]).close()
    assert spans("--registry", str(tmp_path / "registry"))[1] == ("2024-02-17T12:01:57Z", "ACCOUNT_DISABLED")


def test_terminals_that_are_refused_may_stay_unnamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TOML.replace('facts = ["facts"]', 'facts = ["facts"]\nlist_refused = false')
    folder = folder_of(tmp_path / "world", text=text)
    assert run_command(["simulate", str(folder), "-o", str(tmp_path / "run.nc"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [entry["terminal"] for entry in document["service"]] == ["fixed"]
    assert document["refusals"][0]["answer"] == "6 BLOCKED_COUNTRY: licence.missing (92)"


def test_as_known_without_facts_is_an_error_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["simulate", "world", "-o", str(tmp_path / "x.nc"), "--as-known", "2024-02-17"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--as-known needs facts" in line


def test_the_hash_of_a_scenario_covers_what_its_facts_say_and_not_where_they_lie(tmp_path: Path) -> None:
    one, same = (load_scenario(folder_of(tmp_path / name)) for name in ("one", "same"))
    other = load_scenario(folder_of(tmp_path / "other", stopped(0)))
    assert one.sha256() == same.sha256() != other.sha256()
    reordered = tmp_path / "same" / "facts" / "all.json"
    reordered.write_text(json.dumps(json.loads(reordered.read_text())[::-1]))
    assert load_scenario(tmp_path / "same").sha256() == one.sha256()


def test_facts_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    twice = [*world(), replace(world()[0], id="again", subject=world()[0].id)]
    with pytest.raises(ControlError, match="contradicts"):
        scenario_of(tmp_path, twice, [place("fixed")]).sha256()
