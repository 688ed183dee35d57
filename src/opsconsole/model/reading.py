"""One observation, as a source gives it to the store.

Invariant: exactly one of ``value`` and ``fault`` is set, all text in it is sanitised, and
``taken_at`` is the moment the look ended on the steady clock.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from opsconsole.model.fault import Fault
from opsconsole.model.source_id import SourceId

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """A value or a classified fault. ``took`` is in seconds; ``source`` is who looked."""

    source: SourceId
    taken_at: float
    took: float
    value: T_co | None = None
    fault: Fault | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.fault is None):
            raise ValueError(f"reading of {self.source} needs a value or a fault, not both")


STALE_INTERVALS = 2
"""A reading older than this many of its intervals is stale."""


def is_stale(taken_at: float | None, interval: float, now: float) -> bool:
    """Whether a value read at ``taken_at`` may no longer be shown as current."""
    return taken_at is None or now - taken_at > STALE_INTERVALS * interval + 1.0
