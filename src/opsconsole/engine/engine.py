"""The engine: looks at everything continuously and publishes snapshots.

Invariant: it lives on its own thread and event loop, never waits for a listener, and ends only when
it is stopped. ``latest`` is always a whole snapshot; listeners are called on the engine's thread,
at most twice a second, and only when something changed.
"""

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from opsconsole.clock import Clock, SystemClock, skew
from opsconsole.config.changes import changes
from opsconsole.config.effective import FoundService
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.engine.assemble import Assembly
from opsconsole.engine.desks.automation_desk import AutomationDesk
from opsconsole.engine.desks.note_watch import Notes, NoteWatch
from opsconsole.engine.desks.operator_door import OperatorDoor
from opsconsole.engine.desks.page_book import PageBook
from opsconsole.engine.desks.team_desk import Team, TeamDesk
from opsconsole.engine.desks.unit_book import UnitBook
from opsconsole.engine.discovering import Discovering
from opsconsole.engine.engine_calls import EngineCalls, Listener
from opsconsole.engine.findings import Findings
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.engine.notices import Notices
from opsconsole.engine.open_sources import CLOSE_WITHIN, OpenSources, close
from opsconsole.engine.past import preload
from opsconsole.engine.past.beside import Beside
from opsconsole.engine.past.learnt import LOOK_EVERY, Learning
from opsconsole.engine.past.past_figures import PastFigures
from opsconsole.engine.past.replay import SPAN_EVERY, Archive, Replay
from opsconsole.engine.reload import POLL_EVERY, ConfigurationWatch, Reloading
from opsconsole.engine.runbooks.checks import Checks
from opsconsole.engine.runbooks.desk import RunbookDesk
from opsconsole.engine.schedule import Schedule, internal_fault
from opsconsole.engine.single_look import look_at_all
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.machines.machines import Machines
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import SourceId
from opsconsole.sources.base import AnySource

if TYPE_CHECKING:
    from opsconsole.engine.recording.recorder import Recorder
    from opsconsole.operations.operator import Operator

PUBLISH_EVERY: Final = 0.5
"""Minimum seconds between snapshots that somebody looks at."""

OPERATIONS_EVERY: Final = 1.0
PAST_WITHIN: Final = 1.0
"""Seconds that the first look waits at most for what was recorded before."""

RECORDING_EVERY: Final = 2.0
LOG_FIGURES_EVERY: Final = 2.0
RUNBOOKS_EVERY: Final = 1.0
AUTOMATION_EVERY: Final = 0.5
"""Anybody's stop is to be seen everywhere within 2 s, on a busy machine too."""

AFTER_DEFECT: Final = 1.0

LOOK_WITHIN: Final = 30.0
"""Default timeout of ``look_once`` in seconds; each source has its own, shorter deadline."""

NOTES_EVERY: Final = 2.0
DISCOVER_EVERY: Final = 0.5
COLLECT_AFTER: Final = (10_000, 1, 40)
"""Young objects are looked through for cycles a few at a time. All of a large fleet, which stops
every thread for up to half a second, is looked through once in a minute or more."""


