"""A process that records batch after batch and says what is acknowledged, until it is killed."""

from __future__ import annotations

import os
import random
from multiprocessing.connection import Connection

from skyhaul.control.decision import Code, Decision, Outcome
from skyhaul.control.facts import CustodyEvent, Fact, Step, utc
from skyhaul.control.store import Store

TIME = utc("2024-01-01")
SIZES = (1, 2, 5, 20, 60)


def batch_of(name: str) -> list[Fact]:
    """The facts of a batch; their ids tell how many they are."""
    size = random.Random(name).choice(SIZES)
    return [
        CustodyEvent(
            id=f"{name}/{i}/{size}",
            valid_from=TIME,
            recorded_at=TIME,
            source="drawn",
            author="writer",
            step=Step.COMMISSIONING,
            item=f"unit {name}/{i}",
            receiver="maker",
        )
        for i in range(size)
    ]


def decision_of(name: str, number: int) -> Decision:
    """A decision that differs from the one of the number before."""
    code = Code.OKAY if number % 2 else Code.BLOCKED_AREA
    return Decision(name, TIME, TIME, "", Outcome.REFUSED, code, (), None, None)


def write(database: str, log: str, key: str, name: str, said: Connection) -> None:
    """Record until killed; each acknowledgement is the batch's name and the numbers of its entries."""
    os.nice(5)  # whoever kills comes first, so that moments are drawn by it and not by the scheduler
    with Store.open(database, log, key) as store:
        number = 0
        while True:
            batch = f"{name}-{number}"
            if number % 4 == 3:
                receipt = store.append_decisions([decision_of(name, number // 4)], by="writer")
            else:
                receipt = store.append(batch_of(batch), by="writer")
            said.send((batch, receipt.leaves.start, receipt.leaves.stop))
            number += 1
