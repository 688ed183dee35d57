"""Braille charts with axes, an objective's line and event marks.

Invariant: the objective's line is visible in every column, in its own role, and what is filled
above it differs from what is below by form too. The value axis starts at zero and ends at 1, 2 or 5
times a power of ten; the time axis has ticks at fixed moments; a slot in which nothing was seen is
a gap. A chart is exactly ``width`` by ``height`` cells and never raises, whatever its data.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.series import Trace
from opsconsole.render.ink.cells import BLANK, Align, Line, Role, Span, fit, width_of
from opsconsole.render.ink.figures import clock, duration
from opsconsole.render.ink.scale import nice_ceiling, time_step
from opsconsole.render.ink.spark import columns

_BASE: Final = 0x2800
_FULL: Final = 0xFF
_DOTS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille cell, by column and by row from the bottom."""

LABEL_WIDTH: Final = 6
GOAL: Final = "┄"
_STIPPLE: Final = 0x95
"""The dots of a full cell above the objective."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One trace to draw. Later curves are drawn over earlier ones; ``filled`` to the axis.

    ``dotted`` has every other column left out, so that two lines differ without colours.
    """

    trace: Trace
    role: Role
    filled: bool = False
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, shown on the axis at its time; ``label`` says what, below.

    Labels of a lower ``rank`` are placed first.
    """

    at: float
    glyph: str
    role: Role = Role.STRONG
    label: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """What a chart shows over ``window`` seconds up to ``now``.

    ``labels`` lines below the times are reserved for the labels of marks; if there are any, a faint
    line leads from each mark up through the chart.
    """

    curves: tuple[Curve, ...]
    now: float
    window: float
    objective: float | None = None
    marks: tuple[Mark, ...] = ()
    label: Callable[[float | None], str] = duration
    labels: int = 0


def chart(plot: Plot, width: int, height: int) -> list[Line]:
    """``height`` lines: the plot, the axis with the marks of events, the times, the labels."""
    rows = height - 2 - plot.labels
    cells = width - LABEL_WIDTH - 2
    if rows < 2 or cells < 8:
        return [BLANK] * max(0, height)
    series = [columns(curve.trace, cells * 2, plot.now, plot.window) for curve in plot.curves]
    top = _top(series, plot.objective)
    grid = _Grid(cells, rows)
    for curve, values in zip(plot.curves, series, strict=True):
        grid.draw(values, top, curve)
    if plot.objective is not None:
        grid.goal(_level(plot.objective, top, rows))
    if plot.labels:
        grid.guides(_column(mark.at, plot, cells) for mark in plot.marks)
    lines = [_row(grid, row, rows, top, plot) for row in range(rows)]
    return [*lines, *_axis(plot, cells), *mark_labels(plot, cells)]


def _column(at: float, plot: Plot, cells: int) -> int:
    """The cell of a moment; outside 0 to ``cells`` - 1 if it is not on the axis."""
    return math.floor((at - plot.now + plot.window) / plot.window * (cells - 1))


def _top(series: Sequence[Sequence[float | None]], objective: float | None) -> float:
    known = [value for values in series for value in values if value is not None]
    if objective is not None:
        known.append(objective * 1.05)
    return nice_ceiling(max((value for value in known if math.isfinite(value)), default=1.0))


def _level(value: float, top: float, rows: int) -> int:
    """Dots above the axis, 0 to ``rows * 4 - 1``."""
    highest = rows * 4 - 1
    if not math.isfinite(value):
        return highest
    return round(max(0.0, min(1.0, value / top)) * highest)


class _Grid:
    """Braille bits and roles of the plot's cells; row 0 is at the top."""

    def __init__(self, cells: int, rows: int) -> None:
        self.cells = cells
        self.rows = rows
        self._bits = [[0] * cells for _ in range(rows)]
        self._roles = [[Role.TEXT] * cells for _ in range(rows)]
        self._guided: frozenset[int] = frozenset()
        self._goal: int | None = None

    def draw(self, values: Sequence[float | None], top: float, curve: Curve) -> None:
        """Draw one curve; neighbouring points are joined by a vertical stroke."""
        before: int | None = None
        for x, value in enumerate(values):
            if value is None:
                before = None
                continue
            level = _level(value, top, self.rows)
            if curve.dotted and x // 2 % 2:
                before = level
                continue
            low = 0 if curve.filled else min(level, level if before is None else before)
            for y in range(low, max(level, before or 0 if not curve.filled else level) + 1):
                self._dot(x, y, curve.role)
            before = level

    def goal(self, level: int) -> None:
        """Draw a broken horizontal line over everything, and mark what is filled above it."""
        self._goal = self.rows - 1 - level // 4
        for column in range(self.cells):
            for row in range(self._goal):
                if self._bits[row][column] and self._roles[row][column] is Role.TRACE:
                    self._roles[row][column] = Role.TRACE_OVER
            self._roles[self._goal][column] = Role.OBJECTIVE
            if self._bits[self._goal][column] not in {0, _FULL}:
                self._dot(column * 2, level, Role.OBJECTIVE)
                self._dot(column * 2 + 1, level, Role.OBJECTIVE)

    def guides(self, columns: Iterable[int]) -> None:
        """Draw a faint vertical line in each column, where nothing else is drawn."""
        self._guided = frozenset(columns)

    def _dot(self, x: int, y: int, role: Role) -> None:
        column, row = x // 2, self.rows - 1 - y // 4
        if not (0 <= column < self.cells and 0 <= row < self.rows):
            return
        self._bits[row][column] |= _DOTS[x % 2][y % 4]
        self._roles[row][column] = role

    def spans(self, row: int) -> list[Span]:
        """One row as runs of equal roles; the area under a filled curve is fainter."""
        out: list[Span] = []
        for column in range(self.cells):
            bits, role = self._bits[row][column], self._roles[row][column]
            if not bits and column in self._guided and row != self._goal:
                out.append(Span("┊", Role.RULE))
                continue
            if role is Role.TRACE and bits == _FULL and self._covered(row, column):
                role = Role.TRACE_FILL
            char = self._char(row, column)
            if out and (out[-1].role is role or (char == " " and out[-1].text != "┊")):
                out[-1] = Span(out[-1].text + char, out[-1].role)
            else:
                out.append(Span(char, role))
        return out

    def _char(self, row: int, column: int) -> str:
        bits = self._bits[row][column]
        if row == self._goal and bits in {0, _FULL}:
            return GOAL
        if self._goal is not None and row < self._goal and bits == _FULL:
            return chr(_BASE + _STIPPLE)
        return chr(_BASE + bits) if bits else " "

    def _covered(self, row: int, column: int) -> bool:
        return row > 0 and self._bits[row - 1][column] != 0


