"""`skyhaul up` and `skyhaul status` as they are run: a start, a look, a kill, another start, an end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from skyhaul.cli import run

HILLS = {
    "action": "suspend",
    "target": "area",
    "on": "zone/the hills",
    "reason": "rescue on radio",
    "legal_basis": "act 7, section 2",
}


class Up:
    """A process that serves."""

    def __init__(self, process: subprocess.Popen[str], said: str) -> None:
        self.process, self.said = process, said
        found = re.search(r"http://\S+", said)
        assert found
        self.url = found[0]
        self.tokens = {person: token for token, person in re.findall(r"^  (\S+)  (\w+), ", said, re.MULTILINE)}

    def ask(self, method: str, path: str, person: str = "", document: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        answer = httpx.request(
            method, f"{self.url}/api/v1{path}", json=document, headers=headers, trust_env=False, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def end(self, number: int) -> tuple[int, str]:
        """Its code and what it said on standard error."""
        self.process.send_signal(number)
        _, error = self.process.communicate(timeout=30)
        return self.process.returncode, error


@contextmanager
def up(*arguments: str) -> Iterator[Up]:
    process = subprocess.Popen(
        [sys.executable, "-m", "skyhaul", "up", "--port", "0", "--no-dishes", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        said = ""
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(process.communicate()[1])
        yield Up(process, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_starts_says_how_it_does_and_ends_with_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(["status"]) == 1
    assert "no server runs here" in capsys.readouterr().err
    log = tmp_path / "requests.jsonl"
    with up("--log", str(log)) as running:
        assert "Olga, operator" in running.said
        assert run(["status"]) == 0
        said = capsys.readouterr().out
        assert "21 terminals: 16 served, 5 refused" in said
        assert "stranger" in said
        assert run(["status", "--json", "--url", running.url]) == 0
        assert json.loads(capsys.readouterr().out)["system"]["scenario"] == "live"
        # The folder is one process's at a time, and a port too: one line each.
        assert run(["up", "--port", "0"]) == 1
        assert capsys.readouterr().err.count("\n") == 1
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            assert run(["up", "--port", str(taken.getsockname()[1])]) == 1
        error = capsys.readouterr().err
        assert "something listens there already" in error
        assert error.count("\n") == 1
        # Who still reads events keeps nobody from ending.
        with httpx.stream("GET", f"{running.url}/api/v1/events", trust_env=False, timeout=30):
            assert running.end(signal.SIGINT) == (0, "")
    assert run(["status"]) == 1
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"path", "status", "ms", "person", "address"} <= lines[0]["request"].keys()
    assert all(token not in log.read_text() for token in running.tokens.values())


@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path / "system"))
    # What a first start that was killed left behind is in nobody's way.
    (tmp_path / "system" / "registry.part").mkdir(parents=True)
    (tmp_path / "system" / "registry.part" / "control.db").touch()
    with up(*folder) as first:
        first.ask("POST", "/terminals", "Olga", {"name": "lodge", "latitude_deg": 39.7, "longitude_deg": -38.6})
        first.ask("DELETE", "/terminals/lagos", "Olga")
        draft = first.ask("POST", "/orders/draft", "Nora", HILLS)
        order = first.ask("POST", "/orders", "Nora", {"document": draft["document"]})["order"]
        failure = first.ask("POST", "/failures", "Olga", {"kind": "pop", "target": "Tokyo"})["id"]
        sessions = first.ask("GET", "/terminals/tokyo/sessions")["items"]
        size = first.ask("GET", "/log")["size"]
        first.process.kill()
        first.process.wait()
    # Some slots later: nobody knows what was in between.
    later = np.datetime64(time.time_ns(), "ns") + np.timedelta64(60, "s")
    with up(*folder, "--start", f"{later.astype('datetime64[s]')}Z") as second:
        assert second.tokens == first.tokens
        names = {item["id"] for item in second.ask("GET", "/terminals?limit=1000")["items"]}
        assert "lodge" in names
        assert "lagos" not in names
        assert second.ask("GET", f"/orders/{order}")["state"] == "pending"
        assert [item["id"] for item in second.ask("GET", "/failures")["items"]] == [failure]
        assert second.ask("GET", "/log")["size"] >= size
        now = second.ask("GET", "/terminals/tokyo/sessions")["items"]
        before = [item for item in now if item["start"] <= sessions[0]["start"]]
        assert [item["start"] for item in before] == [item["start"] for item in sessions]
        assert sum(item["before_gap"] for item in now) == 1
        code, error = second.end(signal.SIGTERM)
        assert (code, error) == (128 + signal.SIGTERM, "")
