"""One Docker Engine: its containers, what they use, its Swarm services, its events.

Invariants:

* A look costs one list and the inspections of what changed. Statistics come from the kernel's
  control groups where the engine is local; else the engine is asked beside the looks, because
  some engines take a second for each container.
* An engine that is absent, hung, restarted or garbled is a classified fault; nothing waits for
  it beyond the deadline, and it is asked again at every look.
* The endpoint is fixed at the first look that finds one: a context that is switched in another
  terminal does not lead actions to another machine.
* Everything that this object remembers is touched on the event loop alone; threads get and
  return values.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from opsconsole.clock import Clock, skew
from opsconsole.config.settings import Docker
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind, Replica, Workload
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.base import Source
from opsconsole.sources.docker.cgroups import ControlGroups
from opsconsole.sources.docker.changes import Changes
from opsconsole.sources.docker.containers import Listed, in_a_loop, join
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError, resolve
from opsconsole.sources.docker.events import SILENCE, EventStream, Listeners
from opsconsole.sources.docker.inspections import Inspections
from opsconsole.sources.docker.loops import Loops
from opsconsole.sources.docker.making import Making
from opsconsole.sources.docker.reader import EngineReader
from opsconsole.sources.docker.stats import Usage, UsageBook
from opsconsole.sources.docker.timeline import Timeline, container_id, is_death
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

_STATS_WORKERS: Final = 8
_FILES_DEADLINE: Final = 1.0
_RARELY: Final = 60.0
_STATS_KEPT: Final = 3

LEARNT: Final = 900.0
"""Seconds before the first look whose events are asked for: what is there can be learnt afterwards.

