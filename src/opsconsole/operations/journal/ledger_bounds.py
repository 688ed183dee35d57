"""How ledgers are named, and how much is kept of them. Pure.

Invariant: a ledger is never longer than what is read of it. One that ends takes no more once it is
full, and says so; one that never ends lets its oldest records go instead.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.records import RUN_ID, LedgerKind, checked

LEDGER_RECORDS: Final = 20_000
"""Records of one ledger that are kept and read."""

_KIB: Final = 1024
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """``what`` one ledger is, with its article; ``size`` in bytes of its records.

    Beyond ``kept`` ledgers, the ended ones that moved least recently are removed; ``listed`` are
    those that go on, and those that ended last. ``rolls``: it never ends.
    """

    what: str
    id: re.Pattern[str]
    kept: int
    size: int
    rolls: bool = False
    listed: int = 100

    @property
    def noun(self) -> str:
        """``what`` without its article."""
        return self.what.partition(" ")[2]


BOUNDS: Final[Mapping[LedgerKind, Bounds]] = {
    LedgerKind.RUNBOOK: Bounds("a run of a runbook", RUN_ID, 500, 4 * _MIB),
    LedgerKind.INCIDENT: Bounds("an incident", re.compile(r"[1-9][0-9]{0,8}"), 1000, 4 * _MIB),
    LedgerKind.HANDOVER: Bounds("a hand-over", RUN_ID, 500, _MIB),
    LedgerKind.REMEDY: Bounds(
        # Breaker and rate are made of the episodes of hours, and the report of a week's.
        "an episode of a remedy",
        RUN_ID,
        2000,
        256 * _KIB,
        listed=500,
    ),
    LedgerKind.AUTOMATION: Bounds(
        "a switch of automation", re.compile(r"automation"), 1, _MIB, rolls=True
    ),
    LedgerKind.MAINTENANCE: Bounds("a maintenance", RUN_ID, 500, 256 * _KIB),
    LedgerKind.NOTICE: Bounds(
        "a receiver of notices", re.compile(r"[A-Za-z0-9_.-]{1,80}"), 200, 2 * _MIB, rolls=True
    ),
}


def checked_id(kind: LedgerKind, identity: str) -> str:
    """``identity``, which names a ledger of ``kind``. Raises StateError when it does not."""
    return checked(identity, BOUNDS[kind].id, BOUNDS[kind].what)


def to_be_dropped(kind: LedgerKind, stand: Sequence[int], added: Sequence[int]) -> int | Refusal:
    """How many of the oldest records go so that more of these sizes fit, or that they do not."""
    bounds = BOUNDS[kind]
    sizes = [*stand, *added]
    total, dropped = sum(sizes), 0
    while total > bounds.size or len(sizes) - dropped > LEDGER_RECORDS:
        if not bounds.rolls or dropped == len(stand):
            return Refusal("ledger-full", f"the record of {bounds.what} is full", "end it")
        total -= sizes[dropped]
        dropped += 1
    return dropped
