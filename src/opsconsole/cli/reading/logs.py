"""``opsconsole logs SERVICE``: what a service logged, oldest first, as the screen shows it.

Invariant: the lines are those that the screen's own query selects, sanitised, with the times that
they bear. Exit 0 when all that was asked for was read, also where it is nothing; 3 when a log could
not be read, or not back to where it was asked for, which is said on stderr.
"""

import argparse
import json
import queue
import select
import sys
import threading
import time
from collections.abc import Iterable
from typing import Final, NoReturn

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.cli.parsing import EX_INCOMPLETE, EX_USAGE
from opsconsole.clock import SystemClock
from opsconsole.engine.logs.export import as_text
from opsconsole.engine.logs.past import Bounds
from opsconsole.engine.logs.query import answer
from opsconsole.engine.logs.watch import LogWatch, names_of, sources_of
from opsconsole.errors import OpsconsoleError
from opsconsole.machines.machines import Machines
from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery, PastEnd
from opsconsole.model.written.typed_time import TypedTimeError, moment_of
from opsconsole.model.written.units import read_duration
from opsconsole.render.logs import past_words, query_of
from opsconsole.text import sanitize

VERSION: Final = 1
_LINES: Final = 1_000
"""Lines that are printed by default."""

_MOST: Final = 200_000
_SECONDS: Final = 600.0
"""Seconds that reading the past may take."""

_QUIET: Final = 1.0
"""Seconds without a change after which the last entry is taken to be whole."""

_ENDING: Final = 3.0


def run(arguments: argparse.Namespace) -> int:
    """Print the lines; 64 if the moment is not one, 69 if there is no such service."""
    try:
        since = None if arguments.since is None else _since(arguments.since, time.time())
    except TypedTimeError as error:
        print(f"opsconsole: --since: {error}", file=sys.stderr)
        return EX_USAGE
    configuration = from_arguments(arguments)
    only = _wanted(configuration, arguments.service, arguments.instance)
    query = query_of(
        arguments.grep or "",
        context=max(0, arguments.context),
        level=LogLevel[arguments.level.upper()] if arguments.level else LogLevel.UNKNOWN,
        since=since,
        back=True,
    )
    lines = arguments.lines
    if lines is None:
        lines = _LINES if since is None else _MOST
    bounds = Bounds(max(1, lines), _SECONDS)
    enough = arguments.lines is not None
    machines = Machines()
    watch = LogWatch(configuration.settings, configuration.base, machines, SystemClock())
    printer = _Printer(only, as_json=arguments.json)
    try:
        if arguments.follow:
            _follow(watch, arguments.service, query, bounds, printer, skip=not lines)
        if not lines:
            return 0
        return _once(watch, arguments.service, query, bounds, printer, enough=enough)
    finally:
        watch.close()
        machines.close()
        _let_threads_end()


def _since(text: str, now: float) -> float:
    """A length of time before now, or a moment. Raises TypedTimeError."""
    try:
        return now - read_duration(text)
    except ValueError:
        return moment_of(text, now)


def _wanted(configuration: Configuration, service: str, instance: str | None) -> frozenset[str]:
    """The names of the logs that are asked for. Raises OpsconsoleError where there are none."""
    require_service(configuration.settings, service)
    declared = configuration.settings.services[service]
    sources = sources_of(declared)
    names = names_of(sources)
    if not sources:
        raise OpsconsoleError(
            f"{service} declares no logs and no containers", remedy="add logs: [{file: …}]"
        )
    if instance is None or instance in names:
        return frozenset(names if instance is None else (instance,))
    called = configuration.settings.instance_names(service)
    places = {
        name: {found for found in (each.container, each.unit) if found is not None}
        for name, each in zip(called, declared.instances, strict=True)
    }
    found = frozenset(
        name
        for name, source in zip(names, sources, strict=True)
        if source.what in places.get(instance, ())
    )
    if not found:
        raise OpsconsoleError(
            f"{service} has no log of {sanitize(instance, limit=100)}",
            remedy=f"its logs are: {', '.join(names)}",
        )
    return found


class _Printer:
    """Prints the lines of the logs called ``only``, each once."""

    def __init__(self, only: frozenset[str], *, as_json: bool) -> None:
        self.only = only
        self._as_json = as_json

    def print(self, lines: Iterable[LogLine]) -> None:
        """The console's own remarks go to stderr, where they are not part of the log."""
        for line in lines:
            if line.source not in self.only:
                continue
            if line.notice:
                print(f"opsconsole: {line.source}: {line.text}", file=sys.stderr)
            elif self._as_json:
                print(json.dumps(_document(line), ensure_ascii=False))
            else:
                print(as_text(line))
        sys.stdout.flush()


