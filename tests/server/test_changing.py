"""What is changed over HTTP happens, and lasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.running import Running

HILLS = {
    "action": "suspend",
    "target": "area",
    "on": "zone/the hills",
    "reason": "rescue on radio",
    "legal_basis": "act 7, section 2",
}


def step(running: Running, seconds: float) -> None:
    answer = running.send("POST", "/time", "Olga", {"step_s": seconds})
    assert answer.status_code == 200, answer.text


def state(running: Running, name: str) -> str:
    return str(running.get(f"/terminals/{name}").json()["state"])


def signed(running: Running, path: str, person: str, said: dict[str, Any]) -> dict[str, Any]:
    """Draft and record, as the console does."""
    draft = running.send("POST", f"{path}/draft", person, said)
    assert draft.status_code == 200, draft.text
    assert draft.json()["refused"] == ""
    answer = running.send("POST", path, person, {"document": draft.json()["document"]})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_order_takes_service_away_once_a_second_person_approved_it(changing: Running) -> None:
    assert (state(changing, "hut"), state(changing, "farm")) == ("served", "served")
    order = signed(changing, "/orders", "Nora", HILLS)["order"]
    assert changing.get(f"/orders/{order}").json()["state"] == "pending"
    step(changing, 45)
    assert (state(changing, "hut"), state(changing, "farm")) == ("served", "served")
    # Who gave it cannot approve it.
    draft = changing.send("POST", f"/orders/{order}/approvals/draft", "Nora", {}).json()
    answer = changing.send("POST", f"/orders/{order}/approvals", "Nora", {"document": draft["document"]})
    assert answer.status_code == 422
    signed(changing, f"/orders/{order}/approvals", "Nils", {})
    step(changing, 30)  # two slots
    assert (state(changing, "hut"), state(changing, "farm")) == ("refused", "refused")
    assert state(changing, "harbour") == "served"
    assert changing.get(f"/orders/{order}").json()["state"] == "in force"
    found = changing.get("/terminals/hut").json()
    assert found["rule"].startswith("order")
    # The end needs as many, and gives the service back as fast.
    end = signed(changing, f"/orders/{order}/end", "Nils", {"reason": "over"})["fact"]
    signed(changing, f"/orders/{end}/approvals", "Nora", {})
    step(changing, 30)
    assert (state(changing, "hut"), state(changing, "farm")) == ("served", "served")
    reasons = [item["state"] for item in changing.get("/terminals/hut/sessions").json()["items"]]
    assert {"served", "refused"} <= set(reasons)


def test_an_application_that_is_granted_brings_service(changing: Running) -> None:
    assert changing.get("/terminals/kiosk").json()["rule"] == "allow_list.absent"
    path = "/allow-lists/port%20list/applications/application-kiosk"
    to = "2027-11-25T00:00:00Z"
    assert changing.send("POST", f"{path}/approve", "Tom", {"valid_to": to}).status_code == 403
    answer = changing.send("POST", f"{path}/approve", "Nora", {"valid_to": to})
    assert answer.status_code == 201, answer.text
    step(changing, 30)
    assert state(changing, "kiosk") == "served"


def test_terminals_come_move_and_go(changing: Running) -> None:
    new = {"name": "lodge", "latitude_deg": 39.7, "longitude_deg": -38.6}
    answer = changing.send("POST", "/terminals", "Olga", new)
    assert (answer.status_code, answer.json()["id"]) == (201, "lodge")
    assert changing.send("POST", "/terminals", "Olga", new).status_code == 409
    step(changing, 30)
    assert changing.get("/terminals/lodge").json()["rule"] == "unit.unknown"
    moved = changing.send("PATCH", "/terminals/lodge", "Olga", {"latitude_deg": 10.0, "longitude_deg": 20.0})
    assert moved.status_code == 200
    step(changing, 30)
    assert changing.get("/terminals/lodge", "Olga").json()["latitude_deg"] == 10.0
    way = {"way": [[11.0, 20.0]], "speed_m_s": 100.0}
    assert changing.send("PATCH", "/terminals/lodge", "Olga", way).status_code == 200
    step(changing, 60)
    found = changing.get("/terminals/lodge", "Olga").json()
    assert 10.0 < found["latitude_deg"] < 10.2
    assert (found["moving"], found["speed_m_s"]) == (True, pytest.approx(100.0, rel=0.05))
    assert changing.send("DELETE", "/terminals/lodge", "Olga").status_code == 204
    step(changing, 30)
    assert changing.get("/terminals/lodge").status_code == 404
    assert changing.get("/sessions", terminal="lodge").json()["items"]


def test_a_track_comes_as_gpx_too(changing: Running) -> None:
    now = changing.get("/time").json()["time"][:19]
    day = now[:10]
    gpx = (
        '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        f'<trkpt lat="1" lon="2"><time>{day}T00:00:00Z</time></trkpt>'
        f'<trkpt lat="3" lon="2"><time>{day}T23:59:00Z</time></trkpt></trkseg></trk></gpx>'
    )
    assert changing.send("PATCH", "/terminals/raft", "Olga", {"track": gpx}).status_code == 200
    step(changing, 30)
    assert 1.0 < changing.get("/terminals/raft", "Olga").json()["latitude_deg"] < 3.0
    bad = gpx.replace("<gpx", '<!DOCTYPE x [<!ENTITY e "x">]><gpx')
    assert changing.send("PATCH", "/terminals/raft", "Olga", {"track": bad}).status_code == 422
    # A name is no file of this machine.
    assert changing.send("PATCH", "/terminals/raft", "Olga", {"track": "/etc/passwd"}).status_code == 422
    assert changing.send("POST", "/terminals", "Olga", {"name": "f", "track": "/etc/passwd"}).status_code == 422


def test_what_fails_is_out_until_it_is_mended(changing: Running) -> None:
    before = changing.get("/terminals/tokyo").json()
    answer = changing.send("POST", "/failures", "Olga", {"kind": "pop", "target": before["pop"], "note": "drill"})
    assert answer.status_code == 201
    failure = answer.json()
    assert failure["state"] == "failing"
    step(changing, 30)
    after = changing.get("/terminals/tokyo").json()
    assert after["pop"] != before["pop"]
    assert next(p for p in changing.get("/pops", limit=1000).json()["items"] if p["name"] == before["pop"])["out"]
    ended = changing.send("DELETE", f"/failures/{failure['id']}", "Olga").json()
    assert (ended["state"], ended["note"]) == ("over", "drill")
    assert changing.send("DELETE", f"/failures/{failure['id']}", "Olga").status_code == 409
    assert changing.send("DELETE", "/failures/999", "Olga").status_code == 404
    step(changing, 30)
    assert changing.get("/terminals/tokyo").json()["pop"] == before["pop"]
    assert changing.send("POST", "/failures", "Olga", {"kind": "pop", "target": "Atlantis"}).status_code == 404


def test_time_is_changed_within_bounds(changing: Running) -> None:
    assert changing.send("POST", "/time", "Olga", {"speed": 0}).status_code == 422
    assert changing.send("POST", "/time", "Olga", {"step_s": 1e9}).status_code == 422
    assert changing.send("POST", "/time", "Olga", {"spede": 2}).status_code == 422
    assert changing.send("POST", "/time", "Olga", {"at": "tomorrow"}).status_code == 422
    answer = changing.send("POST", "/time", "Olga", {"speed": 20.0})
    assert (answer.json()["speed"], answer.json()["paused"]) == (20.0, True)


def test_handovers_are_those_that_were(changing: Running) -> None:
    step(changing, 300)
    sessions = changing.get("/terminals/quito/sessions", limit=1000).json()["items"]
    handovers = changing.get("/terminals/quito/handovers").json()["items"]
    assert handovers
    starts = {session["start"]: session for session in sessions}
    for handover in handovers:
        assert handover["before"]["satellite_number"] != handover["after"]["satellite_number"]
        assert starts[handover["time"]]["satellite_number"] == handover["after"]["satellite_number"]
    history = changing.get("/terminals/quito/history").json()
    assert len({len(history[name]) for name in ("time", "rtt_ms", "loss", "satellite")}) == 1
    assert len(history["time"]) >= 300
    times = {handover["time"] for handover in handovers}
    for k in range(1, len(history["time"])):
        if history["satellite"][k] != history["satellite"][k - 1]:
            assert history["time"][k] in times
