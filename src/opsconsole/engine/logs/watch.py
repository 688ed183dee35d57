"""Which logs are followed: those being read on a screen, and those whose patterns are figures.

Invariant: a log is followed once, however many readers it has, and not at all when it has no reader
and no declared pattern. Thread-safe; no method waits for a log.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.logs import figures as log_figures
from opsconsole.engine.logs.figures import shares_of
from opsconsole.engine.logs.intake import LogIntake
from opsconsole.engine.logs.look_back import LookBack
from opsconsole.engine.logs.past import Bounds, PastReading
from opsconsole.engine.logs.ring import LogRing
from opsconsole.engine.logs.view import LogView
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.logs import LogQuery, LogReader, PageListener
from opsconsole.model.series import MetricValue
from opsconsole.sources.logs.base import LogContext, LogSource
from opsconsole.sources.logs.kinds import make

MOST: Final = 64
"""The most logs followed at once, each on its own thread."""


@dataclass(frozen=True, slots=True)
class _Log:
    intake: LogIntake
    source: LogSource | None


@dataclass(slots=True)
class _Followed:
    """The logs of one service and how many readers they have."""

    logs: tuple[_Log, ...]
    wanted: int = 0


class LogWatch:
    """The logs of the services of ``settings``; paths are relative to ``base``."""

    def __init__(self, settings: Settings, base: Path, machines: Machines, clock: Clock) -> None:
        self._settings = settings
        self._base = base
        self._machines = machines
        self._clock = clock
        self._lock = threading.Lock()
        self._followed: dict[str, _Followed] = {}
        self._counted: dict[str, _Followed] = {}
        self._closed = False

    def start(self) -> None:
        """Follow the logs whose patterns are declared."""
        for name, service in self._settings.services.items():
            if name not in self._counted and any(source.patterns for source in service.logs):
                self._counted[name] = self._want(name)

    def use(self, settings: Settings) -> None:
        """Follow what ``settings`` declare from now on; an unchanged log continues.

        A reader of a log that is no longer declared keeps it until closed.
        """
        before, self._settings = self._settings, settings
        with self._lock:
            changed = [name for name in self._followed if not self._same(name, before, settings)]
            for name in changed:
                del self._followed[name]
        for name in list(self._counted):
            service = settings.services.get(name)
            patterned = service is not None and any(each.patterns for each in service.logs)
            if name in changed or not patterned:
                self._unwant(name, self._counted.pop(name))
        self.start()

    def open(
        self,
        service: str,
        on_page: PageListener,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    ) -> LogReader:
        """Open a reader of a service's logs; a service without logs shows nothing.

        ``bounds`` are those of a query that looks back.
        """
        followed = self._want(service)
        intakes = [log.intake for log in followed.logs]

        def settle() -> None:
            for intake in intakes:
                intake.settle()

        def look_back(query: LogQuery) -> LookBack:
            if query.window is not None and query.since is None:
                query = replace(query, since=self._clock.wall() - query.window)
            return LookBack(self.past(service, query, bounds), rings)

        rings = [intake.ring for intake in intakes]
        view = LogView(
            rings,
            self._clock,
            on_page,
            lambda: self._unwant(service, followed),
            settle,
            look_back,
        )
        view.start()
        return view

    def past(self, service: str, query: LogQuery, bounds: Bounds) -> list[PastReading]:
        """Readings of what the service's logs hold beyond what is followed; not begun."""
        declared = self._settings.services.get(service)
        if declared is None:
            return []
        sources = sources_of(declared)
        readings = []
        for source, called in zip(sources, names_of(sources), strict=True):
            nowhere = LogIntake(LogRing(called), self._clock, source.format)
            made = self._made(service, declared, source, nowhere)
            ahead = self._ahead_of(service, source)
            readings.append(PastReading(called, made, source.format, query, bounds, ahead))
        return readings

    def figures(self, now: float) -> Iterator[MetricValue]:
        """The figures of the declared patterns; None while one of their logs is not read."""
        with self._lock:
            followed = list(self._followed.items())
        for name, each in followed:
            intakes = [log.intake for log in each.logs]
            shares = shares_of(self._settings.services.get(name))
            yield from log_figures.figures(name, intakes, shares, now)

    def close(self) -> None:
        """Stop following everything; never waits."""
        with self._lock:
            self._closed = True
            followed, self._followed = self._followed, {}
        for each in followed.values():
            _stop(each.logs)

    @property
    def following(self) -> int:
        """How many logs are followed."""
        with self._lock:
            return sum(len(each.logs) for each in self._followed.values())

    def _want(self, name: str) -> _Followed:
        with self._lock:
            followed = self._followed.get(name)
            if followed is None:
                followed = self._followed[name] = _Followed(self._follow(name))
            followed.wanted += 1
            return followed

    def _unwant(self, name: str, followed: _Followed) -> None:
        with self._lock:
            followed.wanted -= 1
            if followed.wanted > 0:
                return
            if self._followed.get(name) is followed:
                del self._followed[name]
        _stop(followed.logs)

    def _same(self, name: str, before: Settings, after: Settings) -> bool:
        """Whether the logs of a service are the same, and where they are."""
        if name not in before.services or name not in after.services:
            return False
        old, new = before.services[name], after.services[name]
        return (
            sources_of(old) == sources_of(new)
            and old.engine == new.engine
            and before.places == after.places
            and all(
                self._machine(before, name, log) is self._machine(after, name, log)
                for log in sources_of(new)
            )
        )

    def _machine(self, settings: Settings, service: str, log: ServiceLog) -> Machine:
        return self._machines.of(settings.host_of(service, log))

    def _follow(self, name: str) -> tuple[_Log, ...]:
        service = self._settings.services.get(name)
        if service is None or self._closed:
            return ()
        others = sum(len(each.logs) for each in self._followed.values())
        logs: list[_Log] = []
        sources = sources_of(service)
        for source, called in zip(sources, names_of(sources), strict=True):
            ring = LogRing(called)
            ahead = self._ahead_of(name, source)
            intake = LogIntake(ring, self._clock, source.format, source.patterns, ahead)
            if others + len(logs) >= MOST:
                intake.trouble(f"not followed: {MOST} logs are followed already")
                logs.append(_Log(intake, None))
                continue
            made = self._made(name, service, source, intake)
            logs.append(_Log(intake, made))
            made.start()
        return tuple(logs)

    def _ahead_of(self, service: str, source: ServiceLog) -> Callable[[], float]:
        """How far ahead the clock is that it is written by, where that is one of a host."""
        if source.kind not in {"file", "journal"}:
            return lambda: 0.0
        machine = self._machine(self._settings, service, source)
        return lambda: machine.ahead

    def _made(self, name: str, service: Service, source: ServiceLog, sink: LogIntake) -> LogSource:
        machine = self._machine(self._settings, name, source)
        engine = place_of(source, service)
        context = LogContext(
            self._base, machine, self._settings, engine, source.url or "", source.http
        )
        return make(source.kind, source.what, context, sink)


