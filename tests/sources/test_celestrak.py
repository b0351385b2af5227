"""Fetching from CelesTrak: seldom, patiently, and never without saying what is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest

from skyhaul import __version__
from skyhaul.errors import FetchError, SkyhaulWarning
from skyhaul.sources import Fetched, cache_folder, fetch_elements
from tests.orbits.formats import CSV

NOON = datetime(2026, 6, 13, 12, 0, tzinfo=UTC)
NEWER = CSV.replace("44714", "44715")
Handler = Callable[[httpx.Request], httpx.Response]


class World:
    """A cache, a clock that is set by hand, and a service that answers as told and counts who asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = NOON
        self.requests: list[httpx.Request] = []
        self.answer: Handler = lambda _: httpx.Response(200, text=CSV)

    def fetch(self, name: str = "starlink") -> Fetched:
        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answer(request)

        with httpx.Client(transport=httpx.MockTransport(handle)) as client:
            return fetch_elements(name, folder=self.folder, client=client, now=lambda: self.time)

    def error(self, name: str = "starlink") -> FetchError:
        with pytest.raises(FetchError) as caught:
            self.fetch(name)
        assert caught.value.mend
        assert "\n" not in str(caught.value)
        return caught.value

    def wait(self, **much: float) -> None:
        self.time += timedelta(**much)

    def says(self, text: str, status: int = 200) -> None:
        self.answer = lambda _: httpx.Response(status, text=text)

    def fails(self, error: Exception) -> None:
        def handle(_: httpx.Request) -> httpx.Response:
            raise error

        self.answer = handle

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "cache" / "elements")


def test_a_group_is_asked_for_kept_and_given(world: World) -> None:
    fetched = world.fetch("Starlink")
    assert fetched.fresh
    assert fetched.asked == NOON
    assert fetched.parsed.elements.catalog_number.tolist() == [44714]
    assert fetched.path == world.folder / "starlink.csv"
    assert fetched.path.read_text() == CSV
    (request,) = world.requests
    assert str(request.url) == "https://celestrak.org/NORAD/elements/gp.php?GROUP=Starlink&FORMAT=csv"
    assert request.headers["User-Agent"] == f"skyhaul/{__version__}"
    assert world.files() == {"starlink.csv", "starlink.json"}


def test_within_two_hours_nobody_is_asked(world: World) -> None:
    world.fetch()
    world.says(NEWER)
    for minutes in (0, 60, 59.9):
        world.wait(minutes=minutes)
        kept = world.fetch()
        assert not kept.fresh
        assert kept.asked == NOON
        assert kept.parsed.elements.catalog_number.tolist() == [44714]
    assert len(world.requests) == 1
    world.wait(minutes=0.1)
    assert world.fetch().parsed.elements.catalog_number.tolist() == [44715]
    assert len(world.requests) == 2


def test_groups_wait_each_for_themselves(world: World) -> None:
    world.fetch()
    world.fetch("oneweb")
    assert len(world.requests) == 2
    assert world.files() == {"starlink.csv", "starlink.json", "oneweb.csv", "oneweb.json"}


def test_a_clock_set_back_or_in_another_zone_does_not_block(world: World) -> None:
    world.fetch()
    world.wait(days=-3)
    assert world.fetch().fresh
    world.time = world.time.astimezone(timezone(timedelta(hours=9))) + timedelta(minutes=30)
    assert not world.fetch().fresh


