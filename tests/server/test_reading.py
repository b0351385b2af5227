"""What the API answers is what the system does."""

from __future__ import annotations

import json
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import pytest

from skyhaul.network import slot_number
from skyhaul.server import create_app
from tests.server.running import START, Running

SLOT = int(slot_number(START))


def test_the_system_says_its_time_and_who_is_served(server: Running) -> None:
    found = server.get("/system").json()
    assert found["time"] == "2026-11-25T12:00:12Z"
    assert found["paused"] is True
    assert found["slot"] == {"number": SLOT, "start": "2026-11-25T12:00:12Z", "end": "2026-11-25T12:00:27Z"}
    counts = found["terminals"]
    assert counts["total"] == 21
    assert counts["refused"] == 5
    assert counts["served"] + counts["refused"] + counts["out_of_service"] == counts["total"]
    assert found["signing"] == "demo"
    assert found["roles"] == []
    assert server.get("/system", "Nora").json()["bodies"] == ["Northland Office"]


def test_all_pages_together_are_the_list(server: Running) -> None:
    numbers: list[int] = []
    cursor: str | None = None
    with server.client() as client:
        while True:
            query = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
            page = client.get("/satellites", params=query).json()
            numbers += [item["number"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            assert len(page["items"]) == 1000
    assert numbers == server.desk.snapshot().world.elements.catalog_number.tolist()


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": "ZnJvbSAtMQ"}])
def test_lists_are_bounded(server: Running, query: dict[str, Any]) -> None:
    answer = server.get("/satellites", **query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["mend"]


def test_a_satellite_is_where_the_constellation_says(server: Running) -> None:
    item = server.get("/satellites", q="s1-p00-n03").json()["items"][0]
    snapshot = server.desk.snapshot()
    position = snapshot.world.position_m(snapshot.time)[:, item["index"]]
    radius_km = float(np.linalg.norm(position)) / 1e3
    assert item["altitude_km"] == pytest.approx(radius_km - 6371.0, abs=15.0)  # the ellipsoid's half axes differ by 21
    assert np.degrees(np.arctan2(position[1], position[0])) == pytest.approx(item["longitude_deg"], abs=1e-3)


def test_satellites_of_shells_are_all(server: Running) -> None:
    shells = server.get("/shells").json()["items"]
    assert sum(shell["count"] for shell in shells) == server.get("/system").json()["satellites"]
    one = shells[0]["name"]
    found = server.get("/satellites", shell=one, limit=5).json()["items"]
    assert {item["shell"] for item in found} == {one}
    assert server.get("/satellites", shell="no such").json() == {"items": [], "next": None}


def test_a_served_terminal_names_the_satellite_that_names_it(server: Running) -> None:
    for terminal in server.get("/terminals", state="served", limit=1000).json()["items"]:
        satellite = server.get(f"/satellites/{terminal['satellite_number']}").json()
        assert terminal["id"] in satellite["terminals"]
        assert satellite["serving_terminals"] == len(satellite["terminals"])


def test_states_divide_terminals(server: Running) -> None:
    by_state = {
        state: {item["id"] for item in server.get("/terminals", state=state, limit=1000).json()["items"]}
        for state in ("served", "refused", "no_path", "off")
    }
    everyone = {item["id"] for item in server.get("/terminals", limit=1000).json()["items"]}
    assert set().union(*by_state.values()) == everyone
    assert sum(map(len, by_state.values())) == len(everyone)
    assert by_state["refused"] == {"kiosk", "mill", "inn", "raft", "stranger"}


def test_a_refused_terminal_says_why(server: Running) -> None:
    mill = server.get("/terminals/mill").json()
    assert (mill["state"], mill["rule"], mill["code_name"]) == ("refused", "licence.control", "BLOCKED_AREA")
    answer = server.get("/terminals/mill/decision").json()
    assert answer["decision"]["outcome"] == "refused"
    assert any(reason["rule"] == "licence.control" for reason in answer["decision"]["reasons"])
    assert "licence.control" in answer["explanation"]


def test_a_decision_of_another_time_goes_by_the_border_of_then(server: Running) -> None:
    def outcome(time: str) -> str:
        return str(server.get("/terminals/mill/decision", time=time).json()["decision"]["outcome"])

    assert outcome("2025-01-01T00:00:00Z") == "permitted"
    assert outcome("2025-10-01T00:00:00Z") == "refused"
    assert server.get("/terminals/mill/decision", time="yesterday").status_code == 422


def test_a_path_leads_from_the_dish_to_a_point_of_presence(server: Running) -> None:
    path = server.get("/terminals/tokyo/path").json()
    kinds = [stop["kind"] for stop in path["items"]]
    assert kinds[0] == "terminal"
    assert kinds[-2:] == ["gateway", "pop"]
    assert set(kinds[1:-2]) == {"satellite"}
    assert path["rtt_ms"] == pytest.approx(2 * path["delay_ms"] + path["access_network_ms"], abs=0.3)
    assert len(path["legs"]) == len(path["items"]) - 1


def test_candidates_say_why_each_serves_or_not(server: Running) -> None:
    found = server.get("/terminals/tokyo/candidates").json()
    chosen = [item for item in found["items"] if item["chosen"]]
    assert [item["name"] for item in chosen] == [server.get("/terminals/tokyo").json()["satellite"]]
    assert all(item["words"] for item in found["items"])
    other = next(item for item in found["items"] if not item["chosen"])
    why = server.get("/explain/satellite", terminal="tokyo", satellite=str(other["number"])).json()
    assert (why["chosen"], why["reason"]) == (False, other["reason"])


def test_the_next_handover_comes_as_the_plans_say(server: Running) -> None:
    with server.client() as client:
        named = [item["id"] for item in client.get("/terminals", params={"state": "served"}).json()["items"]]
        coming = [client.get(f"/terminals/{name}/next-handover").json() for name in named]
    changes = [found for found in coming if found["time"] is not None]
    assert changes
    for found in changes:
        assert found["before"]["satellite_number"] != found["after"]["satellite_number"]
        assert found["time"] == found["after"]["start"]
        assert found["time"] > "2026-11-25T12:00:12Z"


def test_cells_are_where_their_boundaries_are(server: Running) -> None:
    cells = server.get("/cells", limit=1000).json()["items"]
    assert sum(cell["terminals"] for cell in cells) == 21
    for cell in cells:
        assert h3.latlng_to_cell(cell["latitude_deg"], cell["longitude_deg"], 5) == cell["cell"]
        assert cell["boundary"][0] == cell["boundary"][-1]
    inside = server.get("/cells", bbox="-45,35,-30,42").json()["items"]
    assert {cell["cell"] for cell in inside} == {
        cell["cell"] for cell in cells if -45 <= cell["longitude_deg"] <= -30 and 35 <= cell["latitude_deg"] <= 42
    }
    assert server.get("/cells", bbox="1,2,3").status_code == 422


def test_a_plan_counts_what_the_system_counts(server: Running) -> None:
    plan = server.get(f"/plans/{SLOT}").json()
    assert plan["sure"] is True
    assert plan["by_reason"]["SERVED"] == server.get("/system").json()["terminals"]["served"]
    assert sum(plan["laser_hops"].values()) == plan["cells_served"]
    assert server.get("/plans/7").status_code == 404


def test_custody_shows_the_gap(server: Running) -> None:
    found = server.get("/terminals/inn/custody").json()
    assert found["hands"] == ["Works", "?", "Ada"]
    assert any(item["gap_before"] for item in found["items"])
    assert server.get("/terminals/stranger/custody").json()["under_way_to"] == "Corner Shop"
    assert server.get("/custody/parties/Corner%20Shop").json()["sent"] == 1
    assert server.get("/custody/parties/nobody").status_code == 404


def test_what_is_not_there_is_said_with_what_is_near(server: Running) -> None:
    answer = server.get("/terminals/harbor")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "no terminal is named “harbor”"
    assert "harbour" in answer.json()["mend"]
    assert server.get("/nothing").json()["status"] == 404
    assert server.send("PUT", "/system", "Olga").status_code == 405


def test_the_description_holds_for_every_route(server: Running) -> None:
    found = server.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
    examples = [name for name, schema in found["components"]["schemas"].items() if schema.get("examples")]
    assert {"SystemOut", "TerminalOut", "SatelliteOut", "Problem", "FailureIn"} <= set(examples)
    again = create_app(server.desk).openapi()
    assert json.dumps(again, sort_keys=True) == json.dumps(found, sort_keys=True)
