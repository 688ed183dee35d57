"""One fleet from its start to its end: platforms, monitoring, containers, faults, control.

Invariant: whatever was started is stopped, and whatever was made is removed, however `serve`
ends. Blocking work runs in the supervisor's own threads, never on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.demo import channel, configuration
from opsconsole.demo.channel import ChannelError, Message
from opsconsole.demo.containers import ABSENT, choose_engine, start_containers
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.faults import parse_fault
from opsconsole.demo.fleet import Fleet
from opsconsole.demo.layout import Layout
from opsconsole.demo.monitoring import Monitoring, plan_monitoring, start_monitoring
from opsconsole.demo.processes import ServerError
from opsconsole.demo.scenarios import Scenario, Step
from opsconsole.demo.seeding import seed as seed_files

REAP_S: Final = 0.3
THREADS: Final = 4

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Supervisor:
    """Serves one layout; make it, then run `serve` once."""

    def __init__(
        self,
        layout: Layout,
        scenario: Scenario,
        *,
        seed: int = 0,
        monitoring: bool = True,
        private_docker: bool = False,
        parent: int = 0,
        kubernetes: str | None = None,
    ) -> None:
        """`parent` is a process whose end ends the fleet too; 0 for none.

        `kubernetes` is as `configuration.write` takes it.
        """
        self.layout = layout
        self.fleet = Fleet(layout, seed=seed)
        self.notes: list[str] = []
        self._scenario = scenario
        self._wants_monitoring = monitoring
        self._private_docker = private_docker
        self._parent = parent
        self._kubernetes = kubernetes
        self._stop = asyncio.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="demo")
        self._verbs: dict[str, Callable[[str], None]] = {
            "restart": self.fleet.restart,
            "start": self.fleet.start,
            "stop": self.fleet.stop,
            "crash": self.fleet.crash,
        }

    async def serve(self, ready: Callable[[Path, list[str]], None]) -> None:
        """Start all, call `ready` with the configuration's path and the notes, run until stopped.

        Ends by `end`, by SIGTERM, SIGINT or SIGHUP, or with the parent. Raises ServerError when
        a platform does not start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.end)
        with ExitStack() as cleanup:
            cleanup.callback(self.fleet.close)
            try:
                engine = await self._start(cleanup)
                door = await channel.serve(self.layout.socket, self.answer)
                cleanup.callback(door.close)
                ready(self.layout.config, self.notes)
                await self._run(partial(self._start_containers, engine, cleanup))
            finally:
                # What is under way ends first: it may have more to clean up.
                self._threads.shutdown()

    def end(self) -> None:
        """Make `serve` stop everything and return."""
        self._stop.set()

    async def _start(self, cleanup: ExitStack) -> Engine | None:
        """Start platforms and monitoring side by side, write the files; the engine to use."""
        await self._in_thread(partial(seed_files, self.layout))
        plan = plan_monitoring(self.layout, wanted=self._wants_monitoring)
        started = await asyncio.gather(
            self._in_thread(self.fleet.start_all),
            self._in_thread(partial(self._start_monitoring, plan, cleanup)),
            return_exceptions=True,
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome
        engine = choose_engine(cleanup, private=self._private_docker)
        if engine is None:
            self.notes.append(ABSENT)
        if self._wants_monitoring:
            self.notes.extend(plan.notes())
        url = engine.url if engine else None
        configuration.write(self.layout, plan, url, self._kubernetes)
        self._write_notes()
        return engine

    def _write_notes(self) -> None:
        state = {"pid": os.getpid(), "socket": str(self.layout.socket), "notes": self.notes}
        self.layout.notes.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def _start_monitoring(self, plan: Monitoring, cleanup: ExitStack) -> None:
        try:
            for server in start_monitoring(plan, self.layout):
                cleanup.callback(server.stop)
        except ServerError as problem:
            self.notes.append(f"Monitoring: {problem.what.splitlines()[0]}")

    def _start_containers(self, engine: Engine | None, cleanup: ExitStack) -> None:
        if engine is None:
            return
        try:
            start_containers(engine, cleanup)
        except Exception as problem:  # noqa: BLE001  the SDK's tree and requests': do without
            _log.warning("containers: %s", problem)
            kind = type(problem).__name__
            self.notes.append(f"Docker: the demo's containers did not start ({kind})")
            self._write_notes()

    async def _run(self, containers: Callable[[], None]) -> None:
        """Play the scenario and keep pid files true, until stopped or the parent has ended."""
        under_way = self._in_thread(containers)
        play = asyncio.create_task(self._play())
        while not self._stop.is_set() and not self._orphaned():
            await self._in_thread(self.fleet.reap)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), REAP_S)
        play.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await play
        await under_way

    def _orphaned(self) -> bool:
        return bool(self._parent) and os.getppid() != self._parent

    async def _play(self) -> None:
        """Play the scenario from this moment on."""
        loop = asyncio.get_running_loop()
        began, first_pids = loop.time(), await self._in_thread(self.fleet.pids)
        for step in self._scenario.steps:
            await asyncio.sleep(began + step.at_s - loop.time())
            await self._in_thread(partial(self._play_step, step, first_pids))

    def _play_step(self, step: Step, first_pids: dict[str, int]) -> None:
        pids = self.fleet.pids()
        for member in self.layout.select(step.target):
            if pids.get(member.instance) != first_pids.get(member.instance):
                continue
            try:
                if step.fault is None:
                    self.fleet.crash(member.instance)
                else:
                    self.fleet.inject(member.instance, step.fault)
            except ChannelError as problem:
                _log.warning("%s: %s", member.instance, problem)

    async def answer(self, message: Message) -> Message:
        """Carry out one command of the control socket and say what runs afterwards."""
        verb, name = str(message.get("do", "")), str(message.get("name", ""))
        try:
            if verb in self._verbs:
                await self._in_thread(lambda: self._verbs[verb](name))
            elif verb == "fault":
                fault = message.get("fault")
                parsed = parse_fault(fault if isinstance(fault, dict) else {})
                await self._in_thread(lambda: self.fleet.inject(name, parsed))
            elif verb != "status":
                known = ", ".join([*self._verbs, "fault", "status"])
                raise ValueError(f"unknown command {verb!r}; known: {known}")
        except ServerError as problem:
            raise ChannelError(str(problem)) from None
        return await self._in_thread(self._status)

    def _status(self) -> Message:
        pids = self.fleet.pids()
        members = {
            member.instance: {
                "service": member.service,
                "url": member.url,
                "pid": pids.get(member.instance),
            }
            for member in self.layout.members
        }
        return {"members": members, "notes": self.notes, "scenario": self._scenario.name}

    def _in_thread(self, work: Callable[[], _T]) -> Awaitable[_T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)
