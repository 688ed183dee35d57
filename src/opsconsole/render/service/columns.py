"""The columns of the services table by the width there is, and their cells.

Invariant: the state, the name and why stand at every width, and why is never narrower on a wider
screen; figures give way to it. Widths do not depend on the data, except for the longest name. A
figure of what does not answer any more is marked as old.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    Align,
    Cell,
    Line,
    Role,
    Span,
    fit,
    line_width,
    state_role,
    width_of,
)
from opsconsole.render.ink.cuts import cut_name
from opsconsole.render.ink.matching import NOTHING, Filter, marked
from opsconsole.render.ink.spark import latency_spark
from opsconsole.render.service.standing import Standing, standing
from opsconsole.render.service.table import Sort
from opsconsole.render.service.why import silenced, why_beside

_NAMES: Final = (12, 28)
"""The least and the most cells of a name, if why has what it needs."""
_ENOUGH: Final = 60
"""Cells of why from which on further figures come before more of it."""
_TREND: Final = 9
_MARGIN_FROM: Final = 100


@dataclass(frozen=True, slots=True)
class Context:
    """What cells need besides the service: the time, the window of history, firing alerts.

    ``activities`` are operations and degradations by the service's name. What is ``looked_for`` is
    marked.
    """

    now: float
    window: float
    alerts: Mapping[str, int]
    activities: Mapping[str, str] = field(default_factory=dict)
    looked_for: Filter = NOTHING


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its width in cells, and its cell for a service."""

    id: str
    title: str
    width: int
    cell: Callable[[ServiceView, Context, int], Cell]
    align: Align = Align.LEFT
    sort: Sort | None = None
    gap: int = 1
    """Blank cells before it."""


def columns_for(
    width: int, longest: int = 20, window: float = 900.0, chosen: Sequence[str] = ()
) -> tuple[Column, ...]:
    """The columns that fit ``width`` cells; what is left over goes to the trend or the name.

    ``longest`` is the length of the longest service name. ``window`` is what the trend spans, in
    seconds. Figures that are ``chosen`` take the place of the usual ones, in their order.
    """
    inner = width - 1 if width >= _MARGIN_FROM else width
    wanted = max(_NAMES[0], min(longest, _NAMES[1]))
    room = inner - _used((_state(), _age(), _copies(), _service(0), _why(0)))
    name = min(wanted, room - _least_why(width))
    nine = _used((_p95(), _errors(), _requests(), _trend(_TREND, window)))
    why = max(_least_why(width), min(_ENOUGH, room - name - nine))
    left = room - name - why
    shown: list[Column] = []
    for column in _figures(window, beyond=why >= _ENOUGH, chosen=chosen):
        if column.width + 1 > left:
            break
        shown.append(column)
        left -= column.width + 1
    trend = any(column.id == "spark" for column in shown)
    if trend:
        shown = [_trend(_TREND + left, window) if each.id == "spark" else each for each in shown]
    places = chosen or _PLACES
    shown.sort(key=lambda column: places.index(column.id))
    first = (_state(), _service(name if trend else name + left), _age(), _copies())
    return (*first, _why(why), *shown)


_PLACES: Final = (
    "p50", "p95", "p99", "spark", "errors", "requests", "cpu", "memory", "version", "alerts",
)  # fmt: skip


CHOOSABLE: Final = _PLACES
"""The figures that may be chosen, by their ids."""


def _figures(window: float, *, beyond: bool, chosen: Sequence[str]) -> tuple[Column, ...]:
    """The figures in the order in which they come as a screen grows."""
    nine = (_p95(), _errors(), _requests(), _trend(_TREND, window))
    more = (_version(), _cpu(), _memory(), _p50(), _p99(), _alerts())
    if chosen:
        known = {each.id: each for each in (*nine, *more)}
        return tuple(known[each] for each in chosen)
    return (*nine, *more) if beyond else nine


def _least_why(width: int) -> int:
    """The cells that why has at ``width``, whatever else would be shown."""
    for start, least, cells in ((150, 60, 5), (120, 45, 2), (80, 40, 8)):
        if width >= start:
            return least + (width - start) // cells
    return width - 40


def _used(columns: Iterable[Column]) -> int:
    return sum(column.width + column.gap for column in columns)


def header(columns: Iterable[Column], sort: Sort) -> Line:
    """The headings; the sort column is marked."""
    spans: list[Span] = []
    for column in columns:
        marked = column.sort is sort
        title = f"{column.title}▾" if marked else column.title
        role = Role.ACCENT if marked else Role.HEADER
        spans += [Span(" " * column.gap), Span(fit(title, column.width, column.align), role)]
    return tuple(spans)


def column_at(columns: Iterable[Column], x: int) -> Column | None:
    """The column at the cell ``x``, the blank before it included; None beyond the last."""
    end = 0
    for column in columns:
        end += column.gap + column.width
        if x < end:
            return column
    return None


def row(service: ServiceView, columns: Iterable[Column], context: Context) -> Line:
    """One service as a line."""
    spans: list[Span] = []
    for column in columns:
        cell = column.cell(service, context, column.width)
        spans.append(Span(" " * column.gap))
        if cell.spans:
            spans += cell.spans
        else:
            spans.append(Span(fit(cell.text, column.width, cell.align), cell.role))
    return tuple(spans)


# ---- cells ----


