"""The degradations that last, as every console shows them.

Invariant: what is listed has neither been recovered nor been replaced by a later degradation;
one whose end has passed stays listed until it is recovered.
"""

import time
from typing import Final

from opsconsole.model.operation import Degradation
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.promises import degradation_end as dead_man
from opsconsole.operations.promises.degradation_end import End

_STEPPED: Final = 2.0
"""Seconds between the wall's end and the boot clock's from which the boot clock is believed."""


def lasting(journal: Journal) -> tuple[Degradation, ...]:
    """Every degradation under way, by when it ends. Raises StateError."""
    return tuple(_told(journal, end) for end in dead_man.active(journal))


def _told(journal: Journal, end: End) -> Degradation:
    began = journal.operation(end.operation)
    return Degradation(
        operation=end.operation,
        service=end.service,
        ends_at=_ends_at(end),
        who=began.who if began else "somebody",
        host=began.host if began else "",
        reason=began.reason if began else "",
        attempts=end.attempts,
    )


def _ends_at(end: End) -> float:
    """The wall's end, unless the wall was stepped since: then what is left by the boot clock."""
    by_boot_clock = time.time() + end.left()
    return end.due_wall if abs(by_boot_clock - end.due_wall) < _STEPPED else by_boot_clock
