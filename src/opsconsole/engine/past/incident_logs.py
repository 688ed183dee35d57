"""Log lines around the start of an incident, from the logs that the configuration names.

Invariant: bounded in lines and in time; the most severe lines are kept, in the order in which they
were written. A log that does not reach back that far gives no lines, which is not an error.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.secrets.patterns import redacted
from opsconsole.config.settings import Settings
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.machines.machines import Machines
from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery
from opsconsole.model.past.reported import Excerpt

BEFORE: Final = 60.0
AFTER: Final = 120.0
"""Seconds around the start."""

LINES: Final = 20
WITHIN: Final = 4.0
"""Seconds that a service's logs have to arrive."""

_POLL: Final = 0.2
_QUIET: Final = 3
"""Looks without a new line after which a log counts as fully read."""


def excerpts(
    settings: Settings, base: Path, clock: Clock, services: Sequence[str], start: float
) -> Iterator[Excerpt]:
    """The most severe lines of each of ``services`` around ``start``; services without any are left
    out."""
    machines = Machines()
    watch = LogWatch(settings, base, machines, clock)
    try:
        for service in services:
            lines = [
                line
                for line in _read(watch, service)
                if not line.notice and start - BEFORE <= line.at <= start + AFTER
            ]
            if lines:
                yield _gravest(service, lines)
    finally:
        watch.close()
        machines.close()


def _read(watch: LogWatch, service: str) -> tuple[LogLine, ...]:
    """The lines held of a service's logs once they have stopped growing."""
    pages = [LogPage(LogQuery())]
    reader = watch.open(service, pages.append)
    ends = time.monotonic() + WITHIN
    held, quiet = -1, 0
    try:
        while time.monotonic() < ends and quiet < _QUIET:
            time.sleep(_POLL)
            now = pages[-1].held
            quiet = quiet + 1 if now == held and now else 0
            held = now
    finally:
        reader.close()
    return pages[-1].lines


def _gravest(service: str, lines: Sequence[LogLine]) -> Excerpt:
    level = max((line.level for line in lines), default=LogLevel.UNKNOWN)
    least = min(level, LogLevel.WARNING)
    grave = [line for line in lines if line.level >= least]
    kept = grave[:LINES]
    clean = tuple(
        LogLine(line.source, line.number, line.at, line.level, redacted(line.text)) for line in kept
    )
    return Excerpt(service, clean, len(lines) - len(kept))
