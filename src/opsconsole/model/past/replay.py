"""A moment that has passed, as it is shown again.

Invariant: a ``Moment`` holds a snapshot that says of itself that it is replayed, and the time
that ages count from in it; it is never taken for the present.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.snapshot import Snapshot


class Origin(StrEnum):
    """Where a moment is shown from."""

    RECORDING = "recording"
    MEMORY = "memory"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was recorded between ``begin`` and ``end``, in Unix seconds."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class SeenBy:
    """From ``begin`` to ``end`` it is shown what the console of another host saw."""

    begin: float
    end: float
    by: str


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last moment that can be shown, in Unix seconds; gaps may be between."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known at ``at``. ``asked`` is the moment that was asked for.

    They differ where nothing was recorded at ``asked``: then ``gap`` says between when.
    """

    asked: float
    at: float
    snapshot: Snapshot
    origin: Origin = Origin.RECORDING
    gap: Gap | None = None
