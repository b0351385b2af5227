"""What became of every application to an allow-list: asked, granted, refused, run out or taken off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

import numpy as np

from skyhaul.control._instants import FOREVER, instant_text, nanoseconds, utc
from skyhaul.control.facts import (
    AllowList,
    Application,
    Fact,
    Facts,
    HolderKind,
    Listing,
    Piece,
    Rejection,
    Versions,
    Withdrawal,
)
from skyhaul.errors import NotFoundError

F = TypeVar("F", bound=Fact)


class State(StrEnum):
    """Where an application or listing stands at an instant."""

    APPLIED = "applied"  # not decided yet
    APPROVED = "approved"  # there is a listing that has not ended; it may begin later
    REJECTED = "rejected"
    EXPIRED = "expired"  # the listing's time is over, or the application lapsed undecided
    REMOVED = "removed"  # taken off the list, or the application was withdrawn


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an allow-list's register at an instant.

    application   what was asked, or None: listed without an application
    listing       what was granted, as it stands or stood last; None where nothing was
    state         at the instant
    reason        why, where it is rejected, expired or removed
    since         first instant of the state
    decision      the fact that brought the state about, or None where time alone did
    """

    application: Application | None
    listing: Listing | None
    state: State
    reason: str
    since: np.datetime64
    decision: Fact | None

    @property
    def asked(self) -> Application | Listing:
        """The application, or the listing where there is none: who, what, and on what evidence."""
        found = self.application or self.listing
        assert found is not None, "an entry has one of them"
        return found

    @property
    def id(self) -> str:
        """The application's id, or the listing's where there is none."""
        return self.asked.id

    @property
    def holder_kind(self) -> HolderKind:
        """As what the holder asks or is listed."""
        asked = self.asked
        return asked.holder_kind if isinstance(asked, Application) else asked.kind

    @property
    def live(self) -> bool:
        """Whether it still asks for a place on the list, or has one."""
        return self.state in (State.APPLIED, State.APPROVED)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All facts that it rests on."""
        found = (self.application, self.listing, self.decision)
        return tuple(dict.fromkeys(fact for fact in found if fact is not None))

    def document(self) -> dict[str, object]:
        """The entry in JSON's own types."""
        asked, listing = self.asked, self.listing
        return {
            "id": self.id,
            "list": asked.name,
            "state": str(self.state),
            "since": instant_text(self.since),
            "reason": self.reason,
            "terminal": asked.terminal,
            "kit_number": asked.kit_number,
            "account": asked.account,
            "holder": asked.holder,
            "holder_kind": str(self.holder_kind),
            "shown": asked.shown,
            "evidence": asked.evidence,
            "sponsor": asked.sponsor,
            "listing": None if listing is None else listing.id,
            "approved_by": None if listing is None else listing.approved_by,
            "valid_from": None if listing is None else instant_text(listing.valid_from),
            "valid_to": None if listing is None or listing.valid_to is None else instant_text(listing.valid_to),
            "facts": [fact.id for fact in self.facts],
        }


