"""What is known of the flight recorder: whether it records, where, and what it holds.

Invariant: exactly one process records into a file; ``state`` says what this one does with it, and
``fault`` is set while it is stopped, and only then.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.model.past.replay import Span
from opsconsole.model.state import State


class RecordingState(StrEnum):
    """What this process does: record, read what another records, nothing, or try again later."""

    RECORDING = "recording"
    READING = "reading"
    OFF = "off"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RecordingView:
    """The recorder at one moment. ``size`` is in bytes on the disk, the log of SQLite included.

    ``by`` says who records, where that is not this process; ``note`` is what a person must know
    of the file for a while, such as that a damaged one was set aside; ``unshared`` is why other
    hosts do not see it, where they should.
    """

    state: RecordingState
    path: str = ""
    span: Span | None = None
    size: int = 0
    by: str = ""
    fault: Fault | None = None
    note: str = ""
    unshared: str = ""

    @property
    def notice(self) -> str:
        """One line for the screen, '' while all is well."""
        if self.fault is None:
            unseen = f"other hosts do not see what is recorded here: {self.unshared}"
            return self.note or (unseen if self.unshared else "")
        said = f"recording has stopped: {self.fault.message}"
        return f"{said}; {self.fault.hint}" if self.fault.hint else said


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """The figures of one service at one recorded moment, in the units of ``ServiceView``.

    ``looks`` are the moments at which its instances were last looked at, by instance; ``metrics``
    are the present figures of its declared metrics.
    """

    state: State
    since: float
    last: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    origin: str = "probe"
    error_rate: float | None = None
    request_rate: float | None = None
    cpu: float | None = None
    memory: int | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    looks: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """All services at one recorded moment, by name."""

    at: float
    services: Mapping[str, ServiceFigures]
