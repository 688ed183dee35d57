"""Answers a query from the whole buffer: merges by time, selects, keeps context.

Invariant: pure. A line in the buffer that the query selects is on the page, unless time ran out,
which the page says; within one source lines keep the order in which they were written, whatever
their timestamps.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery, LogStatus

BUDGET: Final = 1.0
"""Seconds that one page may take to filter."""


def merge(logs: Iterable[Sequence[LogLine]]) -> list[LogLine]:
    """All lines by time; a line whose clock went back follows the previous line of its source."""
    placed: list[tuple[float, int, int, LogLine]] = []
    for order, lines in enumerate(logs):
        latest = float("-inf")
        for line in lines:
            latest = max(latest, line.at)
            placed.append((latest, order, line.number, line))
    placed.sort(key=lambda each: each[:3])
    return [each[3] for each in placed]


def answer(
    query: LogQuery,
    logs: Sequence[Sequence[LogLine]],
    sources: tuple[LogStatus, ...] = (),
    *,
    now: float = 0.0,
    budget: float = BUDGET,
) -> LogPage:
    """The page of ``query`` at ``now`` over ``logs``, one sequence for each source."""
    lines = merge(logs)
    if query.window is not None:
        lines = [line for line in lines if line.at >= now - query.window]
    if query.since is not None:
        lines = [line for line in lines if line.at >= query.since]
    chosen, looked_at = _selected(query, lines, budget)
    if query.mark_only:
        shown = [n for n, line in enumerate(lines) if n in chosen or grave_enough(query, line)]
    else:
        shown = _with_context(sorted(chosen), len(lines), query.context)
    matches = [at for at, n in enumerate(shown) if n in chosen and not lines[n].notice]
    return LogPage(
        query,
        tuple(lines[n] for n in shown),
        tuple(matches),
        sources,
        held=len(lines),
        looked_at=looked_at,
    )


def grave_enough(query: LogQuery, line: LogLine) -> bool:
    """Whether the line's level is shown; a line without a level counts as INFO."""
    level = line.level if line.level is not LogLevel.UNKNOWN else LogLevel.INFO
    return level >= query.level


def _selected(query: LogQuery, lines: Sequence[LogLine], budget: float) -> tuple[set[int], int]:
    """Positions of the selected lines, and how many were looked at, the latest first."""
    chosen: set[int] = set()
    looked = _Stopwatch(budget)
    count = 0
    for position in range(len(lines) - 1, -1, -1):
        if looked.over:
            break
        count += 1
        line = lines[position]
        if is_chosen(query, line):
            chosen.add(position)
    return chosen, count


def is_chosen(query: LogQuery, line: LogLine) -> bool:
    """Whether the query selects ``line``.

    The console's own lines belong to a page that shows all, not to one that selects.
    """
    if line.notice:
        return query.pattern is None
    return grave_enough(query, line) and query.selects(line)


def _with_context(chosen: Sequence[int], count: int, context: int) -> list[int]:
    """The chosen positions and those around them, each once, in order."""
    return list(_around(chosen, count, context)) if context else list(chosen)


def _around(chosen: Sequence[int], count: int, context: int) -> Iterator[int]:
    after = 0
    for position in chosen:
        start = max(after, position - context)
        after = min(count, position + context + 1)
        yield from range(start, after)


@dataclass(slots=True)
class _Stopwatch:
    budget: float
    _began: float = 0.0

    def __post_init__(self) -> None:
        self._began = time.monotonic()

    @property
    def over(self) -> bool:
        return time.monotonic() - self._began > self.budget
