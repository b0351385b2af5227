"""Orbital elements from files."""

from __future__ import annotations

from pathlib import Path

from skyhaul.errors import ElementsError
from skyhaul.orbits import LARGEST_ELEMENTS_BYTES, Parsed, parse_elements


def read_elements(path: str | Path, *, skip_bad: bool = False) -> Parsed:
    """The elements of a file. `ElementsError` if it cannot be read, is empty, broken, or holds a bad set."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(LARGEST_ELEMENTS_BYTES + 1)
    except FileNotFoundError:
        raise ElementsError("no such file", where=str(path), mend="check the name") from None
    except IsADirectoryError:
        raise ElementsError("is a folder", where=str(path), mend="name a file in it") from None
    except OSError as error:
        raise ElementsError(
            f"cannot be read: {error.strerror}", where=str(path), mend="check the permissions"
        ) from None
    except (RuntimeError, ValueError) as error:  # the home of a user that is not there, a NUL in the name
        raise ElementsError(f"is no name of a file: {error}", where=str(path), mend="check the name") from None
    return parse_elements(data, str(path), skip_bad=skip_bad)
