"""Rules about type approval: every authority that governs a place must have approved the model."""

from __future__ import annotations

from collections.abc import Iterable

from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._case import Case
from skyhaul.control.decision._reasons import Reason, forbid, permit


def type_approval(case: Case) -> Iterable[Reason]:
    """`approval.model`, `approval.software`: the model has a type approval in force from each governing authority for
    that territory, and where approvals name software versions, the unit runs one of them."""
    terminal = case.terminal
    if terminal is None:
        return ()
    reasons: list[Reason] = []
    for area in case.face.governing:
        found = [
            approval
            for approval in case.view.approvals.get((area.holder, case.model), ())
            if approval.territory in ("", area.name)
        ]
        fitting = [approval for approval in found if not approval.software or terminal.software in approval.software]
        if fitting:
            text = f"{area.holder} has approved {case.model}"
            reasons.append(permit(Note.APPROVAL_HELD, text, fitting[0], authority=area.holder))
        elif found:
            text = f"{area.holder} has approved {case.model}, but not with software {terminal.software or 'unknown'}"
            reasons.append(forbid(Rule.APPROVAL_SOFTWARE, text, terminal, *found, authority=area.holder))
        else:
            text = f"{area.holder} has not approved {case.model} for {area.name}"
            reasons.append(forbid(Rule.APPROVAL_MODEL, text, terminal, area, authority=area.holder))
    return reasons
