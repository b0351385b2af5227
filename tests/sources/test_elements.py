"""Files of elements: what can be wrong with the file itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skyhaul.errors import ElementsError
from skyhaul.orbits import _parse
from skyhaul.sources import _elements, read_elements
from tests.orbits.formats import TLE


def error_of(path: str | Path) -> ElementsError:
    with pytest.raises(ElementsError) as caught:
        read_elements(path)
    assert caught.value.where == str(path)
    assert caught.value.mend
    return caught.value


def test_a_file_is_named_as_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.tle").write_text(TLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in ("one.tle", "~/one.tle", tmp_path / "one.tle", "./one.tle"):
        parsed = read_elements(path)
        assert parsed.source == str(path)
        assert len(parsed.elements) == 1


def test_bad_sets_can_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "two.tle"
    path.write_text(TLE + TLE.replace("53.0559", "53.0558"))
    with pytest.raises(ElementsError, match=rf"^{path}:6: checksum is 6, expected 5 \(correct it"):
        read_elements(path)
    assert read_elements(path, skip_bad=True).skipped == 1


@pytest.mark.parametrize("name", ["nothing.tle", "no/such/folder.tle", "x" * 300, "nul\0.tle", "~no-such-user-here/x"])
def test_what_is_not_there_is_said(name: str) -> None:
    assert error_of(name).what


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert error_of(tmp_path).what == "is a folder"


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "secret.tle"
    path.write_text(TLE)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything, as root may")
    assert error_of(path).what == "cannot be read: Permission denied"


def test_a_file_longer_than_any_list_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.tle"
    with path.open("wb") as file:
        file.truncate(1 << 36)  # a hole: it takes no room on the disk, and memory could not hold it
    for module in (_elements, _parse):
        monkeypatch.setattr(module, "LARGEST_ELEMENTS_BYTES", 1 << 20)
    assert error_of(path).what == "over 1 MiB"
