"""The watcher: an engine without a screen, which notifies people and shows that it lives.

Invariant: any number run, one leads; the lock is asked right before each thing that only the leader
does. Each receiver has a task of its own, so that one that hangs keeps no other from being
notified. A defect in one part is said and ends no other. The loop never waits for a disk.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Protocol

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.schedule import internal_fault
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.operations.journal.records import Scope
from opsconsole.operations.state_place import LateJournal, StatePlace
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.heartbeat import Beating
from opsconsole.watcher.leadership import Leadership
from opsconsole.watcher.notify.notifying import Notifying
from opsconsole.watcher.notify.receivers import Means, notifyings
from opsconsole.watcher.notify.troubles import Troubles, ruled_states
from opsconsole.watcher.own_health import Blind, OwnHealth, lag_of, why_blind
from opsconsole.watcher.own_page import OwnPage
from opsconsole.watcher.systemd import ALIVE, READY, STOPPING, Systemd

ROUND_EVERY: Final = 1.0
"""Seconds between two looks at what is known."""

_PAGE_EVERY: Final = 10.0
_WORKERS: Final = 4


class Acting(Protocol):
    """What a watcher that leads does about trouble."""

    def use(self, settings: Settings) -> None:
        """Act by ``settings``, which the configuration says now."""
        ...

    async def consider(self, snapshot: Snapshot, now: float) -> None:
        """Do what is due at ``now``."""
        ...

    def close(self) -> None:
        """Release what is held; what was begun goes on."""
        ...


class Watch:
    """One watcher on ``engine``, which is started and stopped by who made it.

    ``acting`` makes what is done about trouble, given what says whether this watcher leads; None
    for nothing. ``say`` prints a line when what it does changes.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        state: StatePlace,
        scope: Scope,
        *,
        base: Path,
        clock: Clock,
        acting: Callable[[Callable[[], bool]], Acting] | None,
        say: Callable[[str], None],
        systemd: Systemd,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._state = state
        self._scope = scope
        self._base = base
        self._clock = clock
        self._make_acting = acting
        self._acting: Acting | None = None
        self._say = say
        self._systemd = systemd
        self._began = clock.now()
        self._states = tuple(State(each) for each in settings.notify.states)
        self._ruled = ruled_states(settings)
        self._troubles: Troubles | None = None
        self._of: Snapshot | None = None
        self._notifyings: tuple[Notifying, ...] = ()
        self._beating: Beating | None = None
        self._said = self._defect = self._page_fault = ""

    async def run(self, ended: asyncio.Event) -> None:
        """Watch until ``ended`` is set."""
        async with AsyncExitStack() as cleanup:
            threads = BoundedExecutor("watcher", _WORKERS)
            cleanup.callback(threads.close)
            state_threads = BoundedExecutor("watcher's state", 2)
            cleanup.callback(state_threads.close)
            connector = Connector()
            cleanup.push_async_callback(connector.close)
            journal = LateJournal(self._state, self._scope)
            cleanup.callback(journal.close)
            self._leadership = Leadership(self._state, self._scope, state_threads)
            cleanup.push_async_callback(self._leadership.release)
            if self._make_acting is not None:
                self._acting = self._make_acting(self._leadership.leads)
                cleanup.callback(self._acting.close)
            means = Means(self._base, connector, threads)
            self._notifyings = notifyings(
                self._settings, means, journal, state_threads, self._clock, self._leadership.leads
            )
            for each in self._notifyings:
                cleanup.push_async_callback(each.close)
            await self._live(ended, cleanup, means)
            self._systemd.say(STOPPING)

    async def _live(self, ended: asyncio.Event, cleanup: AsyncExitStack, means: Means) -> None:
        works: list[tuple[Callable[[], Awaitable[None]], float]] = [(self._lead, ROUND_EVERY)]
        works += [(self._round_of(each), ROUND_EVERY) for each in self._notifyings]
        if self._acting is not None:
            works.append((self._act, ROUND_EVERY))
        if self._settings.heartbeat is not None:
            self._beating = Beating(self._settings.heartbeat, self._base, means.connector)
            cleanup.push_async_callback(self._beating.close)
            works.append((self._beat, ROUND_EVERY))
        if self._settings.watch.listen is not None:
            page = OwnPage(self._settings.watch.listen, self.health)
            cleanup.push_async_callback(page.close)
            works.append((self._serving(page), _PAGE_EVERY))
        if self._systemd.pause is not None:
            works.append((self._show_life, self._systemd.pause))
        tasks = [asyncio.create_task(self._for_ever(*each)) for each in works]
        self._systemd.say(READY)
        try:
            await ended.wait()
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def health(self) -> OwnHealth:
        """How this watcher is now."""
        now, snapshot = self._clock.now(), self._engine.latest
        return OwnHealth(
            at=now,
            leads=self._leadership.leads(),
            blind=why_blind(snapshot, self._engine.pulse, self._began, now),
            lag=lag_of(snapshot),
            snapshot=snapshot,
            deliveries=tuple(each.delivery for each in self._notifyings),
            lock_fault=self._leadership.fault,
            heartbeat_fault=self._beating.fault if self._beating is not None else "",
        )

    async def _for_ever(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - a defect in one part ends no other
                self._defect = f"internal error: {internal_fault(error)}; please report it"
            await self._clock.sleep(pause)

    async def _lead(self) -> None:
        if await self._leadership.follow(self._clock.now()):
            for each in self._notifyings:
                each.forget()
        health = self.health()
        doing = "leads: it notifies people" if health.leads else "stands by: another watcher leads"
        faults = [*health.faults, self._page_fault, self._defect]
        line = "; ".join([doing, *filter(None, faults)])
        if line != self._said:
            self._said = line
            self._say(line)

    def _round_of(self, notifying: Notifying) -> Callable[[], Awaitable[None]]:
        async def round_() -> None:
            health = self.health()
            if health.leads:
                troubles = self._seen(health.snapshot)
                blind = health.blind is not None
                await notifying.round(troubles, health.snapshot, health.at, blind=blind)

        return round_

    def _seen(self, snapshot: Snapshot) -> Troubles:
        """The troubles of ``snapshot``, found once for all receivers."""
        if self._troubles is None or self._of is not snapshot:
            self._troubles, self._of = Troubles(snapshot, self._states, self._ruled), snapshot
        return self._troubles

    async def _act(self) -> None:
        health = self.health()
        if self._acting is not None and health.leads and health.blind is None:
            self._acting.use(self._engine.declared)
            await self._acting.consider(health.snapshot, health.at)

    async def _beat(self) -> None:
        if self._beating is not None:
            await self._beating.follow(self.health())

    def _serving(self, page: OwnPage) -> Callable[[], Awaitable[None]]:
        async def serve() -> None:
            self._page_fault = await page.open()

        return serve

    async def _show_life(self) -> None:
        """Only an engine that advances lives: systemd starts another in place of one that hangs."""
        if self.health().blind is not Blind.STANDS_STILL:
            self._systemd.say(ALIVE)
