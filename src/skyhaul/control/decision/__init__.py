"""The decision: facts compiled for a known time, and the one answer to a question put to them."""

from skyhaul.control._codes import Alert, Code
from skyhaul.control._rule_names import Note, Rule
from skyhaul.control.decision._bulk import RULES, Verdicts, decide_many
from skyhaul.control.decision._changes import changed_cells
from skyhaul.control.decision._compiled import Compiled, as_of, compile_facts
from skyhaul.control.decision._decide import decide, next_change
from skyhaul.control.decision._decision import RULES_VERSION, Decision, Grant, Outcome, explain
from skyhaul.control.decision._fleet import Fleet
from skyhaul.control.decision._position import EVIDENCE, Evidence, Position, Positions
from skyhaul.control.decision._reasons import Effect, Reason
from skyhaul.control.decision._world import View

__all__ = [
    "EVIDENCE",
    "RULES",
    "RULES_VERSION",
    "Alert",
    "Code",
    "Compiled",
    "Decision",
    "Effect",
    "Evidence",
    "Fleet",
    "Grant",
    "Note",
    "Outcome",
    "Position",
    "Positions",
    "Reason",
    "Rule",
    "Verdicts",
    "View",
    "as_of",
    "changed_cells",
    "compile_facts",
    "decide",
    "decide_many",
    "explain",
    "next_change",
]
