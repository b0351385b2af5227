"""The console's files, metrics, and whether it lives."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from skyhaul.server import _console
from tests.server.running import Running

CONSOLE = Path(__file__).parents[2] / "console"


def get(server: Running, path: str, **headers: str) -> httpx.Response:
    # By hand, so that nothing tidies the path before it is sent.
    with httpx.Client(trust_env=False) as client:
        return client.send(
            client.build_request("GET", httpx.URL(server.url).copy_with(raw_path=path.encode()), headers=headers)
        )


def test_the_page_and_all_it_names_are_served(server: Running) -> None:
    assert get(server, "/").content == (CONSOLE / "index.html").read_bytes()
    for path in sorted(CONSOLE.rglob("*.js")):
        name = path.relative_to(CONSOLE).as_posix()
        if "node_modules" in name:
            continue
        answer = get(server, f"/{name}")
        assert answer.content == path.read_bytes(), name
        assert answer.headers["content-type"].startswith("text/javascript")


def test_files_are_sent_once_and_packed(server: Running) -> None:
    first = get(server, "/src/main.js", **{"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = get(server, "/src/main.js", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = get(server, "/src/main.js", **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert first.headers["etag"].strip('"') == hashlib.sha256(plain.content).hexdigest()[:24]


@pytest.mark.parametrize(
    "path",
    [
        "/package.json",
        "/node_modules/three/package.json",
        "/../pyproject.toml",
        "/%2e%2e/pyproject.toml",
        "/src/%2e%2e/%2e%2e/pyproject.toml",
        "/.npmrc",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/src",
        "/src/%00",
        "/" + "a" * 5000,
    ],
    ids=lambda path: path[:30],
)
def test_nothing_else_is_served(server: Running, path: str) -> None:
    answer = get(server, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_link_out_of_the_folder_leads_nowhere(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "console"
    home.mkdir()
    (home / "index.html").write_text("page")
    (tmp_path / "secret.txt").write_text("secret")
    (home / "way.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(_console, "folder", lambda: home)
    assert get(server, "/").text == "page"
    assert get(server, "/way.txt").status_code == 404


def test_coast_lines_bear_no_border(server: Running) -> None:
    land = get(server, "/console/land.json").json()
    assert len(land["rings"]) > 100
    assert all(-180 <= x <= 180 and -90 <= y <= 90 for ring in land["rings"] for x, y in ring)


def test_metrics_say_of_dishes_what_the_api_says(server: Running) -> None:
    text = get(server, "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    up = {sample.labels["terminal"]: sample.value for sample in families["starlink_dish_up"].samples}
    latency = {
        sample.labels["terminal"]: sample.value for sample in families["starlink_dish_pop_ping_latency_seconds"].samples
    }
    code = {s.labels["terminal"]: s.value for s in families["starlink_dish_disablement_code"].samples}
    terminals = server.get("/terminals", limit=1000).json()["items"]
    assert up == {t["id"]: float(t["state"] == "served") for t in terminals}
    assert code == {t["id"]: float(t["code"]) for t in terminals}
    for terminal in terminals:
        if terminal["state"] == "served":
            assert 1e3 * latency[terminal["id"]] == pytest.approx(terminal["rtt_ms"], abs=0.06)
    by_state = {s.labels["state"]: s.value for s in families["skyhaul_terminals"].samples}
    counts = server.get("/system").json()["terminals"]
    assert by_state == {
        "served": counts["served"],
        "refused": counts["refused"],
        "no_path": counts["out_of_service"],
    }
    assert all(math.isfinite(s.value) for family in families.values() for s in family.samples)


def test_it_lives_and_is_ready(server: Running) -> None:
    assert get(server, "/healthz").text == "alive\n"
    assert get(server, "/readyz").text == "ready\n"
