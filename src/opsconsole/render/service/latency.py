"""The latency of one service as a chart, with its objective and marks of events.

Invariant: pure; a mark is at its event's time; a slot in which nothing was seen is a gap, except
the slot being filled, for which the axis waits.
"""

import math
from collections.abc import Iterator
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.series import Latency, Trace
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, state_role
from opsconsole.render.ink.chart import Curve, Mark, Plot, chart
from opsconsole.render.ink.figures import span
from opsconsole.render.timeline.words import words

BEGAN: Final = "▶"
"""Marks the start of the alert from which the chart was opened."""

PATIENCE: Final = 2
"""Number of empty slots that the axis waits for; more than that are shown as a gap."""

_CHANGES: Final = frozenset(
    {EventKind.CONTAINER, EventKind.IMAGE, EventKind.RESTART, EventKind.VERSION}
)
"""Kinds of events that may be causes; labelled before effects."""

_LABEL: Final = 16
_SAME: Final = 60.0
"""Seconds within which an alert's start and its event count as one."""


def latency_objective(service: ServiceView) -> float | None:
    """The target in seconds of the first objective about latency."""
    return next((item.target for item in service.objectives if item.unit == "s"), None)


def latency_chart(
    service: ServiceView, snapshot: Snapshot, width: int, height: int, now: float, window: float,
    *, full: bool = False, began: Alert | None = None,
) -> list[Line]:  # fmt: skip
    """p95 alone as an area, or with ``full`` p50, p95 and p99 as lines with labelled marks.

    ``began`` is an alert whose start is marked on top of everything else.
    """
    curves = _curves(service.latency, full=full)
    if not curves:
        return [BLANK, (Span("  no latency was measured in this window", Role.MUTED),)]
    shown = marks(service, snapshot)
    if began is not None:
        shown = (*shown, Mark(began.since, BEGAN, Role.DOWN, began.name, -1))
    end = axis_end([curve.trace for curve in curves], now, window)
    labels = (3 if height >= 16 else 2 if height >= 12 else 0) if full else 0
    plot = Plot(curves, end, window, latency_objective(service), shown, labels=labels)
    return chart(plot, width, height)


def axis_end(traces: list[Trace], now: float, window: float) -> float:
    """The end of the axis: the slot being filled, once it has a figure.

    It moves by whole slots, because nothing changes between them.
    """
    slot = min(window / 6, max(trace.step for trace in traces))
    end = math.ceil(now / slot) * slot
    latest = max((_end_of_known(trace) for trace in traces), default=-math.inf)
    return latest if end - PATIENCE * slot <= latest < end else end


def _end_of_known(trace: Trace) -> float:
    """The end of the last slot with a figure."""
    for index in range(len(trace.values) - 1, -1, -1):
        if trace.values[index] is not None:
            return trace.start + trace.step * (index + 1)
    return -math.inf


def _curves(latency: Latency, *, full: bool) -> tuple[Curve, ...]:
    out: list[Curve] = []
    if full and latency.trace_p99:
        out.append(Curve(latency.trace_p99, Role.TRACE_HIGH, dotted=True))
    if latency.trace:
        out.append(Curve(latency.trace, Role.TRACE, filled=not full))
    if full and latency.trace_p50:
        out.append(Curve(latency.trace_p50, Role.TRACE_LOW))
    return tuple(out)


def marks(service: ServiceView, snapshot: Snapshot) -> tuple[Mark, ...]:
    """The service's events for the time axis, oldest first."""
    found = [*_events(service, snapshot), *_alerts(service, snapshot)]
    found += _operations(service, snapshot)
    return tuple(sorted(found, key=lambda mark: mark.at))


def _events(service: ServiceView, snapshot: Snapshot) -> Iterator[Mark]:
    known = {run.id for run in snapshot.operations}
    for event in snapshot.events:
        if event.service != service.name:
            continue
        if event.kind is EventKind.OPERATION and known:
            continue
        if event.kind is EventKind.ALERT and _is_shown(event, snapshot):
            continue
        glyph = event.state.glyph if event.state else event.kind.glyph
        role = state_role(event.state) if event.state else Role.ACCENT
        rank = 0 if event.kind in _CHANGES else 2
        yield Mark(event.at, glyph, role, label_of(event), rank)


def _is_shown(event: Event, snapshot: Snapshot) -> bool:
    """Whether the event's alert has its own mark."""
    return any(
        alert.name == event.subject and abs(alert.since - event.at) < _SAME
        for alert in snapshot.alerts
    )


def _alerts(service: ServiceView, snapshot: Snapshot) -> Iterator[Mark]:
    for alert in snapshot.alerts:
        if alert.service == service.name and alert.state is AlertState.FIRING:
            yield Mark(alert.since, EventKind.ALERT.glyph, Role.DOWN, alert.name, 1)


def _operations(service: ServiceView, snapshot: Snapshot) -> Iterator[Mark]:
    for run in snapshot.operations:
        if run.service == service.name:
            yield Mark(run.started_at, EventKind.OPERATION.glyph, Role.ACCENT, run.kind.value)


def label_of(event: Event) -> str:
    """A word or two for the axis."""
    if event.kind in (EventKind.IMAGE, EventKind.VERSION):
        return clip(event.after or event.kind.value, _LABEL)
    if event.kind is EventKind.HEALTH:
        return event.after or event.kind.value
    if event.memory or event.code is EventCode.OUT_OF_MEMORY:
        return "OOM"
    if event.kind is EventKind.ALERT:
        return clip(event.subject or words(event), _LABEL)
    if event.kind is EventKind.RESTART:
        return "restart"
    return clip(words(event).partition(",")[0].partition(":")[0], _LABEL)


def began_line(alert: Alert | None, width: int, now: float) -> Line:
    """The start of the alert marked in the chart; blank if none is."""
    if alert is None:
        return BLANK
    ago = figures.lasting(now - alert.since, at_least=alert.at_least)
    moment = f"{figures.zoned(alert.since)}, {ago} ago"
    text = clip(f" {alert.name} began at {moment}", max(0, width - 4))
    return (Span(f"  {BEGAN}", Role.DOWN), Span(text, Role.STRONG))


def latency_legend(latency: Latency, window: float, target: float | None = None) -> Line:
    """The legend: the curves with their present figures, and the objective's line."""
    goal = (
        (Span("  ┄ ", Role.OBJECTIVE), Span(f"objective {figures.duration(target)}", Role.TEXT))
        if target is not None
        else ()
    )
    return (
        Span("  ─ p50 ", Role.TRACE_LOW), Span(f"{figures.duration(latency.p50):<6}"),
        Span("  ━ p95 ", Role.TRACE), Span(f"{figures.duration(latency.p95):<6}"),
        Span("  ┅ p99 ", Role.TRACE_HIGH), Span(f"{figures.duration(latency.p99):<6}"),
        *goal,
        Span(f"  by {latency.origin}, {span(window)}", Role.MUTED),
    )  # fmt: skip