def _document(line: LogLine) -> dict[str, object]:
    return {
        "version": VERSION,
        "at": line.at,
        "stamped": line.stamped,
        "level": line.level.name.lower(),
        "source": line.source,
        "replica": line.replica or None,
        "text": line.text,
    }


def _once(
    watch: LogWatch,
    service: str,
    query: LogQuery,
    bounds: Bounds,
    printer: _Printer,
    *,
    enough: bool,
) -> int:
    """Print what is there; ``enough``: so many lines are all that was asked for."""
    readings = [
        reading for reading in watch.past(service, query, bounds) if reading.name in printer.only
    ]
    found = [reading.run() for reading in readings]
    page = answer(query, [each.lines for each in found], budget=_SECONDS)
    printer.print(page.lines[-bounds.lines :])
    code = 0
    for reading in readings:
        troubles = list(reading.found.troubles)
        if reading.found.end is PastEnd.SECONDS or (
            reading.found.end is PastEnd.LINES and query.since is not None and not enough
        ):
            troubles.append(past_words(reading.found.end))
        for trouble in troubles:
            code = EX_INCOMPLETE
            print(f"opsconsole: {reading.name}: {trouble}", file=sys.stderr)
    return code


def _follow(
    watch: LogWatch,
    service: str,
    query: LogQuery,
    bounds: Bounds,
    printer: _Printer,
    *,
    skip: bool,
) -> NoReturn:
    """Print what is there unless to ``skip`` it, then what comes; ends with its reader or with
    the user. Raises BrokenPipeError, as a write would, where the reader has gone."""
    pages: queue.SimpleQueue[LogPage] = queue.SimpleQueue()
    reader = watch.open(service, pages.put, bounds)
    reader.ask(query)
    following = _Following()
    troubles: set[str] = set()
    try:
        while True:
            if _nobody_reads():
                raise BrokenPipeError
            try:
                page = pages.get(timeout=_QUIET)
            except queue.Empty:
                printer.print(following.rest())
                continue
            if page.past is None or page.past.end is None:
                continue
            fresh = following.take(page)
            if skip:
                following.rest()
                fresh, skip = [], False
            printer.print(fresh)
            said = {f"{each.source}: {each.trouble}" for each in page.sources if each.trouble}
            for trouble in sorted((said | set(page.past.troubles)) - troubles):
                print(f"opsconsole: {trouble}", file=sys.stderr)
            troubles |= said | set(page.past.troubles)
    finally:
        reader.close()


class _Following:
    """Which lines of page after page are new. The last entry of a log waits until it is whole."""

    def __init__(self) -> None:
        self._printed: dict[str, int] = {}
        self._waiting: dict[str, LogLine] = {}

    def take(self, page: LogPage) -> list[LogLine]:
        """The lines of ``page`` that were not printed yet and have not just come."""
        before, self._waiting = self._waiting, {}
        for line in page.lines:
            if not line.notice:
                self._waiting[line.source] = line
        found = []
        for line in page.lines:
            last = self._waiting.get(line.source)
            if line is last and line != before.get(line.source):
                continue
            if last is not None and line is last:
                del self._waiting[line.source]
            if line.number > self._printed.get(line.source, -sys.maxsize):
                found.append(line)
        return self._note(found)

    def rest(self) -> list[LogLine]:
        """The entries that wait, once nothing has come for a while."""
        waiting, self._waiting = self._waiting, {}
        return self._note(
            [
                line
                for line in waiting.values()
                if line.number > self._printed.get(line.source, -sys.maxsize)
            ]
        )

    def _note(self, lines: list[LogLine]) -> list[LogLine]:
        for line in lines:
            self._printed[line.source] = max(
                line.number, self._printed.get(line.source, line.number)
            )
        return lines


def _let_threads_end() -> None:
    """Wait a moment for the readers: Python ends badly while one of them matches a pattern."""
    ends = time.monotonic() + _ENDING
    for thread in threading.enumerate():
        if thread.daemon and thread.name.startswith("log"):
            thread.join(max(0.0, ends - time.monotonic()))


def _nobody_reads() -> bool:
    """Whether the reader of the output has gone, which no write has shown yet."""
    try:
        output = sys.stdout.fileno()
    except OSError:
        return False
    poll = select.poll()
    poll.register(output, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
