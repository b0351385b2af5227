"""What people said in public: kept, and cited where records are asked about."""

from __future__ import annotations

from dataclasses import dataclass

from skyhaul.control.facts._fact import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Fact):
    """Something that somebody said of others or of a place, at valid_from. No rule looks at it.

    Statements that dispute each other stand side by side; nothing decides between them.

    speaker    who said it
    says       what, in the words of whoever recorded it
    about      what it is about: parties, units, accounts, models, and areas written LAYER/NAME
    answers    ids of the statements that it answers
    disputes   ids of the statements with which it cannot both hold
    """

    speaker: str
    says: str
    about: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    disputes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        for name in ("speaker", "says"):
            if not getattr(self, name).strip():
                self.refuse(f"a statement without {name}", f"say its {name}")
        if self.id in (*self.answers, *self.disputes):
            self.refuse("a statement that answers itself", "name another")
