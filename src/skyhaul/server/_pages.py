"""Lists, page by page: at most so many items at once, and a cursor to where the next ones begin."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from skyhaul.errors import InputError

T = TypeVar("T")
R = TypeVar("R")

LIMIT, MOST = 100, 1000

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before; without it the first.")]


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


def page_of(keys: Sequence[R], cursor: str | None, limit: int) -> tuple[Sequence[R], str | None]:
    """The part of a list that follows a cursor, and the cursor after it. Raises InputError for a cursor of no list."""
    first = _read(cursor)
    part = keys[first : first + limit]
    more = first + limit < len(keys)
    return part, _write(first + limit) if more else None


def _write(first: int) -> str:
    return base64.urlsafe_b64encode(f"from {first}".encode()).decode().rstrip("=")


def _read(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        word, _, number = text.partition(" ")
        if word != "from" or not number.isascii() or not number.isdigit() or len(number) > 12:
            raise ValueError
    except ValueError:
        raise InputError("no cursor of this list", where="cursor", mend="take `next` of the page before") from None
    return int(number)
