"""The services table: its columns by width, its order, and its cells.

Invariant: rows are keyed by the service's name; failing services come first unless the user sorts
otherwise; stale data never looks current. Column widths do not depend on the data.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opsconsole.model.alerts import Alert, AlertState
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.incident.causes import cause_depth
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Align, Cell, Line, Role, Span, fit, state_role
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.spark import latency_scale, latency_spark


class Sort(StrEnum):
    """What the table is sorted by; each greatest or worst first, except the name."""

    STATE = "state"
    NAME = "name"
    LATENCY = "p95"
    ERRORS = "errors"
    REQUESTS = "requests"
    CPU = "cpu"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Context:
    """What cells need besides the service: the time, the window of history, firing alerts.

    ``activities`` are operations and degradations by the service's name.
    """

    now: float
    window: float
    alerts: Mapping[str, int]
    activities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its width in cells, and its cell for a service."""

    id: str
    title: str
    width: int
    cell: Callable[[ServiceView, Context, int], Cell]
    align: Align = Align.LEFT
    sort: Sort | None = None


def columns_for(width: int, longest: int = 20) -> tuple[Column, ...]:
    """The columns that fit ``width`` cells, most informative first; the last one takes the rest.

    ``longest`` is the length of the longest service name, which no other column may cut.
    """
    name = max(12, min(longest, 28))
    if width < 72:
        chosen = [_state(), _service(min(name, width - 26)), _instances(), _p95()]
    elif width < 100:
        chosen = [_state(), _service(min(name, 22)), _instances(), _p95(), _spark(15)]
    elif width < 150:
        chosen = [_state(), _service(min(name, 24)), _instances(), _p50(), _p95(), _spark(18)]
        chosen += [_errors(), _requests(), _cpu(), _alerts()]
    else:
        chosen = [_state(), _age(), _service(name), _instances(), _p50(), _p95(), _p99()]
        chosen += [_spark(45 if width >= 180 else 22), _errors(), _requests(), _cpu(), _memory()]
        chosen += [_version(), _alerts()]
    rest = width - _used(chosen) - 1
    return (*chosen, _why(rest)) if rest >= 10 else tuple(chosen)


def _used(columns: Iterable[Column]) -> int:
    return sum(column.width + 1 for column in columns)


def header(columns: Iterable[Column], sort: Sort) -> Line:
    """The headings; the sort column is marked."""
    spans: list[Span] = []
    for column in columns:
        marked = column.sort is sort
        title = f"{column.title}▾" if marked else column.title
        role = Role.ACCENT if marked else Role.HEADER
        spans += [Span(" "), Span(fit(title, column.width, column.align), role)]
    return tuple(spans)


def row(service: ServiceView, columns: Iterable[Column], context: Context) -> Line:
    """One service as a line."""
    spans: list[Span] = []
    for column in columns:
        cell = column.cell(service, context, column.width)
        spans.append(Span(" "))
        if cell.spans:
            spans += cell.spans
        else:
            spans.append(Span(fit(cell.text, column.width, cell.align), cell.role))
    return tuple(spans)


def alert_counts(alerts: Iterable[Alert]) -> dict[str, int]:
    """Firing alerts that are not silenced, by service."""
    counts: dict[str, int] = {}
    for alert in alerts:
        if alert.state is AlertState.FIRING and not alert.quiet and alert.service:
            counts[alert.service] = counts.get(alert.service, 0) + 1
    return counts


def order(
    snapshot: Snapshot, sort: Sort, wanted: Filter, *, failing_only: bool = False
) -> list[ServiceView]:
    """The services to show, in order."""
    shown = [
        service
        for service in snapshot.services
        if not (failing_only and service.state is State.OK and not service.stale)
        and (wanted.empty or wanted.matches(search_text(service)))
    ]
    counts = alert_counts(snapshot.alerts) if sort is Sort.ALERTS else {}
    depths = cause_depth(snapshot.services) if sort is Sort.STATE else {}
    return sorted(shown, key=lambda service: _rank(service, sort, counts, depths))


def search_text(service: ServiceView) -> str:
    """The text that a filter is matched against."""
    return " ".join((service.name, service.group, shown_word(service), service.reason[:200]))


def shown_word(service: ServiceView) -> str:
    """The state's word; a stale service is called stale, never by its last state."""
    return "stale" if service.stale else service.state.value


def shown_urgency(service: ServiceView) -> int:
    """Urgency for sorting: stale counts as unknown unless a worse state was seen."""
    return max(service.state.urgency, State.UNKNOWN.urgency if service.stale else 0)


def _rank(
    service: ServiceView, sort: Sort, counts: Mapping[str, int], depths: Mapping[str, int]
) -> tuple[float, float, str]:
    if sort is Sort.NAME:
        return (0.0, 0.0, service.name)
    figure = _figure(service, sort, counts)
    if sort is Sort.STATE:
        return (-float(shown_urgency(service)), float(depths.get(service.name, 0)), service.name)
    return (1.0 if figure is None else 0.0, -(figure or 0.0), service.name)


def _figure(service: ServiceView, sort: Sort, counts: Mapping[str, int]) -> float | None:
    if sort is Sort.LATENCY:
        return service.latency.p95
    if sort is Sort.ERRORS:
        return service.error_rate
    if sort is Sort.REQUESTS:
        return service.request_rate
    if sort is Sort.CPU:
        return service.cpu
    return float(counts.get(service.name, 0))