def sources_of(service: Service) -> tuple[ServiceLog, ...]:
    """The declared logs; without any, those of the service's pods, units and containers."""
    if service.logs:
        return service.logs
    pods = tuple(ServiceLog(kubernetes=each) for each in service.kubernetes)
    units = tuple(ServiceLog(journal=each) for each in service.units)
    named = [(name, service.engine) for name in service.containers]
    for instance in service.instances:
        if instance.container:
            named.append((instance.container, instance.engine or service.engine))
    of_containers = (ServiceLog(docker=name, engine=at) for name, at in dict.fromkeys(named))
    return (*pods, *units, *of_containers)


def place_of(log: ServiceLog, service: Service) -> str | None:
    """The engine or cluster that has ``log``; None for the only one, or the first that knows it."""
    if log.kubernetes is not None:
        return log.kubernetes.cluster
    return log.engine or service.engine


def names_of(sources: Sequence[ServiceLog]) -> list[str]:
    """The names of logs on the screen: the file's, the container's or the unit's name.

    Those of the same name are called after the host that they name, files otherwise after the first
    folder in which they differ.
    """
    plain = [_plain_name(source) for source in sources]
    names: list[str] = []
    for source, called in zip(sources, plain, strict=True):
        name = called
        if plain.count(called) > 1 and source.host is not None:
            name = f"{source.host}:{called}"
        elif plain.count(called) > 1 and source.kind == "file":
            files = [each for each in sources if each.kind == "file"]
            others = [each.what for each in files if _plain_name(each) == called]
            name = _differing_part(source.what, others) or called
        names.append(f"{name}#{names.count(name) + 1}" if name in names else name)
    return names


def _plain_name(source: ServiceLog) -> str:
    return Path(source.what).name if source.kind == "file" else source.what


def _differing_part(path: str, others: Sequence[str]) -> str:
    """The first part of ``path`` that is not the same in all of ``others``."""
    rows = zip(*(Path(other).parts for other in others), strict=False)
    for part, row in zip(Path(path).parts, rows, strict=False):
        if len(set(row)) > 1:
            return part
    return ""


def _stop(logs: Sequence[_Log]) -> None:
    for log in logs:
        if log.source is not None:
            log.source.close()