def test_the_last_good_copy_is_given_with_a_warning(world: World) -> None:
    world.fetch()
    world.wait(hours=3)
    world.says("<!DOCTYPE html>\n<html>down</html>")
    with pytest.warns(SkyhaulWarning, match="the copy of 2026-06-13 12:00 UTC is used") as caught:
        kept = world.fetch()
    assert "'<!DOCTYPE html>'" in str(caught[0].message)
    assert not kept.fresh
    assert kept.asked == NOON
    # A failed attempt counts: the copy is given with the same warning, but without another question.
    world.wait(hours=1)
    with pytest.warns(SkyhaulWarning, match="the copy of 2026-06-13 12:00 UTC is used"):
        assert world.fetch().asked == NOON
    assert len(world.requests) == 2
    world.wait(hours=1)
    world.says(NEWER)
    assert world.fetch().fresh
    assert world.fetch().asked == NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("<html>no</html>", 200, "answered '<html>no</html>'"),
        ("", 200, "answered 'nothing'"),
        ('Invalid query: "GROUP=starlink" (no such group)', 200, "answered 'Invalid query: "),
        ("\nGP data has not updated since your last\n", 403, "answered 403 Forbidden: 'GP data has not updated since"),
        ("<html></html>", 404, "answered 404 Not Found: '<html></html>'"),
        ("moved", 301, "answered 301 Moved Permanently: 'moved'"),
        (CSV, 503, "answered 503 Service Unavailable: "),
        (CSV.splitlines()[0], 200, "no elements"),
        ("OBJECT_NAME,NORAD_CAT_ID\nA,1\n", 200, "no column EPOCH"),
        (CSV.replace("53.0559", "nan"), 200, "no elements: all 1 sets are bad"),
        (CSV.replace("S", "\0"), 200, "the file is not text"),
    ],
)
def test_an_answer_without_elements_is_an_error_and_not_asked_for_again(
    world: World, text: str, status: int, said: str
) -> None:
    world.says(text, status)
    error = world.error()
    assert error.what.startswith(f"no elements of starlink from CelesTrak: {said}")
    assert "--elements FILE" in error.mend
    world.wait(hours=1)
    again = world.error()
    assert again.what == error.what
    assert again.mend == "it may be asked again at 2026-06-13 14:00 UTC"
    assert len(world.requests) == 1
    assert world.files() == {"starlink.json"}
    world.wait(hours=1)
    world.says(CSV)
    assert world.fetch().fresh


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError])
def test_an_answer_that_breaks_off_counts_as_asked(world: World, kind: type[httpx.HTTPError]) -> None:
    world.fails(kind("half way"))
    assert world.error().what == "no elements of starlink from CelesTrak: broke off: half way"
    world.error()
    assert len(world.requests) == 1


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError])
def test_offline_is_a_clear_error_that_may_be_tried_again_at_once(world: World, kind: type[httpx.HTTPError]) -> None:
    world.fails(kind("[Errno -2] Name or service not known"))
    error = world.error()
    assert error.what == ("no elements of starlink from CelesTrak: not reached: [Errno -2] Name or service not known")
    assert "--elements FILE" in error.mend
    assert world.files() == set()
    world.says(CSV)
    assert world.fetch().fresh
    # With a copy it is a warning, and again the service may be tried at once.
    world.wait(hours=3)
    world.fails(kind(""))
    for _ in range(2):
        with pytest.warns(
            SkyhaulWarning, match=rf"CelesTrak gave no starlink \(not reached: {kind.__name__}\): the copy"
        ):
            assert world.fetch().asked == NOON
    assert len(world.requests) == 4


def test_an_interrupted_attempt_is_not_repeated_too_early(world: World) -> None:
    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    world.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.fetch()
    assert world.error().what == "no elements of starlink from CelesTrak: the last attempt was interrupted"
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    "note", ["", "[]", "{", '{"asked": 7}', '{"asked": "2026-06-13T12:00:00"}', '{"asked": "soon", "kept": null}']
)
def test_a_note_that_cannot_be_read_is_left_out(world: World, note: str) -> None:
    world.fetch()
    (world.folder / "starlink.json").write_text(note)
    world.says(NEWER)
    assert world.fetch().fresh
    assert json.loads((world.folder / "starlink.json").read_text())["asked"] == NOON.isoformat()


def test_a_copy_without_a_note_is_as_old_as_its_file(world: World) -> None:
    world.folder.mkdir(parents=True)
    path = world.folder / "starlink.csv"
    path.write_text(CSV)
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    world.wait(hours=5)
    world.says("down", 503)
    with pytest.warns(SkyhaulWarning, match="2026-06-13 12:00 UTC"):
        assert world.fetch().asked == NOON


