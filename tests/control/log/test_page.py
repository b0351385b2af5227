from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from skyhaul.cli._audit import app

PAGE = (Path(__file__).parents[3] / "docs" / "audit-log.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/audit-log.md", "exec"), {})


def test_the_commands_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (console,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, "docs/audit-log.md", "exec"), names)
    Path("checkpoint.may").write_bytes(Path("log/checkpoint").read_bytes())
    command = typer.main.get_command(app)
    lines = re.findall(r"^\$ skyhaul audit ([^#\n]*)", console, re.MULTILINE)
    command.main(["key", "new", "witness.example.org/w1", "--witness", "-o", "witness.key"], standalone_mode=False)
    for line in lines:
        arguments = [str(names["key"]) if word == "KEY" else word for word in line.split()]
        if arguments[:2] == ["key", "new"]:
            arguments[-1] = "another.key"  # the example has made log.key
        command.main(arguments, standalone_mode=False)
    assert len(lines) == 7
    assert "order.tlog-proof: good" in capsys.readouterr().out


def test_the_tests_the_page_names_are_there() -> None:
    for name in set(re.findall(r"`(test_\w+)`", PAGE)):
        assert (Path(__file__).parent / f"{name}.py").exists()
