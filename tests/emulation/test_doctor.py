from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from skyhaul.cli._doctor import doctor
from skyhaul.emulation import can_link, examine
from skyhaul.emulation._doctor import Finding
from skyhaul.emulation._privileges import no_namespaces, why_no_namespaces


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return examine()


def test_every_feature_is_found_out_and_what_is_missing_has_a_remedy(findings: list[Finding]) -> None:
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names) >= 12
    for finding in findings:
        assert finding.what
        assert finding.state in ("works", "missing", "limited", "untried")
        if finding.state in ("missing", "limited") and finding.name != "netem":
            assert finding.remedy


def test_looking_changes_nothing(findings: list[Finding]) -> None:
    before = Path("/proc/net/dev").read_text().count("\n"), Path("/proc/self/ns/net").readlink()
    assert examine() == findings
    assert (Path("/proc/net/dev").read_text().count("\n"), Path("/proc/self/ns/net").readlink()) == before


def test_the_exit_status_says_whether_links_work(findings: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        doctor(as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["links_work"] == can_link(findings) == (caught.value.exit_code == 0)
    assert [finding["name"] for finding in answer["findings"]] == [finding.name for finding in findings]
    with pytest.raises(typer.Exit):
        doctor()
    text = capsys.readouterr().out
    assert all(finding.what in text for finding in findings)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("user/max_user_namespaces", "0", "user.max_user_namespaces"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
    ],
)
def test_the_setting_that_is_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setattr("skyhaul.emulation._privileges.setting", lambda asked: value if asked == name else None)
    error = no_namespaces(PermissionError(1, "Operation not permitted"))
    assert what in str(error)
    assert "or run as root" in error.mend
    assert why_no_namespaces()[1].startswith("sudo sysctl ")


def test_links_need_one_of_two_devices() -> None:
    names = ("user and network namespaces", "PID namespace", "TUN device", "veth pair", "packet sockets")

    def machine(*missing: str) -> list[Finding]:
        return [Finding(name, "missing" if name in missing else "works", "") for name in names]

    assert can_link(machine())
    assert can_link(machine("TUN device"))
    assert can_link(machine("veth pair"))
    assert not can_link(machine("TUN device", "veth pair"))
    assert not can_link(machine("PID namespace"))
    assert not can_link([Finding("kernel", "missing", "this is Darwin")])