An engine keeps its last 256 events.
"""


class DockerSource(Source[Inventory]):
    """Looks at the engine that ``settings`` name. ``on_event`` is called on the loop."""

    def __init__(
        self,
        settings: Docker,
        clock: Clock,
        on_event: Callable[[Event], None],
        *,
        environ: Mapping[str, str] | None = None,
        control_groups: ControlGroups | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on_event = on_event
        self._environ = os.environ if environ is None else environ
        self._groups = control_groups or ControlGroups()
        name = settings.name
        self._id = SourceId(SourceKind.DOCKER, name)
        self._place = Place(PlaceKind.ENGINE, name)
        self._calls = BoundedExecutor(name, 2)
        self._stats_calls = BoundedExecutor(f"{name} statistics", _STATS_WORKERS, spares=0)
        self._files = BoundedExecutor(f"{name} control groups", 1, spares=0)
        self._reader: EngineReader | None = None
        self._stream: EventStream | None = None
        self._stats: asyncio.Task[None] | None = None
        self._stats_due = 0.0
        self._stats_took = 0.0
        self._usage = UsageBook()
        self._inspections = Inspections()
        self._changes = Changes()
        self._making = Making()
        self._loops = Loops()
        self._followed_at: float | None = None
        self._learning: asyncio.Task[None] | None = None
        self._timeline = Timeline()
        self._version = ""
        self._swarm: tuple[Workload, ...] | None = None
        self._rarely_due = 0.0

    @property
    def id(self) -> SourceId:
        """The engine's configured name."""
        return self._id

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._settings.interval

    @property
    def endpoint(self) -> str:
        """The URL of the engine that is looked at; '' until it is known."""
        return self._reader.endpoint.url if self._reader else ""

    async def collect(self) -> Reading[Inventory]:
        """Look once, within the configured timeout."""
        began = self._clock.now()
        try:
            view = await self._look(time.monotonic() + self._settings.timeout)
        except DockerUnavailableError as error:
            return self._reading(began, fault=error.fault)
        except (TimeoutError, QueueFullError) as error:
            where = self._reader.endpoint.url if self._reader else self._settings.name
            return self._reading(began, fault=fault_of(error, where, self._settings.timeout))
        except Exception as error:  # noqa: BLE001 - the source's boundary: a look fails alone
            fault = Fault(FaultKind.INTERNAL, f"{type(error).__name__} while reading Docker")
            return self._reading(began, fault=fault)
        return self._reading(began, view=view)

    async def close(self) -> None:
        """End the event stream, the statistics and the connections. Waits a second at most."""
        tasks = {each for each in (self._stats, self._learning) if each is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        for executor in (self._calls, self._stats_calls, self._files):
            executor.close()
        if self._reader is not None:
            self._reader.close()
        for _ in range(100):
            if stream is None or not stream.alive:
                return
            await asyncio.sleep(0.01)

    def _reading(
        self, began: float, *, view: Inventory | None = None, fault: Fault | None = None
    ) -> Reading[Inventory]:
        now = self._clock.now()
        return Reading(source=self._id, taken_at=now, took=now - began, value=view, fault=fault)

    async def _look(self, ends: float) -> Inventory:
        """List, inspect what changed, read what is used, and put it together."""
        reader = await self._engine(ends)
        listed = await self._calls.run(reader.containers, deadline=_left(ends))
        now = self._clock.now()
        due = self._inspections.due(listed, now)
        if due:
            budget = _left(ends) / 2
            found = await self._calls.run(reader.inspect, due, budget, deadline=_left(ends))
            self._inspections.record(listed, found, now)
            self._loops.read(found, skew(self._clock))
        self._learn_once(reader, frozenset(item.id for item in listed))
        await self._look_rarely(reader, ends)
        await self._measure(reader, listed)
        self._follow(reader.endpoint)
        containers = self._joined(listed)
        now = self._clock.now()
        for event in self._changes.observe(containers, now):
            self._report(event)
        for event in self._making.observe(containers, self._inspections.facts, now):
            self._report(event)
        return Inventory(
            place=self._place,
            endpoint=str(reader.endpoint),
            version=self._version,
            replicas=containers,
            workloads=self._swarm or (),
        )

    async def _engine(self, ends: float) -> EngineReader:
        """The reader of the engine that is meant, resolved until that succeeds once."""
        if self._reader is None:
            endpoint = await self._calls.run(
                resolve, self._settings, dict(self._environ), deadline=_left(ends)
            )
            self._reader = EngineReader(endpoint, self._settings.timeout)
        return self._reader

    async def _look_rarely(self, reader: EngineReader, ends: float) -> None:
        """The version, and a swarm's services: at every look where there is a swarm."""
        now = self._clock.now()
        rarely = now >= self._rarely_due
        if rarely:
            self._version = await self._calls.run(reader.version, deadline=_left(ends))
            self._rarely_due = now + _RARELY
        if rarely or self._swarm is not None:
            self._swarm = await self._swarm_services(reader, _left(ends) / 2)

    async def _swarm_services(
        self, reader: EngineReader, deadline: float
    ) -> tuple[Workload, ...] | None:
        """Swarm services; a swarm that lost its leader does not hide the containers."""
        try:
            return await self._calls.run(reader.swarm_services, self._place, deadline=deadline)
        except (TimeoutError, DockerUnavailableError):
            return None

    async def _measure(self, reader: EngineReader, listed: Sequence[Listed]) -> None:
        """Read control groups now; for what is not found there, ask the engine beside."""
        running = [item.id for item in listed if item.status in ("running", "paused")]
        ids = frozenset(item.id for item in listed)
        self._usage.keep(ids)
        missing = running
        if reader.endpoint.socket is not None and running:
            usages = await self._read_groups(running, ids)
            missing = [id_ for id_ in running if id_ not in usages]
            for id_, usage in usages.items():
                self._usage.record(id_, usage, self._clock.now())
        if self._stats is not None and self._stats.done():
            done, self._stats = self._stats, None
            # A defect that ended it is this look's.
            done.result()
        if missing and self._stats is None and self._clock.now() >= self._stats_due:
            self._stats_due = self._clock.now() + self._settings.stats_interval
            self._stats = asyncio.create_task(self._ask_for_usage(reader, missing))

    async def _read_groups(self, running: list[str], ids: frozenset[str]) -> dict[str, Usage]:
        try:
            return await self._files.run(
                _read_usages, self._groups, running, ids, deadline=_FILES_DEADLINE
            )
        except (TimeoutError, QueueFullError):
            return {}

    async def _ask_for_usage(self, reader: EngineReader, ids: Sequence[str]) -> None:
        """Ask for each container's statistics, a few at a time; stop where the engine fails."""
        waiting = iter(ids)

        async def one_after_another() -> None:
            for id_ in waiting:
                try:
                    usage = await self._stats_calls.run(
                        reader.usage, id_, deadline=self._settings.timeout
                    )
                except DockerUnavailableError as error:
                    if error.fault.kind is FaultKind.ABSENT:
                        continue
                    return
                except (TimeoutError, QueueFullError):
                    # The next round asks again.
                    return
                if usage is not None:
                    self._usage.record(id_, usage, self._clock.now())

        began = self._clock.now()
        await asyncio.gather(*(one_after_another() for _ in range(_STATS_WORKERS)))
        self._stats_took = self._clock.now() - began

    def _joined(self, listed: Sequence[Listed]) -> tuple[Replica, ...]:
        """The containers by name, with what is known of each."""
        lead = skew(self._clock)
        now = self._clock.now()
        pace = max(self._settings.stats_interval, self._settings.interval, self._stats_took)
        oldest = _STATS_KEPT * pace
        containers = []
        for item in listed:
            container = join(item, self._inspections.facts(item.id), self._place, skew=lead)
            share = self._usage.share(item.id, now, oldest)
            if share and item.status in ("running", "paused"):
                container = replace(container, cpu=share.cpu, memory=share.memory)
            ends = self._loops.of(item.id, now)
            if ends:
                container = in_a_loop(container, ends)
            containers.append(container)
        return tuple(sorted(containers, key=lambda container: (container.name, container.id)))

    def _follow(self, endpoint: DockerEndpoint) -> None:
        """Start the event stream at the first look that succeeds."""
        if self._stream is not None:
            return
        loop = asyncio.get_running_loop()

        def on_loop(function: Callable[..., None], *args: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to hear
                loop.call_soon_threadsafe(function, *args)

        listeners = Listeners(
            message=lambda message: on_loop(self._hear, message),
            gap=lambda seconds, fault: on_loop(self._hear_gap, seconds, fault),
            flood=lambda count: on_loop(self._hear_flood, count),
        )
        self._stream = EventStream(
            endpoint, listeners, timeout=self._settings.timeout, silence=SILENCE
        )
        self._stream.start()
        self._followed_at = self._clock.wall()

    def _hear(self, message: object) -> None:
        if self._stream is None:
            return  # closed meanwhile
        self._take(message, self._timeline)

    def _take(self, message: object, timeline: Timeline) -> None:
        event = timeline.event_of(message, now=self._clock.now(), skew=skew(self._clock))
        about = container_id(message)
        if about:
            self._inspections.touch(about)
        if event is None:
            return
        if about and is_death(message):
            self._changes.heard_death(about, event.at, ordered=bool(event.name))
            if event.state is State.DOWN and not event.name:
                self._loops.heard_end(about, event.at)
        self._report(event)

    def _learn_once(self, reader: EngineReader, present: frozenset[str]) -> None:
        """Ask, beside the looks, what happened before the stream was opened."""
        if self._learning is not None and self._learning.done():
            done, self._learning = self._learning, None
            # A defect that ended it is this look's.
            done.result()
        followed, self._followed_at = self._followed_at, None
        if followed is not None:
            self._learning = asyncio.create_task(self._learn(reader, present, followed))

    async def _learn(self, reader: EngineReader, present: frozenset[str], followed: float) -> None:
        """Hear of what happened before ``followed`` to what is there now."""
        try:
            messages = await self._calls.run(
                reader.events, followed - LEARNT, followed, deadline=self._settings.timeout
            )
        except (TimeoutError, QueueFullError, DockerUnavailableError):
            return
        before = Timeline()
        for message in messages:
            if container_id(message) in present:
                self._take(message, before)

    def _report(self, event: Event) -> None:
        self._on_event(replace(event, place=self._place.name))

    def _hear_gap(self, seconds: float, fault: Fault) -> None:
        self._tell_of_source(EventCode.EVENTS_INTERRUPTED, seconds, str(fault))

    def _hear_flood(self, count: int) -> None:
        self._tell_of_source(EventCode.EVENTS_DROPPED, count)

    def _tell_of_source(self, code: EventCode, figure: float, detail: str = "") -> None:
        self._on_event(
            Event(
                at=self._clock.now(),
                code=code,
                detail=detail,
                subject=self._settings.name,
                state=State.UNKNOWN,
                figure=figure,
            )
        )


def _read_usages(
    groups: ControlGroups, running: Sequence[str], ids: frozenset[str]
) -> dict[str, Usage]:
    """Usage by id of the running containers whose control groups are here."""
    groups.keep(ids)
    found = ((id_, groups.read(id_)) for id_ in running)
    return {id_: usage for id_, usage in found if usage is not None}


def _left(ends: float) -> float:
    """Seconds until ``ends`` on the monotonic clock, hardly any once it has passed."""
    return max(0.001, ends - time.monotonic())
