"""Who may ask what, from where, how often, how much at once."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skyhaul.control.facts import Statement
from skyhaul.server import Tokens
from skyhaul.server._limits import Buckets
from skyhaul.server._people import is_loopback
from tests.server.running import Running, live

WRITES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/time", {"speed": 2.0}),
    ("POST", "/terminals", {"name": "new", "latitude_deg": 1.0, "longitude_deg": 2.0}),
    ("PATCH", "/terminals/tokyo", {"latitude_deg": 1.0, "longitude_deg": 2.0}),
    ("DELETE", "/terminals/tokyo", None),
    ("POST", "/failures", {"kind": "pop", "target": "Tokyo"}),
    ("DELETE", "/failures/1", None),
]
ORDER = {
    "action": "suspend",
    "target": "area",
    "on": "zone/the hills",
    "reason": "rescue on radio",
    "legal_basis": "act 7, section 2",
}


@pytest.mark.parametrize(("method", "path", "document"), WRITES)
def test_only_the_operator_changes_the_system(
    server: Running, method: str, path: str, document: dict[str, Any] | None
) -> None:
    before = server.get("/system").json()["terminals"]
    answer = server.send(method, path, "", document)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    for person in ("Nora", "Tom", "Ari", "Ada"):
        answer = server.send(method, path, person, document)
        assert answer.status_code == 403, person
        assert answer.json()["detail"].startswith(person)
    assert server.get("/system").json()["terminals"] == before


def test_every_route_that_changes_something_refuses_nobody_in_particular(server: Running) -> None:
    paths = server.get("/openapi.json").json()["paths"]
    tried = 0
    for path, methods in paths.items():
        for method in methods.keys() & {"post", "put", "patch", "delete"}:
            address = path.replace("{", "x").replace("}", "x")
            answer = httpx.request(method, f"{server.url}{address}", json={}, trust_env=False)
            assert answer.status_code == 401, (method, path)
            tried += 1
    assert tried >= 15


def test_a_wrong_token_opens_nothing(server: Running) -> None:
    for header in ("Bearer nobody", "Basic b2xnYTpvbGdh", "Bearer"):
        with httpx.Client(base_url=server.url, headers={"Authorization": header}, trust_env=False) as client:
            assert client.get("/api/v1/system").status_code == 401, header


def test_from_elsewhere_nothing_is_read_without_a_token(server: Running) -> None:
    def asked(path: str, token: str = "") -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=server.app, client=("192.0.2.7", 4711))
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with httpx.AsyncClient(transport=transport, base_url=server.url, headers=headers) as client:
                return await client.get(path)

        return asyncio.run(ask())

    for path in ("/api/v1/system", "/api/v1/terminals", "/api/v1/nothing", "/api/v1/openapi.json", "/metrics"):
        assert asked(path).status_code == 401, path
    assert asked("/").status_code == 200  # the page itself tells nobody anything
    assert asked("/healthz").status_code == 200
    assert asked("/api/v1/system", server.tokens["Ari"]).json()["person"] == "Ari"


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_loopback_is_what_it_is(address: str, own: bool) -> None:
    assert is_loopback(address) is own


def test_a_name_that_points_here_is_not_enough(server: Running) -> None:
    for host, status in (("evil.example", 421), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:9", 200), ("", 421)):
        answer = httpx.get(f"{server.url}/api/v1/system", headers={"Host": host}, trust_env=False)
        assert answer.status_code == status, host


def test_pages_of_others_change_nothing_and_see_no_sky(server: Running) -> None:
    headers = {"Authorization": f"Bearer {server.tokens['Olga']}", "Origin": "http://evil.example"}
    answer = httpx.post(f"{server.url}/api/v1/time", json={"paused": True}, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    own = headers | {"Origin": server.url}
    assert (
        httpx.post(f"{server.url}/api/v1/time", json={"paused": True}, headers=own, trust_env=False).status_code == 200
    )


def test_every_answer_bears_the_headers_that_keep_browsers_careful(server: Running) -> None:
    for path in ("/", "/api/v1/system", "/api/v1/nothing", "/metrics"):
        headers = httpx.get(server.url + path, trust_env=False).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_a_body_is_bounded_however_it_comes(server: Running) -> None:
    headers = {"Authorization": f"Bearer {server.tokens['Olga']}", "Content-Type": "application/json"}
    big = b" " * (3 * 1024 * 1024)

    def in_parts() -> Any:
        for _ in range(48):
            yield b" " * 65536

    for body in (big, in_parts()):
        answer = httpx.post(f"{server.url}/api/v1/time", content=body, headers=headers, trust_env=False)
        assert answer.status_code == 413
        assert answer.json()["mend"]
    answer = httpx.post(f"{server.url}/api/v1/time", content=b"{", headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_bucket_fills_as_time_goes() -> None:
    now = 0.0
    buckets = Buckets(10.0, 3.0, lambda: now)
    assert [buckets.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.wait_s("a") == pytest.approx(0.1)
    assert buckets.wait_s("b") == 0.0
    now = 0.1
    assert buckets.wait_s("a") == 0.0
    assert buckets.wait_s("a") == pytest.approx(0.1)
    now = 1000.0
    assert [buckets.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.wait_s("a") > 0.0


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with live(tmp_path, rate=1.0, burst=5.0) as running:
        answers = [running.get("/time") for _ in range(8)]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        late = answers[-1]
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) >= 1
        assert running.get("/time", "Ari").status_code == 200  # a bucket for each
        assert httpx.get(f"{running.url}/healthz", trust_env=False).status_code == 200


def test_tokens_last_and_their_file_tells_none(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    tokens = Tokens.open(path)
    token = tokens.make("Nora")
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    again = Tokens.open(path)
    assert again.person_of(token) == "Nora"
    assert again.person_of(token + "x") is None
    assert again.revoke("Nora") == 1
    assert Tokens.open(path).person_of(token) is None


def test_places_are_cells_but_for_those_who_may_know(server: Running) -> None:
    def seen(person: str, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = server.get("/terminals/harbour", person, **query).json()
        return found

    true = {"latitude_deg": 39.0, "longitude_deg": -39.0}
    for person in ("", "Ari", "Tom", "Nora", "Sol"):
        found = seen(person)
        assert found["position_precision"] == "cell", person
        assert {name: found[name] for name in true} != true
    for person in ("Olga", "Ada"):  # the operator; the holder
        found = seen(person)
        assert found["position_precision"] == "exact", person
        assert {name: found[name] for name in true} == true
    for person in ("", "Ari", "Sol"):
        answer = server.get("/terminals/harbour", person, exact="true", reason="curious")
        assert answer.status_code == (401 if not person else 403), person
    assert server.get("/terminals/harbour", "Nora", exact="true").status_code == 422  # without a reason


def test_angles_and_paths_tell_no_more_than_the_cell(server: Running) -> None:
    near = server.get("/terminals/harbour/candidates").json()
    exact = server.get("/terminals/harbour/candidates", "Olga").json()
    assert (near["seen_from"], exact["seen_from"]) == ("cell", "exact")
    assert [item["number"] for item in near["items"]] == [item["number"] for item in exact["items"]]
    highest = exact["items"][0]
    assert near["items"][0]["azimuth_deg"] != highest["azimuth_deg"]
    path = server.get("/terminals/harbour/path").json()
    middle = server.get("/terminals/harbour").json()
    assert path["items"][0]["latitude_deg"] == pytest.approx(middle["latitude_deg"], abs=1e-5)


def test_an_authority_is_shown_a_place_for_a_reason_and_that_is_on_record(changing: Running) -> None:
    answer = changing.get("/terminals/harbour", "Nora", exact="true", reason="search and rescue")
    assert answer.json()["position_precision"] == "exact"
    assert answer.json()["latitude_deg"] == 39.0
    said = [fact for fact in changing.desk.registry.facts if isinstance(fact, Statement)]
    assert [(fact.speaker, fact.about) for fact in said] == [("Nora", ("harbour",))]
    assert "search and rescue" in said[0].says
    assert changing.get("/terminals/inn", "Nora", exact="true", reason="same").status_code == 403  # in Southland
    leaf = changing.desk.registry.store.leaf_of(said[0].id)
    assert json.loads(changing.desk.registry.store.body(leaf))


def test_one_authority_cannot_touch_anothers_territory(changing: Running) -> None:
    facts = len(changing.desk.registry.facts)
    for person, order in (
        ("Sol", ORDER),  # the hills are Northland's
        ("Nora", ORDER | {"on": "licence/Southland"}),
        ("Nora", ORDER | {"authority": "Southland Office", "on": "licence/Southland"}),
    ):
        draft = changing.send("POST", "/orders/draft", person, order).json()
        answer = changing.send("POST", "/orders", person, {"document": draft["document"]})
        assert answer.status_code == 403, (person, order)
        assert answer.json()["detail"]
    for person in ("Tom", "Ari"):
        assert changing.send("POST", "/orders/draft", person, ORDER).status_code == 403
    answer = changing.send(
        "POST", "/allow-lists/port%20list/applications/application-kiosk/reject", "Sol", {"reason": "x"}
    )
    assert answer.status_code == 403
    assert len(changing.desk.registry.facts) == facts


def test_without_keys_the_server_signs_for_nobody(tmp_path: Path) -> None:
    with live(tmp_path, client_signs=True) as running:
        assert running.get("/system").json()["signing"] == "client"
        draft = running.send("POST", "/orders/draft", "Nora", ORDER).json()
        assert draft["server_signs"] is False
        refused = running.send("POST", "/orders", "Nora", {"document": draft["document"]})
        assert refused.status_code == 403
        assert "sign" in refused.json()["detail"]
        forged = Ed25519PrivateKey.generate().sign(draft["text"].encode()).hex()
        answer = running.send("POST", "/orders", "Nora", {"document": draft["document"], "signature": forged})
        assert answer.status_code == 403
        from skyhaul.server._demo import demo_keys

        key = demo_keys(tmp_path / "registry")["Nora"]
        own = Ed25519PrivateKey.from_private_bytes(key.seed).sign(draft["text"].encode()).hex()
        answer = running.send("POST", "/orders", "Nora", {"document": draft["document"], "signature": own})
        assert answer.status_code == 201
        # Names stay with those whose work they are.
        assert running.get("/terminals/inn/custody").json()["hands"] == ["not shown", "?", "not shown"]
        assert running.get("/terminals/inn/custody", "Ari").json()["hands"] == ["Works", "?", "Ada"]
        assert running.get("/parties").status_code == 401
        assert [item["party"] for item in running.get("/parties", "Tom").json()["items"]] == ["Corner Shop", "Trader"]


def test_nonsense_on_the_line_ends_with_the_line(server: Running) -> None:
    where = urlsplit(server.url)
    assert where.hostname
    for junk in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000, b"\r\n" * 1000):
        with socket.create_connection((where.hostname, where.port or 0), timeout=5) as line:
            line.settimeout(5)
            try:
                line.sendall(junk)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass
            except OSError:
                pass
    assert server.get("/time").status_code == 200