def silent(service: ServiceView) -> bool:
    """Whether its figures are of earlier: it is not read, or none of its instances answers."""
    looked = [each for each in service.instances if each.taken_at is not None]
    return service.stale or (bool(looked) and all(each.fault is not None for each in looked))


def _figure_cell(service: ServiceView, text: str, width: int) -> Cell:
    if not text or text == figures.UNKNOWN:
        return Cell(text, Role.FAINT, Align.RIGHT)
    if not silent(service):
        return Cell(text, Role.TEXT, Align.RIGHT)
    old = f"~{text}"
    return Cell(old if width_of(old) <= width else text, Role.STALE, Align.RIGHT)


def _right(
    id: str,  # noqa: A002  # the column's own word
    title: str,
    width: int,
    text: Callable[[ServiceView], str],
    sort: Sort | None = None,
) -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        return _figure_cell(service, text(service), width)

    return Column(id, title, width, cell, Align.RIGHT, sort)


def _state() -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        stands = standing(service)
        return Cell(f"{stands.glyph} {stands}"[:width], stands.role)

    return Column("state", "state", 10, cell, sort=Sort.STATE)


def _age() -> Column:
    def cell(service: ServiceView, context: Context, _width: int) -> Cell:
        calm = standing(service) is Standing.OK
        since = figures.coarse_age(context.now - service.since)
        return Cell(since, Role.MUTED if calm else Role.TEXT, Align.RIGHT)

    return Column("for", "for", 4, cell, Align.RIGHT)


def _padded(line: Line, width: int) -> Line:
    return (*line, Span(" " * (width - line_width(line))))


def _service(width: int) -> Column:
    def cell(service: ServiceView, context: Context, width: int) -> Cell:
        role = Role.TEXT if standing(service) is Standing.OK else Role.STRONG
        name = cut_name(service.name, width)
        if context.looked_for is NOTHING:
            return Cell(name, role)
        return Cell("", spans=_padded(marked(name, role, context.looked_for), width))

    return Column("service", "service", width, cell, sort=Sort.NAME)


def _copies() -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        if not service.instances:
            return Cell(figures.UNKNOWN, Role.FAINT, Align.RIGHT)
        total, well = len(service.instances), service.ok_instances
        text = fit(f"{'?' if service.stale else well}/{total}", width, Align.RIGHT)
        if service.stale:
            return Cell(text, Role.STALE)
        return Cell(text, Role.MUTED if well == total else state_role(service.state))

    return Column("copies", "copies", 6, cell, Align.RIGHT)


def _p50() -> Column:
    return _right("p50", "p50", 6, lambda service: figures.duration(service.latency.p50))


def _p95() -> Column:
    def text(service: ServiceView) -> str:
        return figures.duration(service.latency.p95)

    return _right("p95", "p95", 6, text, Sort.LATENCY)


def _p99() -> Column:
    return _right("p99", "p99", 6, lambda service: figures.duration(service.latency.p99))


def _trend(width: int, window: float) -> Column:
    def cell(service: ServiceView, context: Context, width: int) -> Cell:
        trace = service.latency.trace
        if trace is None:
            return Cell("·" * width, Role.FAINT)
        text = latency_spark(trace, width, context.now, context.window)
        old = service.state is State.OK or silent(service)
        return Cell(text, Role.FAINT if old else Role.TRACE)

    return Column("spark", figures.span(window), width, cell)


def _errors() -> Column:
    def text(service: ServiceView) -> str:
        share = service.error_rate
        return "" if share is not None and share < 0.0005 else figures.percent(share, 1)

    return _right("errors", "err", 5, text, Sort.ERRORS)


def _requests() -> Column:
    def text(service: ServiceView) -> str:
        return figures.rate(service.request_rate)

    return _right("requests", "req/s", 6, text, Sort.REQUESTS)


def _cpu() -> Column:
    def text(service: ServiceView) -> str:
        by = service.reporting
        return _at_least(figures.percent(service.cpu), by is not None and by.cpu < by.running)

    return _right("cpu", "cpu", 5, text, Sort.CPU)


def _memory() -> Column:
    def text(service: ServiceView) -> str:
        by = service.reporting
        return _at_least(figures.size(service.memory), by is not None and by.memory < by.running)

    return _right("memory", "mem", 5, text)


def _at_least(figure: str, partial: bool) -> str:
    """A sum to which not all copies reported."""
    return f"≥{figure}" if partial and figure else figure


def _version() -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        return Cell(cut_name(service.version, width), Role.MUTED)

    return Column("version", "version", 9, cell)


def _alerts() -> Column:
    def cell(service: ServiceView, context: Context, _width: int) -> Cell:
        count, quiet = context.alerts.get(service.name, 0), silenced(service)
        said = f"{count or ''} ({quiet})".strip() if quiet else str(count or "")
        return Cell(said, Role.STRONG if count else Role.MUTED, Align.RIGHT)

    return Column("alerts", "alerts", 6, cell, Align.RIGHT, Sort.ALERTS)


def _why(width: int) -> Column:
    def cell(service: ServiceView, context: Context, width: int) -> Cell:
        role = Role.MUTED if standing(service) is Standing.OK else Role.TEXT
        said = why_beside(service, context.activities.get(service.name), width, role)
        if context.looked_for is not NOTHING and context.looked_for.place(service.name) is None:
            said = (*marked(said[0].text, role, context.looked_for), *said[1:])
        return Cell("", spans=_padded(said, width))

    return Column("why", "why", width, cell, gap=2)
