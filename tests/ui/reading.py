"""What is read of a service besides its health: pages and logs, as the engine gives them."""

from __future__ import annotations

import json
from dataclasses import replace

from opsconsole.engine.desks.page_changes import marked
from opsconsole.engine.logs.query import answer
from opsconsole.model.asked.pages import PageView
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery, LogStatus
from opsconsole.sources.page import read_page
from tests.ui.fleet import NOW

BEFORE = {
    "requests": 118_204,
    "cache": {"hit_rate": 0.91, "entries": 4096, "evicted": 12},
    "models": ["small-v3", "large-v1"],
    "ready": True,
}
AFTER = {
    "requests": 118_911,
    "cache": {"hit_rate": 0.42, "entries": 4096},
    "models": ["small-v3", "large-v2"],
    "ready": True,
    "note": "the index is being built again, which takes until the next full hour at most; " * 2,
}


def pages(*, fire: bool) -> tuple[PageView, ...]:
    """Statistics of two copies and a page of advice; on fire one copy does not answer."""
    before, after = (
        read_page(json.dumps(each).encode(), 200, "application/json", 0.012)
        for each in (BEFORE, AFTER)
    )
    compared = replace(after, entries=marked(before.entries, after.entries))
    advice = read_page(b'{"recommendations": []}', 200, "application/json", 0.004)
    url = "http://10.0.0.{}:8000/stats"
    stats = PageView("stats", "ai-service-1", url.format(1), NOW - 2, compared, NOW - 2, NOW - 42)
    fault = Fault(FaultKind.CONNECT, "connection refused", "is the process running?")
    second = replace(stats, instance="ai-service-2", url=url.format(2))
    if fire:
        second = replace(second, taken_at=NOW - 203, fault=fault)
    return (
        stats,
        second,
        PageView("scaling", "", "http://10.0.0.9/advice", NOW - 2, advice, NOW - 2),
    )


_SAID = (
    (LogLevel.INFO, "GET /search 200 in 42 ms"),
    (LogLevel.DEBUG, "cache hit ai:1f2e"),
    (LogLevel.INFO, "Calling tool search_index"),
    (LogLevel.WARNING, "elasticsearch answered late: 1.9 s"),
    (LogLevel.ERROR, "search failed: cluster red\nTraceback (most recent call last):\n  in index"),
)


def log_lines(count: int = 400) -> list[LogLine]:
    """Lines of two sources, one every second until now."""
    out = []
    for number in range(count):
        level, text = _SAID[number % len(_SAID)]
        source = f"ai-service-{1 + number % 2}"
        out.append(LogLine(source, number, NOW - count + number, level, text))
    return out


def answer_logs(query: LogQuery) -> LogPage:
    """The page of ``query``, as the engine works it out."""
    lines = log_lines()
    names = sorted({line.source for line in lines})
    held = [[line for line in lines if line.source == name] for name in names]
    told = tuple(LogStatus(name, seen=200, held=200, lag=0.2) for name in names)
    return answer(query, held, told, now=NOW)