def _row(grid: _Grid, row: int, rows: int, top: float, plot: Plot) -> Line:
    labelled = {0: top, rows - 1: 0.0}
    if rows >= 5:
        labelled.setdefault(rows - 1 - _level(top / 2, top, rows) // 4, top / 2)
    shown = labelled.get(row)
    label = "" if shown is None else ("0" if shown == 0 else plot.label(shown))
    tick = "┤" if label else "│"
    role = Role.MUTED
    if plot.objective is not None and row == rows - 1 - _level(plot.objective, top, rows) // 4:
        label, tick, role = plot.label(plot.objective), "┤", Role.OBJECTIVE
    text = fit(label, LABEL_WIDTH, Align.RIGHT)
    return (Span(f"{text} ", role), Span(tick, Role.RULE), *grid.spans(row))


def _axis(plot: Plot, cells: int) -> tuple[Line, Line]:
    """The axis with its ticks and the marks of events, and the times below the ticks."""
    step = time_step(plot.window, max(2, cells // 12))
    start = plot.now - plot.window
    axis, times = ["─"] * cells, [" "] * cells
    roles = [Role.RULE] * cells
    tick = math.ceil(start / step) * step
    while tick <= plot.now:
        column = int((tick - start) / plot.window * (cells - 1))
        text = clock(tick, seconds=step < 60)
        axis[column] = "┴"
        _write(times, max(0, min(column - len(text) // 2, cells - len(text))), text)
        tick += step
    for mark in plot.marks:
        column = _column(mark.at, plot, cells)
        if 0 <= column < cells:
            axis[column], roles[column] = mark.glyph, mark.role
    spans = [Span(" " * (LABEL_WIDTH + 1), Role.MUTED), Span("└", Role.RULE)]
    for char, role in zip(axis, roles, strict=True):
        if spans[-1].role is role:
            spans[-1] = Span(spans[-1].text + char, role)
        else:
            spans.append(Span(char, role))
    margin = " " * (LABEL_WIDTH + 2)
    return tuple(spans), (Span(margin + "".join(times), Role.MUTED),)


def _write(chars: list[str], column: int, text: str) -> None:
    """Put ``text`` at ``column`` if it fits whole and touches nothing."""
    end = column + len(text)
    if column < 0 or end > len(chars):
        return
    if any(char != " " for char in chars[max(0, column - 1) : end + 1]):
        return
    chars[column:end] = text


def mark_labels(plot: Plot, cells: int) -> list[Line]:
    """The labels of the marks below their glyphs, by rank and the latest first.

    The same of one moment is labelled once, with how often. A label that would touch another moves
    one line down; if no line has room it is left out, and a line with room counts those left out.
    """
    rows = [_LabelRow(cells) for _ in range(plot.labels)]
    alike: dict[tuple[int, str, str], list[Mark]] = {}
    for mark in sorted(plot.marks, key=lambda each: (each.rank, -each.at)):
        column = _column(mark.at, plot, cells)
        if mark.label and 0 <= column < cells:
            alike.setdefault((column, mark.glyph, mark.label), []).append(mark)
    left_out = 0
    for (column, glyph, label), marks in alike.items():
        times = f" ×{len(marks)}" if len(marks) > 1 else ""
        text = f"{glyph} {label}{times}"
        left_out += not any(row.put(column, text, marks[0].role) for row in rows)
    if left_out:
        more = f"+{left_out} more"
        places = [(row, column) for row in reversed(rows) for column in (row.end + 2, 0)]
        any(row.put(column, more, Role.FAINT) for row, column in places)
    return [row.line() for row in rows]


class _LabelRow:
    """One line of labels."""

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._taken: list[tuple[int, str, Role]] = []

    @property
    def end(self) -> int:
        """The cell after the last label."""
        return max((start + width_of(text) for start, text, _ in self._taken), default=0)

    def put(self, column: int, text: str, role: Role) -> bool:
        """Place a label below ``column``, or ending there at the right end; False for no room."""
        size = width_of(text)
        start = column if column + size <= self._cells else max(0, column + 1 - size)
        if start + size > self._cells:
            return False
        for at, other, _ in self._taken:
            if start < at + width_of(other) + 1 and at < start + size + 1:
                return False
        self._taken.append((start, text, role))
        return True

    def line(self) -> Line:
        """The labels in their order."""
        spans = [Span(" " * (LABEL_WIDTH + 2))]
        used = 0
        for start, text, role in sorted(self._taken):
            spans += [Span(" " * (start - used)), Span(text, role)]
            used = start + width_of(text)
        return tuple(spans)
