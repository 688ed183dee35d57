"""Charts of an incident as lines of text, so that one file holds all of it.

Charts begin where the recording does, if that is later than the report.

Invariant: every line of a chart spans the same time in the same columns; a column without recorded
values is a gap. Each line names its scale, because scales differ between lines.
"""

import math
from collections.abc import Callable, Container, Sequence
from itertools import pairwise
from typing import Final

from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.past.recording import ServiceFigures
from opsconsole.model.past.reported import Reported
from opsconsole.model.series import ERRORS_OVER, PROBE
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.spark import BLOCKS
from opsconsole.zones import USUAL, shown

COLUMNS: Final = 60
_LABEL: Final = 9
_STATES: Final = {State.OK: "·", State.DEGRADED: "▲", State.DOWN: "✖", State.UNKNOWN: "?"}
_MARKS: Final = {
    EventKind.IMAGE: "I",
    EventKind.VERSION: "V",
    EventKind.CONFIGURATION: "C",
    EventKind.OPERATION: "O",
    EventKind.RESTART: "R",
    EventKind.ALERT: "A",
    EventKind.NOTE: "N",
}
_LEGEND: Final = {
    "I": "image", "V": "version", "C": "configuration", "O": "operation", "R": "restart",
    "M": "out of memory", "D": "container ended", "A": "alert", "N": "note",
}  # fmt: skip
_RANK: Final = "NARDMOCVI"
"""Which mark is shown if several share a column; the last one here wins."""

Read = Callable[[ServiceFigures], float | None]


def chart(incident: Reported, service: str) -> list[str]:
    """The chart of one service; empty if none of its figures were recorded."""
    points = [
        (each.at, each.services[service]) for each in incident.figures if service in each.services
    ]
    if not points:
        return []
    at = _Axis(max(incident.since, points[0][0]), incident.until)
    worst = _columns(points, at, lambda each: float(each.state.urgency))
    by_urgency = {float(state.urgency): glyph for state, glyph in _STATES.items()}
    lines = [_line("state", "".join(" " if v is None else by_urgency[v] for v in worst), "")]
    lines += _measured(points, at, incident.memory_limits.get(service))
    marks, legend = _marks(incident.events, service, at)
    lines.append(_line("events", marks, legend))
    return [*lines, _line("", _times(at), "UTC" if shown() == USUAL else shown())]


class _Axis:
    """Columns of equal time from ``since`` to ``until``."""

    def __init__(self, since: float, until: float) -> None:
        self.since = since
        self.step = max(1e-6, (until - since) / COLUMNS)

    def column(self, at: float) -> int | None:
        """The column of a moment; None outside."""
        found = math.floor((at - self.since) / self.step)
        return min(found, COLUMNS - 1) if 0 <= found <= COLUMNS else None


def _measured(
    points: Sequence[tuple[float, ServiceFigures]], at: _Axis, limit: int | None
) -> list[str]:
    """One line for each figure that was recorded.

    A latency that was measured another way than the last one is none of its line.
    """
    origin = points[-1][1].origin if points else ""

    def latency(top: float) -> str:
        whose = "of the probes" if origin == PROBE else f"p95({origin})"
        return f"{figures.duration(top)} {whose}"

    reads: tuple[tuple[str, Read, Callable[[float], str], float | None], ...] = (
        ("latency", lambda each: each.p95 if each.origin == origin else None, latency, None),
        ("errors", lambda each: each.error_rate, _failed_looks, None),
        ("requests", lambda each: each.request_rate, lambda top: f"{figures.rate(top)}/s", None),
        ("cpu", lambda each: each.cpu, figures.percent, None),
        ("memory", lambda each: each.memory, figures.size, limit),
    )
    lines: list[str] = []
    for label, read, show, top in reads:
        values = _columns(points, at, read)
        known = [value for value in values if value is not None]
        if not known or not max(known):
            continue
        scale = top or max(known)
        peak = f"0 to {show(scale)}" + (" (the limit)" if top else "")
        peak += f", at most {show(max(known))}" if top else ""
        lines.append(_line(label, "".join(_block(value, scale) for value in values), peak))
    return lines


def _failed_looks(top: float) -> str:
    return f"{figures.percent(top, 1)} of the looks of {round(ERRORS_OVER / 60)} min"


def _columns(
    points: Sequence[tuple[float, ServiceFigures]], at: _Axis, read: Read
) -> list[float | None]:
    """The greatest value in each column, carried over columns between two recorded moments."""
    found: list[float | None] = [None] * COLUMNS
    unknown = set[int]()
    for moment, each in points:
        column, value = at.column(moment), read(each)
        if column is None:
            continue
        if value is None or not math.isfinite(value):
            unknown.add(column)
            continue
        before = found[column]
        found[column] = value if before is None else max(before, value)
    return _carried(found, unknown, points, at)


def _carried(
    found: list[float | None],
    unknown: Container[int],
    points: Sequence[tuple[float, ServiceFigures]],
    at: _Axis,
) -> list[float | None]:
    """A recording stores changes: between two close moments the earlier value holds."""
    gaps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(points))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    reach = max(1, math.ceil(4 * usual / at.step))
    out = list(found)
    for column, value in enumerate(found):
        if value is None:
            continue
        for ahead in range(column + 1, min(column + reach, COLUMNS)):
            if found[ahead] is not None or ahead in unknown:
                break
            out[ahead] = value
    return out


def _marks(events: Sequence[Event], service: str, at: _Axis) -> tuple[str, str]:
    """The service's events as letters on the axis, and what the letters mean."""
    marks = [" "] * COLUMNS
    for event in events:
        column, mark = at.column(event.at), _mark(event)
        if not mark or column is None or event.service not in {service, ""}:
            continue
        if marks[column] == " " or _RANK.index(mark) > _RANK.index(marks[column]):
            marks[column] = mark
    used = [f"{mark} {_LEGEND[mark]}" for mark in _LEGEND if mark in marks]
    return "".join(marks), ", ".join(used)


def _mark(event: Event) -> str:
    if event.memory or event.code is EventCode.OUT_OF_MEMORY:
        return "M"
    if event.kind is EventKind.CONTAINER:
        return "D" if event.code is EventCode.ENDED else ""
    return _MARKS.get(event.kind, "")


def _times(at: _Axis) -> str:
    """The time of day at each quarter of the axis."""
    text = ""
    for column in range(0, COLUMNS, COLUMNS // 4):
        text = text.ljust(column) + "╵" + figures.clock(at.since + column * at.step)
    return text.ljust(COLUMNS)


def _block(value: float | None, scale: float) -> str:
    if value is None:
        return " "
    share = max(0.0, min(value / scale, 0.9999)) if scale else 0.0
    return BLOCKS[int(share * len(BLOCKS))]


def _line(label: str, cells: str, note: str) -> str:
    return f"{label:<{_LABEL}}{cells}  {note}".rstrip()