class Engine(EngineCalls):
    """One fleet's engine. Make it anywhere, ``start`` it once, ``stop`` it once.

    Once started it owns ``sources``, ``operator`` and ``recorder`` and closes them when it ends.
    ``archive`` is what was recorded, by this process or another; ``configuration`` is where new
    settings come from while it runs. ``single`` says that it is made for ``look_once``; ``pace`` is
    the minimum of seconds between two snapshots; ``unseen``: nobody goes back to earlier ones.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        base: Path,
        clock: Clock | None = None,
        read_only: bool = False,
        sources: Sequence[AnySource] | None = None,
        operator: "Operator | None" = None,
        notes: Notes | None = None,
        team: Team | None = None,
        archive: Archive | None = None,
        recorder: "Recorder | None" = None,
        configuration: ConfigurationWatch | None = None,
        single: bool = False,
        pace: float = PUBLISH_EVERY,
        unseen: bool = False,
    ) -> None:
        self._findings = Findings(settings)
        self._discovering = Discovering()
        self._settings = self._findings.settings
        self._base = base
        self._clock = clock or SystemClock()
        self._read_only = effective_read_only(settings, read_only)
        self._sources = OpenSources(sources, partial(self._fail, doing="opening"))
        self._listeners: list[Listener] = []
        self._notices = Notices()
        self._replay = Replay(archive)
        self._recorder = recorder
        self._errors = 0
        self._resumed_at: float | None = None
        self._beside = Beside(self._replay.events)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._schedule: Schedule | None = None
        self._began = threading.Event()
        self._pulse = self._clock.now()
        self._single = single
        self._pace = pace
        self._unseen = unseen
        self._prepare()
        self._reloading = Reloading(settings, configuration, self._take_event)
        self._operator = operator
        self._door = OperatorDoor(operator, self._store.events.add)
        self._notes = NoteWatch(notes, self._clock, self._take_event)
        self._team = TeamDesk(team, self._clock, self._take_event)
        self._machines = machines = Machines()
        self._logs = LogWatch(settings, base, machines, self._clock)
        checks = Checks(settings, base, machines, lambda: self._store.services, self._clock.now)
        self._runbooks = RunbookDesk(
            settings,
            base,
            self._clock,
            checks,
            read_only=self._read_only,
            add_event=self._store.events.add,
        )
        self._automation = AutomationDesk(settings, self._clock)
        self._pages = PageBook(settings, base, self._clock)
        self._units = UnitBook(settings, machines, self._clock)
        self._learning = Learning(settings, base, machines, self._clock)

    @property
    def latest(self) -> Snapshot:
        """The latest snapshot; before the first look everything in it is UNKNOWN."""
        return self._latest

    @property
    def pulse(self) -> float:
        """When the engine last settled its state, by its own clock: it advances while the engine
        lives."""
        return self._pulse

    def start(self) -> None:
        """Start looking, on the engine's own thread; returns at once."""
        if self._thread is not None:
            raise RuntimeError("an engine can be started only once")
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
        self._thread.start()

    def stop(self, within: float = 2.0) -> None:
        """End every look and release what is held; give up waiting after ``within`` seconds."""
        if self._thread is None:
            return
        self._began.wait(within)
        self._on_loop(self._cancel)
        self._thread.join(within)

    def look_once(
        self,
        timeout: float = LOOK_WITHIN,
        acknowledged: tuple[SilenceView, ...] = (),
        maintenances: tuple[Maintenance, ...] = (),
    ) -> Snapshot:
        """Look at every source once, in this thread, and return what was seen.

        One look decides: a single failure is DOWN. What did not answer within ``timeout`` seconds
        stays UNKNOWN. ``acknowledged`` and ``maintenances`` are so in the console's own state.
        Raises RuntimeError if the engine was started.
        """
        if self._thread is not None:
            raise RuntimeError("this engine is running; read its latest snapshot")
        if not self._single:
            self._single = True
            self._prepare()
        self._store.alerts.use_own(acknowledged, self._clock.now())
        self._automation.maintenances = maintenances
        self._store.alerts.use_maintenance(self._automation.going_on, self._clock.now())
        # It returns nothing: asyncio writes a task's result down as text when it ends.
        asyncio.run(self._look_once(timeout))
        return self._latest

    def _prepare(self) -> None:
        now = self._clock.now()
        self._store = Store(self._settings, now, single=self._single)
        self._builder = SnapshotBuilder(self._settings, self._store, read_only=self._read_only)
        self._latest = self._builder.build(now, (), ())

    def _live(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        self._began.set()
        async with AsyncExitStack() as cleanup:
            cleanup.callback(self._shut)
            sources = self._open(cleanup)
            self._replay.past_figures = PastFigures(self._settings, sources, self._clock)
            self._logs.start()
            cleanup.callback(self._logs.close)
            cleanup.push_async_callback(self._runbooks.close)
            cleanup.push_async_callback(self._pages.close)
            if self._recorder is not None:
                self._recorder.start()
                cleanup.callback(self._recorder.close, CLOSE_WITHIN)
            past = asyncio.create_task(self._show_hours_before(self._latest.taken_at))
            # What was recorded is known before the first look decides, unless the disk is slow.
            await asyncio.wait({past}, timeout=PAST_WITHIN)
            self._schedule = Schedule(sources, self._clock, self._deliver, on_gap=self._suspended)
            # Objects made so far live as long as the engine: the garbage collector need not visit
            # them.
            gc.freeze()
            gc.set_threshold(*COLLECT_AFTER)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._for_ever(self._schedule.run, 0.0))
                tasks.create_task(self._for_ever(self._publish_in_time, 0.0))
                tasks.create_task(self._for_ever(self._follow_operations, OPERATIONS_EVERY))
                tasks.create_task(self._for_ever(self._notes.follow, NOTES_EVERY))
                tasks.create_task(self._for_ever(self._team.follow, NOTES_EVERY))
                tasks.create_task(self._for_ever(self._read_log_figures, LOG_FIGURES_EVERY))
                tasks.create_task(self._for_ever(self._follow_runbooks, RUNBOOKS_EVERY))
                tasks.create_task(self._for_ever(self._follow_automation, AUTOMATION_EVERY))
                tasks.create_task(self._for_ever(self._replay.look_how_far, SPAN_EVERY))
                tasks.create_task(self._for_ever(self._follow_recording, RECORDING_EVERY))
                tasks.create_task(self._for_ever(self._follow_configuration, POLL_EVERY))
                tasks.create_task(self._for_ever(self._discover, DISCOVER_EVERY))
                tasks.create_task(self._for_ever(self._learn, LOOK_EVERY))

    def _shut(self) -> None:
        self._loop = None
        for part in (self._reloading, self._replay, self._door, self._notes, self._team):
            part.close()
        self._automation.close()
        self._learning.close()
        self._machines.close()

    async def _for_ever(self, work: Callable[[], Coroutine[Any, Any, None]], pause: float) -> None:
        """Repeat ``work``; a defect in it is reported and ends nothing."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the boundary of the engine's own tasks
                self._fail(work.__name__.strip("_"), error, "doing")
                await self._clock.sleep(AFTER_DEFECT)
            await self._clock.sleep(pause)

    def _open(self, cleanup: AsyncExitStack) -> Sequence[AnySource]:
        sources = self._sources.open(
            self._settings,
            lambda failed: Assembly(
                self._clock, self._base, self._machines, self._take_event, failed, cleanup
            ),
            cleanup,
        )
        self._store.watch(sources, self._clock.now())
        return sources

    async def _follow_configuration(self) -> None:
        now = self._clock.now()
        settings = await self._reloading.poll(now)
        if settings is not None:
            await self._use(self._findings.declare(settings), now)

    async def _discover(self) -> None:
        store = self._store
        for source, services in self._discovering.found(self._findings.declared):
            await self.found(source, services)
        if self._store is not store:
            # A row that has just come has its keys with it.
            await self._ask_actions()

    async def found(self, source: SourceId, services: Iterable[FoundService]) -> None:
        """Watch what ``source`` finds now, in addition to what is declared. Call it on the engine's
        loop."""
        before = self._settings
        settings = self._findings.find(source, services)
        if settings is None:
            return
        now = self._clock.now()
        changed = str(changes(before, settings))
        self._take_event(Event(now, EventCode.FLEET_CHANGED, changed, subject=source.label))
        await self._use(settings, now)

    async def _use(self, settings: Settings, now: float) -> None:
        """Continue with new settings, which are valid; what they do not change is left alone."""
        store = Store(settings, now, single=self._single, before=self._store)
        self._settings, self._store = settings, store
        self._read_only = effective_read_only(settings, self._read_only)
        self._replay.read_only = self._read_only
        self._builder.take_over(settings, store, read_only=self._read_only)
        sources, gone = self._sources.replace(settings)
        store.watch(sources, now)
        if self._schedule is not None:
            self._schedule.replace(sources)
        self._replay.past_figures = PastFigures(settings, sources, self._clock)
        self._door.use(settings, self._findings.declared)
        for part in (
            self._logs, self._runbooks, self._pages, self._units, self._learning, self._automation,
        ):  # fmt: skip
            part.use(settings)
        await close(gone)
        self._machines.retain(settings.hosts)

    def _deliver(self, reading: Reading[Observation], lag: float) -> float | None:
        try:
            self._discovering.take(reading.source, reading.value, reading.taken_at)
            return self._store.apply(reading, lag)
        except Exception as error:  # noqa: BLE001 - a defect in judging one reading stays with it
            self._fail(str(reading.source), error, "judging")
            return None

    def _take_event(self, event: Event) -> None:
        """Take in news from a source, a person or the operator. Call it on the engine's thread."""
        asked = self._store.take_event(event)
        if self._schedule is not None:
            for source in asked:
                self._schedule.hurry(source)

    def _suspended(self, gap: float) -> None:
        """The first to wake reports it; the others would report the same."""
        now = self._clock.now()
        if self._resumed_at is not None and now - self._resumed_at < self._pace * 2:
            return
        self._resumed_at = now
        self._notices.suspended(gap, now)
        self._store.suspended(now)
        self._store.events.add(Event(now, EventCode.TIME_LOST, figure=gap))

    async def _publish_in_time(self) -> None:
        before = self._clock.now()
        await self._clock.sleep(self._pace)
        self._pulse = self._clock.now()
        late = self._pulse - before - self._pace
        if self._schedule is not None and late > self._schedule.longest_pause:
            self._suspended(late)
        self._publish()

    def _publish(self) -> None:
        now = self._clock.now()
        changed = self._store.settle(now)
        before = self._latest
        notices = self._update_notices(now)
        operations = self._door.operations
        events = self._store.events.view()
        if not (
            changed
            or notices is not before.notices
            or operations is not before.operations
            or self._door.degradations is not before.degradations
            or events is not before.events
            or not self._runbooks.shown_in(before)
            or not self._automation.shown_in(before)
            or not self._team.shown_in(before)
        ):
            return
        self._latest = self._builder.build(
            now,
            operations,
            notices,
            self._door.degradations,
            self._door.missed,
            self._runbooks.views,
            self._runbooks.runs,
            self._automation.automation,
            self._automation.maintenances,
            self._team.parts,
        )
        if not self._unseen:
            self._replay.keep(self._latest)
        if self._recorder is not None:
            self._recorder.offer(self._latest)
        for listener in tuple(self._listeners):
            try:
                listener(self._latest)
            except Exception as error:  # noqa: BLE001 - a listener's defect is not the engine's
                self._fail("snapshot", error, "listening")

    def _update_notices(self, now: float) -> tuple[str, ...]:
        schedule = self._schedule
        errors = self._errors + (schedule.counts.errors if schedule else 0)
        return self._notices.update(
            now,
            skew=skew(self._clock),
            lag=schedule.lag if schedule else 0.0,
            errors=errors,
            cut_off=self._store.probes.suspect,
            journal=self._door.fault,
            runbooks=self._runbooks.fault,
            team=self._team.fault,
            recording=self.recording.notice or self._replay.lacks,
            configuration=(
                *self._reloading.notices,
                *self._findings.notices,
                *self._discovering.notices,
            ),
        )

    async def _follow_operations(self) -> None:
        await self._door.reconcile(self._clock.now())
        await self._door.poll()
        self._store.alerts.use_own(self._door.acknowledgements, self._clock.now())
        await self._ask_actions()

    async def _ask_actions(self) -> None:
        store, now = self._store, self._clock.now()
        acting = [name for name, record in store.services.items() if record.acts]
        allowed = await self._door.poll_actions(acting, self._latest, now)
        if store is not self._store:
            # The new settings may allow other actions, so it is asked again.
            return
        for name, actions in allowed.items():
            store.set_actions(name, actions)

    async def _follow_runbooks(self) -> None:
        await self._runbooks.poll(self._door.operations)

    async def _follow_automation(self) -> None:
        await self._automation.poll()
        self._store.alerts.use_maintenance(self._automation.going_on, self._clock.now())

    async def _show_hours_before(self, began: float) -> None:
        try:
            past = await self._replay.past(began, self._settings.display.window)
            preload.fill(self._store, past, self._clock.now())
        except Exception as error:  # noqa: BLE001 - closing the old must not end the new
            self._fail("the recording", error, "taking over")

    async def _follow_recording(self) -> None:
        await self._beside.follow(self._store, self.recording.state, self._clock.now())

    async def _learn(self) -> None:
        await self._learning.learn(self._store.events)

    async def _read_log_figures(self) -> None:
        now = self._clock.now()
        self._store.apply_metrics(self._logs.figures(now), now)

    def _fail(self, what: str, error: Exception, doing: str) -> None:
        """Count an internal error and put the first of each kind on the timeline."""
        self._errors += 1
        now = self._clock.now()
        said = f"{doing} {what}: {internal_fault(error)}"
        event = Event(now, EventCode.INTERNAL_ERROR, said)
        if not any(event == replace(each, at=now) for each in self._store.events.view()):
            self._store.events.add(event)

    async def _look_once(self, timeout: float) -> None:
        async with AsyncExitStack() as cleanup:
            sources = self._open(cleanup)
            cleanup.callback(self._replay.close)
            await self._show_hours_before(self._latest.taken_at)
            take = partial(self._deliver, lag=0.0)
            await look_at_all(sources, self._clock, take, timeout)
            seen = set(map(id, sources))
            await self._discover()
            found = [each for each in self._sources if id(each) not in seen]
            await look_at_all(found, self._clock, take, timeout)
            now = self._clock.now()
            self._store.settle(now)
            self._latest = self._builder.build(
                now, (), self._update_notices(now), maintenances=self._automation.maintenances
            )

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()