def test_a_damaged_copy_is_none(world: World) -> None:
    world.fetch()
    path = world.folder / "starlink.csv"
    path.write_bytes(path.read_bytes()[:100])
    error = world.error()
    assert error.what == "no elements of starlink from CelesTrak: the kept copy is gone or damaged"
    assert error.mend == "it may be asked again at 2026-06-13 14:00 UTC"
    world.wait(hours=2)
    assert world.fetch().fresh


def test_bad_sets_of_an_answer_are_left_out_and_counted(world: World) -> None:
    good = CSV.splitlines()
    world.says("\n".join([*good, good[1].replace("53.0559", "nan").replace("44714", "1")]))
    for _ in range(2):
        fetched = world.fetch()
        assert len(fetched.parsed.elements) == 1
        assert fetched.parsed.skipped == 1


@pytest.mark.parametrize("name", ["", "a/b", "../starlink", ".hidden", "x" * 65, "a b", "ä", "star\n", "GROUP=x&y"])
def test_what_is_no_name_of_a_group_is_not_asked_for(world: World, name: str) -> None:
    assert world.error(name).what == f"{name!r} is no name of a group"
    assert world.requests == []
    assert not world.folder.exists()


class TestUnwritable:
    def test_a_cache_that_cannot_be_written_is_said_before_anyone_is_asked(self, world: World) -> None:
        world.folder.parent.mkdir(parents=True)
        world.folder.write_text("a file where the folder should be")
        error = world.error()
        assert "the cache cannot be written: " in error.what
        assert error.where == str(world.folder)
        assert error.mend == "set SKYHAUL_CACHE to another folder"
        assert world.requests == []

    def test_a_copy_in_a_cache_that_cannot_be_written_is_given_with_a_warning(self, world: World) -> None:
        world.fetch()
        world.wait(hours=3)
        world.folder.chmod(0o500)
        if os.access(world.folder, os.W_OK):
            pytest.skip("this user may write everywhere, as root may")
        with pytest.warns(SkyhaulWarning, match="the cache cannot be written: Permission denied"):
            assert world.fetch().asked == NOON
        assert len(world.requests) == 1

    def test_a_full_disk_leaves_the_last_copy_whole(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.fetch()
        world.wait(hours=3)
        world.says(NEWER)
        real, count = os.fsync, iter(range(10))

        def full(handle: int) -> None:
            if next(count) == 1:  # the note before the question still fits, the answer does not
                raise OSError(28, "No space left on device")
            real(handle)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.warns(SkyhaulWarning, match="No space left on device"):
            assert world.fetch().parsed.elements.catalog_number.tolist() == [44714]
        assert (world.folder / "starlink.csv").read_text() == CSV
        assert world.files() == {"starlink.csv", "starlink.json"}


def test_the_copy_is_never_seen_half_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Wherever a run is stopped, what lies under the name is the old copy or the new one, and whole.
    world.fetch()
    world.says(NEWER)
    seen = set()
    real = Path.replace

    def stop(self: Path, target: Path) -> Path:
        seen.add((world.folder / "starlink.csv").read_text())
        if target.suffix == ".csv":
            assert self.read_text() == NEWER
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", stop)
    world.wait(hours=3)
    with pytest.raises(KeyboardInterrupt):
        world.fetch()
    assert seen == {CSV}
    assert (world.folder / "starlink.csv").read_text() == CSV
    assert world.files() == {"starlink.csv", "starlink.json"}


def test_a_proxy_that_is_not_understood_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(FetchError, match="gopher") as caught:
        fetch_elements("starlink", folder=tmp_path, now=lambda: NOON)
    assert caught.value.mend == "check the proxy in the environment"


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SKYHAUL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "skyhaul"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/x")
    assert cache_folder() == Path("/var/x/skyhaul")
    monkeypatch.setenv("SKYHAUL_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=CSV))) as client:
        assert fetch_elements("iridium", client=client).path == tmp_path / "own" / "elements" / "iridium.csv"