class ListRegister:
    """All allow-lists, applications, listings and answers as known at one time.

    `batch` holds facts that might be recorded, and is known too, whatever its times of recording.
    """

    def __init__(self, facts: Facts, known_at: str | np.datetime64, batch: Iterable[Fact] = ()) -> None:
        self.known_at = utc(known_at, "known_at")
        self._facts = facts
        self._batch = tuple(batch)
        withdrawals = self._known(Withdrawal)
        self._withdrawals: dict[tuple[str, str], list[Withdrawal]] = {}
        for withdrawal in withdrawals:
            self._withdrawals.setdefault((withdrawal.kind, withdrawal.subject), []).append(withdrawal)
        self._lists = self._versions(AllowList)
        self._listings = self._versions(Listing)
        self._applications = _last(self._known(Application))
        self._last_listings = _last(self._known(Listing))
        self._rejections: dict[str, list[Rejection]] = {}
        for rejection in _last(self._known(Rejection)).values():
            if not self._withdrawn(Rejection, rejection):
                self._rejections.setdefault(rejection.application, []).append(rejection)
        self._grants: dict[str, list[Listing]] = {}
        self._by_holder: dict[tuple[str, str], list[str]] = {}
        self._by_terminal: dict[tuple[str, str], list[str]] = {}
        for key in sorted(self._last_listings):
            listing = self._last_listings[key]
            self._grants.setdefault(listing.application, []).append(listing)
            self._by_holder.setdefault((listing.name, listing.holder), []).append(key)
            self._by_terminal.setdefault((listing.name, listing.terminal), []).append(key)

    def list_at(self, name: str, at: np.datetime64) -> AllowList | None:
        """The list of a name in force at an instant."""
        time = nanoseconds(at)
        return next((p.fact for p in self._lists.of(name) if p.begin <= time < p.end), None)

    def list_pieces(self, name: str) -> list[Piece[AllowList]]:
        """A list through all of valid time."""
        return self._lists.of(name)

    def lists(self) -> tuple[AllowList, ...]:
        """Every list ever, by name, as recorded last."""
        found = _last(self._known(AllowList))
        return tuple(found[name] for name in sorted(found))

    def listings(self, name: str, holder: str) -> list[Piece[Listing]]:
        """All that one holder has or had on a list, through all of valid time."""
        return [piece for key in self._by_holder.get((name, holder), ()) for piece in self._listings.of(key)]

    def listings_of_terminal(self, name: str, terminal: str) -> list[Piece[Listing]]:
        """All listings of one terminal on a list."""
        return [piece for key in self._by_terminal.get((name, terminal), ()) for piece in self._listings.of(key)]

    def application(self, id_: str) -> Application:
        """An application by id. Raises NotFoundError."""
        found = self._applications.get(id_)
        if found is None:
            raise NotFoundError(f"no application {id_} is recorded", mend="`skyhaul allowlist list` shows them")
        return found

    def entry(self, id_: str, at: str | np.datetime64) -> Entry:
        """The entry of an application or listing by its id. Raises NotFoundError."""
        instant = utc(at, "time")
        if id_ in self._applications:
            return self._of_application(self._applications[id_], instant)
        listing = self._last_listings.get(id_)
        if listing is None:
            raise NotFoundError(
                f"no application or listing {id_} is recorded", mend="`skyhaul allowlist list` shows them"
            )
        if listing.application in self._applications:
            return self._of_application(self._applications[listing.application], instant)
        return self._of_listing(None, listing, instant)

    def entries(self, at: str | np.datetime64, name: str = "") -> tuple[Entry, ...]:
        """What was asked or listed by an instant, on one list or on all, in the order of time. Raises NotFoundError for
        a list that is not recorded."""
        instant = utc(at, "time")
        known = {list_.name for list_ in self.lists()}
        if name and name not in known:
            mend = f"there are {', '.join(sorted(known))}" if known else "record the list first"
            raise NotFoundError(f"no allow-list “{name}” is recorded", mend=mend)
        found = [self._of_application(a, instant) for a in self._applications.values() if a.valid_from <= instant]
        found += [
            self._of_listing(None, listing, instant)
            for listing in self._last_listings.values()
            if listing.application not in self._applications and listing.valid_from <= instant
        ]
        chosen = (entry for entry in found if not name or entry.asked.name == name)
        return tuple(sorted(chosen, key=lambda e: (e.asked.valid_from, e.id)))

    def _of_application(self, application: Application, at: np.datetime64) -> Entry:
        granted = [g for g in self._grants.get(application.id, ()) if g.recorded_at >= application.recorded_at]
        if granted:
            last = max(granted, key=lambda g: (g.valid_from, g.recorded_at, g.id))
            return self._of_listing(application, last, at)
        withdrawn = self._withdrawn(Application, application)
        if withdrawn is not None and withdrawn.valid_from <= at:
            return Entry(
                application, None, State.REMOVED, _why(withdrawn), max(withdrawn.valid_from, application.valid_from),
                withdrawn,
            )  # fmt: skip
        answers = [r for r in self._rejections.get(application.id, ()) if r.valid_from <= at]
        if answers:
            answer = max(answers, key=lambda r: (r.valid_from, r.recorded_at, r.id))
            return Entry(application, None, State.REJECTED, answer.reason, answer.valid_from, answer)
        if application.valid_to is not None and application.valid_to <= at:
            return Entry(application, None, State.EXPIRED, "it lapsed undecided", application.valid_to, None)
        return Entry(application, None, State.APPLIED, "", application.valid_from, None)

    def _of_listing(self, application: Application | None, listing: Listing, at: np.datetime64) -> Entry:
        time = nanoseconds(at)
        pieces = self._listings.of(listing.key)
        if any(time < piece.end for piece in pieces):
            return Entry(application, listing, State.APPROVED, "", listing.valid_from, listing)
        end = max((piece.end for piece in pieces), default=nanoseconds(listing.valid_from))
        since = np.datetime64(end, "ns")
        said_end = FOREVER if listing.valid_to is None else nanoseconds(listing.valid_to)
        if end < said_end:
            withdrawn = self._withdrawn(Listing, listing)
            why = "" if withdrawn is None else _why(withdrawn)
            return Entry(application, listing, State.REMOVED, why, since, withdrawn)
        return Entry(application, listing, State.EXPIRED, "its time on the list is over", since, None)

    def _withdrawn(self, kind: type[Fact], fact: Fact) -> Withdrawal | None:
        """The last statement that a fact does not hold, recorded after it."""
        later = [w for w in self._withdrawals.get((kind.__name__, fact.key), ()) if w.recorded_at >= fact.recorded_at]
        return max(later, key=lambda w: (w.recorded_at, w.id), default=None)

    def _known(self, kind: type[F]) -> list[F]:
        more = [fact for fact in self._batch if isinstance(fact, kind)]
        return [*self._facts.known(kind, self.known_at), *more]

    def _versions(self, kind: type[F]) -> Versions[F]:
        withdrawals = (
            w for (name, _), group in self._withdrawals.items() if name == kind.__name__ for w in group
        )  # fmt: skip
        return Versions(self._known(kind), withdrawals)


def _last(facts: Iterable[F]) -> dict[str, F]:
    """The version of each key that was recorded last."""
    found: dict[str, Fact] = {}
    for fact in facts:
        other = found.get(fact.key)
        if other is None or (fact.recorded_at, fact.id) > (other.recorded_at, other.id):
            found[fact.key] = fact
    return cast("dict[str, F]", found)


def _why(withdrawal: Withdrawal) -> str:
    return withdrawal.reason or f"withdrawn: {withdrawal.source}"
