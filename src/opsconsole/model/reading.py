"""One observation, as a source gives it to the store.

Invariant: exactly one of ``value`` and ``fault`` is set, all text in it is sanitised, and
``taken_at`` is the moment the look ended on the steady clock.
"""

from dataclasses import replace
from typing import Generic, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.certificate import Validity
from opsconsole.model.fault import Fault
from opsconsole.model.source_id import SourceId

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """A value or a classified fault. ``source`` is who looked.

    ``took`` is in seconds; of a probe that was answered it is the target's time alone, from the
    request to the arrival of the answer's last byte. ``blur`` is how many of them may be this
    console's own delay; None where the source does not know. ``certificate`` is of
    the server's own, where TLS showed it.
    """

    source: SourceId
    taken_at: float
    took: float
    value: T_co | None = None
    fault: Fault | None = None
    blur: float | None = 0.0
    certificate: Validity | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.fault is None):
            raise ValueError(f"reading of {self.source} needs a value or a fault, not both")

    @property
    def sharp(self) -> bool:
        """Whether ``took`` is the target's, except for 2 ms or a tenth of it."""
        return self.blur is not None and self.blur <= max(0.002, 0.1 * self.took)


def blurred(reading: Reading[T_co], lag: float) -> Reading[T_co]:
    """``reading``, with the loop's ``lag`` where nothing more exact is known of its delay."""
    return replace(reading, blur=lag) if reading.blur is None else reading


SINGLE_LOOK = 60.0
"""Seconds that count as the interval of a single look: its slowest part makes no other one old."""

STALE_INTERVALS = 2
"""A reading older than this many of its intervals is stale."""


def is_stale(taken_at: float | None, interval: float, now: float) -> bool:
    """Whether a value read at ``taken_at`` may no longer be shown as current."""
    return taken_at is None or now > stale_after(taken_at, interval)


def stale_after(taken_at: float, interval: float) -> float:
    """The last moment at which a value read at ``taken_at`` may be shown as current."""
    return taken_at + STALE_INTERVALS * interval + 1.0
