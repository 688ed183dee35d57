"""A journal on a server that cannot be reached while an operation is carried out.

Invariant: nothing is begun meanwhile, and nothing is written elsewhere in its place. This user's
own record says that the outcome is not known, until the journal can say it.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.locks.locks import Held, LockKind, LockName
from opsconsole.operations.running.verification import Verdict
from opsconsole.operations.state_place import StatePlace

CUT_OFF: Final = "the journal could not be reached"

_AGAIN: Final = 1.0
"""Seconds between two attempts to reach it."""


def is_reached_again(state: StatePlace, journal: Journal, intent: Intent) -> bool:
    """Whether the journal can be written, waited for as long as that makes sense in ``state``."""
    with suppress(StateError):
        state.mandates.remember(intent, OperationState.INCONCLUSIVE)
    ends = time.monotonic() + state.patience
    while time.monotonic() < ends:
        if not journal.why_not_writable():
            return True
        time.sleep(_AGAIN)
    return False


def wait_for_others(state: StatePlace, operation: str, held: Sequence[Held]) -> None:
    """Let a runner end the operation that took it up because these locks had lapsed.

    Returns at once where they are this process's for certain, or nobody's.
    """
    lock = LockName(LockKind.RUNNER, operation)
    ends = time.monotonic() + state.patience
    while not all(each.may_begin() for each in held) and time.monotonic() < ends:
        with suppress(StateError):
            if not state.locks.is_held(lock):
                return
        time.sleep(_AGAIN)


def after_it(verdict: Verdict) -> Verdict:
    """The verdict on an operation during which nothing could be recorded: others may have acted."""
    summary = f"{CUT_OFF} meanwhile; looked at afterwards: {verdict.summary}"
    return Verdict(OperationState.INCONCLUSIVE, summary, verdict.evidence)
