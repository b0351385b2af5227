"""Rules about licences: every authority that governs a place must have licensed the service there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case, Licensing
from skyhaul.control.decision._reasons import Reason, forbid, note, permit
from skyhaul.control.facts import Action, Area, Fact, Licence, ServiceClass


def covers_class(case: Case, licence: Licence) -> bool:
    """`licence.class`: the licence covers the class of service that the plan asks for: fixed, land mobile, maritime."""
    return case.service_class in (None, ServiceClass.AERONAUTICAL, *licence.service_classes)


def covers_overflight(case: Case, licence: Licence) -> bool:
    """`licence.overflight`: for an aviation plan the licence covers aeronautical service."""
    return case.service_class is not ServiceClass.AERONAUTICAL or case.service_class in licence.service_classes


def covers_model(case: Case, licence: Licence) -> bool:
    """`licence.model`: the licence is for all models or names this one."""
    return not licence.models or case.model in licence.models


def covers_control(case: Case, licence: Licence) -> bool:
    """`licence.control`: where the licence depends on who is in control, somebody is known to be, and only those named.
    Where no control area lies, control is not known, and the licence does not count."""
    if not licence.only_controlled_by:
        return True
    holders = [area.holder for area in case.face.controls]
    return bool(holders) and all(holder in licence.only_controlled_by for holder in holders)


def is_activated(case: Case, licence: Licence) -> bool:
    """`licence.activation`: where the licence waits for activation, an order of its authority, of one before it or of
    the operator has activated the service."""
    return not licence.activation_required or bool(_activations(case, licence))


CONDITIONS: tuple[tuple[Rule, Callable[[Case, Licence], bool]], ...] = (
    (Rule.LICENCE_CLASS, covers_class),
    (Rule.LICENCE_OVERFLIGHT, covers_overflight),
    (Rule.LICENCE_MODEL, covers_model),
    (Rule.LICENCE_CONTROL, covers_control),
    (Rule.LICENCE_ACTIVATION, is_activated),
)


def licensing(case: Case) -> tuple[Licensing, ...]:
    """For each governing area the licence that covers the case, or the nearest to it and what it lacks."""
    if case.licensing is None:
        case.licensing = tuple(_licensing(case, area) for area in case.face.governing)
    return case.licensing


def licence_territory(case: Case) -> Iterable[Reason]:
    """`licence.territory`: where no authority's licence counts, nothing can be licensed, and nothing is served."""
    if case.face.governing or not case.face.known:
        return ()
    return (forbid(Rule.LICENCE_TERRITORY, "no authority is recorded whose licence counts here"),)


def licence_missing(case: Case) -> Iterable[Reason]:
    """`licence.missing`: every authority that governs the place must have a licence in force for it. An authority that
    another is stated to come before does not govern; both are cited."""
    reasons: list[Reason] = []
    for area, above in case.face.outranked:
        text = f"{area.holder} does not decide here: {above.holder} comes before it"
        reasons.append(note(Note.LICENCE_PRECEDENCE, text, area, above, authority=above.holder))
    for area, licence, _ in licensing(case):
        if licence is None:
            text = f"{area.holder} has given no licence for {area.name}"
            reasons.append(forbid(Rule.LICENCE_MISSING, text, area, authority=area.holder))
    return reasons


def licence_covers(case: Case) -> Iterable[Reason]:
    """`licence.class`, `.overflight`, `.model`, `.control`, `.activation`: the licence must cover the case in full; one
    licence that does is enough. When none does, the one that lacks least is cited."""
    reasons: list[Reason] = []
    for area, licence, failed in licensing(case):
        if licence is None:
            continue
        if not failed:
            text = f"{area.holder} has licensed {case.service_class or 'the'} service in {area.name}"
            reasons.append(permit(Note.LICENCE_HELD, text, licence, area, authority=area.holder))
            if licence.activation_required:
                reasons.append(_activated(case, licence))
        for rule in failed:
            words, facts = _lack(case, rule, licence, area)
            reasons.append(forbid(rule, words, licence, *facts, authority=area.holder))
    return reasons


def _licensing(case: Case, area: Area) -> Licensing:
    nearest: Licensing | None = None
    for licence in case.view.licences.get((area.holder, area.name), ()):
        failed = tuple(rule for rule, holds in CONDITIONS if not holds(case, licence))
        if not failed:
            return Licensing(area, licence, ())
        if nearest is None or len(failed) < len(nearest.failed):
            nearest = Licensing(area, licence, failed)
    return nearest or Licensing(area, None, ())


def _lack(case: Case, rule: Rule, licence: Licence, area: Area) -> tuple[str, tuple[Fact, ...]]:
    of = f"the licence of {area.holder} for {area.name}"
    match rule:
        case Rule.LICENCE_MODEL:
            return f"{of} does not cover {case.model}", ()
        case Rule.LICENCE_CONTROL:
            holders = sorted({control.holder for control in case.face.controls})
            held = f"{', '.join(holders)} in control" if holders else "nobody known to be in control"
            wanted = ", ".join(licence.only_controlled_by)
            return f"{of} counts only where {wanted} alone is in control: {held}", case.face.controls
        case Rule.LICENCE_ACTIVATION:
            return f"{of} waits for activation, and no order has activated the service here", ()
        case _:
            return f"{of} does not cover {case.service_class} service", ()


def _activations(case: Case, licence: Licence) -> list[tuple[Fact, ...]]:
    return [
        timed.facts
        for timed in case.ordered(Action.ACTIVATE)
        if timed.order.authority == case.operator or case.precedes(timed.order.authority, licence.authority)
    ]


def _activated(case: Case, licence: Licence) -> Reason:
    facts = [fact for group in _activations(case, licence) for fact in group]
    return permit(Note.ORDER_ACTIVATE, f"the service is activated in {licence.territory}", *facts)
