"""Follows what people share: incidents, hand-overs and who is here; takes what they ask for.

Invariant: the state is read and written in a thread with a deadline, never on the engine's loop.
While it cannot be read the last known incidents stay, who is here is not known, and ``fault`` says
why. ``parts`` are the same objects until something in them changes.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeVar

from opsconsole.clock import Clock
from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventCode
from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident, IncidentEntry, IncidentRequest, IncidentVerb
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Present
from opsconsole.model.snapshot import Snapshot
from opsconsole.threads import BoundedExecutor, QueueFullError

DEADLINE: Final = 5.0
"""Deadline for one look at what people share, in seconds."""

EARLIER: Final = 86_400.0
"""Seconds of incidents before this console was opened that are on its timeline."""

_REPLAY: Final = Refusal(
    "replay", "this is a moment that has passed", "return to now, then ask again"
)
_WORDS: Final = {
    IncidentVerb.OPEN: "opened",
    IncidentVerb.COMMAND: "commanded",
    IncidentVerb.STATUS: "status",
    IncidentVerb.SEVERITY: "severity",
    IncidentVerb.NOTE: "note",
    IncidentVerb.CLOSE: "closed",
}
"""What is an event of the timeline; who joins is on the incident's own page."""

T = TypeVar("T")


class Team(Protocol):
    """Where it is kept; ``operations.people.team`` has the real one. Raises StateError."""

    def incidents(self) -> tuple[Incident, ...]:
        """Those that are open and the last that were closed, the newest first."""
        ...

    def do(self, request: IncidentRequest, at: float) -> Incident | Refusal:
        """Carry out a request of the user of this process."""
        ...

    def handover(self) -> Handover | None:
        """The last one that was taken."""
        ...

    def take(self, open_things: int, at: float) -> Handover:
        """Record that the user of this process takes over."""
        ...

    def present(self, service: str) -> tuple[Present, ...]:
        """Show what this console looks at; who is here."""
        ...

    def close(self) -> None:
        """Release everything that is held."""
        ...


class TeamParts(NamedTuple):
    """What a snapshot has of it."""

    incidents: tuple[Incident, ...] = ()
    present: tuple[Present, ...] = ()
    handover: Handover | None = None


class TeamDesk:
    """One per engine; without a ``team`` nothing is shared. Lives on the engine's loop."""

    def __init__(
        self, team: Team | None, clock: Clock, add_event: Callable[[Event], object]
    ) -> None:
        self._team = team
        self._clock = clock
        self._add_event = add_event
        self._executor = BoundedExecutor("team", 1)
        self._service = ""
        self._said: dict[int, int] | None = None
        self.parts = TeamParts()
        self.fault = ""

    def shown_in(self, snapshot: Snapshot) -> bool:
        """Whether ``snapshot`` has the current parts."""
        shown = (snapshot.incidents, snapshot.present, snapshot.handover)
        return all(mine is its for mine, its in zip(self.parts, shown, strict=True))

    async def follow(self) -> None:
        """Look at what others did, and show that this console is here."""
        team, service = self._team, self._service
        if team is None:
            return

        def read() -> TeamParts:
            return TeamParts(team.incidents(), team.present(service), team.handover())

        try:
            found = await self._executor.run(read, deadline=DEADLINE)
        except (StateError, TimeoutError, QueueFullError) as error:
            # Who was here a while ago may have left.
            self.parts = _kept(self.parts, self.parts._replace(present=()))
            self.fault = str(error) or "the state does not answer"
            return
        self.fault = ""
        self._report(found.incidents)
        self.parts = _kept(self.parts, found)

    async def look_at(self, service: str) -> None:
        """This console shows ``service`` now, '' for none in particular."""
        if service != self._service:
            self._service = service
            await self.follow()

    async def do(self, request: IncidentRequest) -> Incident | Refusal:
        """Carry out a request on an incident."""
        if request.replay:
            return _REPLAY
        at = self._clock.now()
        return await self._asked(lambda team: team.do(request, at))

    async def take(self, open_things: int) -> Handover | Refusal:
        """Record that the user takes over what is open."""
        at = self._clock.now()
        return await self._asked(lambda team: team.take(open_things, at))

    async def _asked(self, ask: Callable[[Team], T | Refusal]) -> T | Refusal:
        team = self._team
        if team is None:
            return Refusal("no-state", "this console shares nothing", "open one with a state")
        try:
            answer = await self._executor.run(lambda: ask(team), deadline=DEADLINE)
        except StateError as error:
            return Refusal("cannot-record", error.what, error.remedy)
        except (TimeoutError, QueueFullError):
            return Refusal("cannot-record", "the state does not answer", "try again")
        await self.follow()
        return answer

    def close(self) -> None:
        """Leave, and release the thread."""
        self._executor.close()
        if self._team is not None:
            self._team.close()

    def _report(self, incidents: tuple[Incident, ...]) -> None:
        """Put what is new on the timeline; at the first look, what is of the last day."""
        first, said = self._said is None, self._said or {}
        since = self._clock.now() - EARLIER if first else 0.0
        for incident in reversed(incidents):
            known = said.get(incident.number, 0)
            for entry in incident.entries[known:]:
                if entry.verb in _WORDS and entry.at >= since:
                    self._add_event(_event(incident, entry))
        self._said = {each.number: len(each.entries) for each in incidents}


def _event(incident: Incident, entry: IncidentEntry) -> Event:
    service = incident.services[0] if len(incident.services) == 1 else ""
    return Event(
        entry.at,
        EventCode.INCIDENT_MOVED,
        entry.text,
        service,
        incident.name,
        name=_WORDS[entry.verb],
        by=str(entry.person),
    )


def _kept(before: TeamParts, after: TeamParts) -> TeamParts:
    return TeamParts(
        before.incidents if before.incidents == after.incidents else after.incidents,
        before.present if before.present == after.present else after.present,
        before.handover if before.handover == after.handover else after.handover,
    )