def reason_of(service: ServiceView) -> str:
    """One line: why it is not ok, with flapping and staleness first."""
    parts = ["flapping"] if service.flapping else []
    if service.stale and service.state is not State.UNKNOWN:
        parts.append(f"last seen {service.state.value}")
    if service.reason:
        parts.append(service.reason)
    return " · ".join(parts)


# ---- cells ----


def state_cell(state: State, width: int, *, stale: bool = False) -> Cell:
    """Glyph and word; bold if it needs attention."""
    glyph, word = ("◌", "stale") if stale else (state.glyph, state.value)
    return Cell(f"{glyph} {word}"[:width], state_role(state, stale=stale))


def _figure_cell(service: ServiceView, text: str, *, strong: bool = False) -> Cell:
    if service.stale:
        return Cell(text, Role.STALE, Align.RIGHT)
    if text == figures.UNKNOWN:
        return Cell(text, Role.FAINT, Align.RIGHT)
    return Cell(text, Role.STRONG if strong else Role.TEXT, Align.RIGHT)


def _right(
    id: str,  # noqa: A002  # the column's own word
    title: str,
    width: int,
    text: Callable[[ServiceView], str],
    sort: Sort | None = None,
) -> Column:
    def cell(service: ServiceView, _context: Context, _width: int) -> Cell:
        return _figure_cell(service, text(service))

    return Column(id, title, width, cell, Align.RIGHT, sort)


def _state() -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        return state_cell(service.state, width, stale=service.stale)

    return Column("state", "state", 10, cell, sort=Sort.STATE)


def _age() -> Column:
    def cell(service: ServiceView, context: Context, _width: int) -> Cell:
        return Cell(_coarse(context.now - service.since), Role.MUTED, Align.RIGHT)

    return Column("for", "for", 4, cell, Align.RIGHT)


def _coarse(seconds: float) -> str:
    """How long it has been in its state, in one unit, so that it rarely changes."""
    for unit, limit in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= limit:
            return f"{min(999, int(seconds // limit))}{unit}"
    return "<1m"


def _service(width: int) -> Column:
    def cell(service: ServiceView, _context: Context, _width: int) -> Cell:
        calm = service.state is State.OK and not service.stale
        return Cell(service.name, Role.TEXT if calm else Role.STRONG)

    return Column("service", "service", max(8, min(width, 28)), cell, sort=Sort.NAME)


def _instances() -> Column:
    def cell(service: ServiceView, _context: Context, width: int) -> Cell:
        if not service.instances:
            return Cell(figures.UNKNOWN, Role.FAINT, Align.RIGHT)
        total, well = len(service.instances), service.ok_instances
        text = fit(f"{well}/{total}", width, Align.RIGHT)
        if service.stale:
            return Cell(text, Role.STALE)
        return Cell(text, Role.MUTED if well == total else state_role(service.state))

    return Column("instances", "inst", 5, cell, Align.RIGHT)


def _p50() -> Column:
    return _right("p50", "p50", 6, lambda service: figures.duration(service.latency.p50))


def _p95() -> Column:
    def text(service: ServiceView) -> str:
        return figures.duration(service.latency.p95)

    return _right("p95", "p95", 6, text, Sort.LATENCY)


def _p99() -> Column:
    return _right("p99", "p99", 6, lambda service: figures.duration(service.latency.p99))


def _spark(width: int) -> Column:
    def cell(service: ServiceView, context: Context, width: int) -> Cell:
        trace = service.latency.trace
        if trace is None:
            return Cell("·" * width, Role.FAINT)
        text = latency_spark(trace, width, context.now, context.window)
        calm = service.state is State.OK
        return Cell(text, Role.STALE if service.stale else Role.FAINT if calm else Role.TRACE)

    return Column("spark", latency_scale(width), width, cell)


def _errors() -> Column:
    def text(service: ServiceView) -> str:
        return figures.percent(service.error_rate, 1)

    return _right("errors", "err", 5, text, Sort.ERRORS)


def _requests() -> Column:
    def text(service: ServiceView) -> str:
        return figures.rate(service.request_rate)

    return _right("requests", "req/s", 6, text, Sort.REQUESTS)


def _cpu() -> Column:
    return _right("cpu", "cpu", 5, lambda service: figures.percent(service.cpu), Sort.CPU)


def _memory() -> Column:
    return _right("memory", "mem", 5, lambda service: figures.size(service.memory))


def _version() -> Column:
    def cell(service: ServiceView, _context: Context, _width: int) -> Cell:
        return Cell(service.version, Role.MUTED)

    return Column("version", "version", 9, cell)


def _alerts() -> Column:
    def cell(service: ServiceView, context: Context, _width: int) -> Cell:
        count = context.alerts.get(service.name, 0)
        return Cell(str(count) if count else "", Role.STRONG, Align.RIGHT)

    return Column("alerts", "alerts", 6, cell, Align.RIGHT, Sort.ALERTS)


def _why(width: int) -> Column:
    def cell(service: ServiceView, context: Context, width: int) -> Cell:
        doing = context.activities.get(service.name)
        if doing is not None:
            said = f" {doing}  {reason_of(service)}".rstrip()
            return Cell(said, Role.ACCENT)
        urgent = service.state is not State.OK or service.stale
        return Cell(f" {reason_of(service)}", Role.TEXT if urgent else Role.MUTED)

    return Column("why", " why", width, cell)
