"""What is known of a span of time in which something was wrong, put together for the report on it.

Invariant: all of it happened within ``since`` and ``until``, apart from what is marked as begun
before; ``lacks`` names what could not be read, so that nothing is missing unnoticed.
"""

from collections.abc import Mapping
from dataclasses import field

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.causes import Changes
from opsconsole.model.events import Event
from opsconsole.model.incidents import Incident
from opsconsole.model.logs import LogLine
from opsconsole.model.operation import Operation
from opsconsole.model.past.recording import FleetFigures
from opsconsole.model.past.replay import Gap
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class Affected:
    """One stretch of trouble of one service. ``ended_at`` is None where it was not over.

    ``needs`` are the services that it needs, through others too. Within ``began_unseen`` seconds
    before its beginning, and ``ended_unseen`` before its end, nobody looked.
    """

    service: str
    began_at: float
    ended_at: float | None
    worst: State
    needs: frozenset[str] = frozenset()
    began_unseen: float = 0.0
    ended_unseen: float = 0.0


@dataclass(frozen=True, slots=True)
class AlertSpan:
    """One alert from its start to its end; None where that was before or after the report."""

    name: str
    service: str
    state: State
    said: str
    began_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a service's logs around the start. ``left_out`` were less severe or too many."""

    service: str
    lines: tuple[LogLine, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """What the report is about. ``service`` is '' for the whole fleet; ``others`` are services that
    it is about as well, ``declared`` the incident that people made of it, if they did.

    ``affected`` is in the order in which services went wrong, ``main`` the one of them that the
    report is about, None where nothing went wrong; ``figures`` are the recorded figures
    of all services, oldest first; ``memory_limits`` in bytes by service. ``seen_from`` is when
    it began to be seen, None where nobody looked: then nothing can be called healthy. In ``gaps``
    nobody looked; of services in ``blind`` the state was not always known. ``silences`` are those
    in force at some time of it, wherever they were made.
    """

    environment: str
    since: float
    until: float
    made_at: float
    service: str = ""
    events: tuple[Event, ...] = ()
    affected: tuple[Affected, ...] = ()
    main: Affected | None = None
    changes: Changes | None = None
    alerts: tuple[AlertSpan, ...] = ()
    operations: tuple[Operation, ...] = ()
    figures: tuple[FleetFigures, ...] = ()
    memory_limits: Mapping[str, int] = field(default_factory=dict)
    excerpts: tuple[Excerpt, ...] = ()
    lacks: tuple[str, ...] = ()
    seen_from: float | None = 0.0
    gaps: tuple[Gap, ...] = ()
    blind: tuple[str, ...] = ()
    silences: tuple[SilenceView, ...] = ()
    others: tuple[str, ...] = ()
    declared: Incident | None = None
