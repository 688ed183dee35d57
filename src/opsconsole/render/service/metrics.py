"""The figures of one service: its declared metrics, its objectives, and what is known of any.

Invariant: pure; an unknown figure is a dash; one whose latest sample is old
looks stale. A trend has its own scale, from zero to the figure written after it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.model.running.workloads import Replica
from opsconsole.model.series import PROBE, MetricValue
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Align, Line, Role, Span, clip_line, fit
from opsconsole.render.ink.spark import columns, share_spark
from opsconsole.render.objectives import objectives

_NAME: Final = 33
"""Width of a metric's name, so that its figure lines up with those of the objectives."""

PARTS: Final = 12
"""The most instances listed for a metric."""

_HOW_TO: Final = (
    "   none are declared. A metric is a name for what /metrics or Prometheus has:",
    "     metrics: {requests: {counter: http_requests_total}}",
)


def metrics(
    service: ServiceView, copies: Sequence[Replica], width: int, now: float, window: float
) -> list[Line]:
    """Every metric, the objectives, then what is known of any service."""
    lines: list[Line] = [(Span(" metrics", Role.HEADER),)]
    for metric in service.metrics:
        lines += _metric(metric, width, now, window)
    if not service.metrics:
        lines += [(Span(text, Role.MUTED),) for text in _HOW_TO]
    lines += [BLANK, *objectives(service, width), BLANK]
    known = [
        line for each in _of_any(service, copies, now) for line in _metric(each, width, now, window)
    ]
    return [*lines, (Span(" of every service", Role.HEADER),), *known] if known else lines


def _of_any(service: ServiceView, copies: Sequence[Replica], now: float) -> Iterator[MetricValue]:
    """Latency, errors and use, without those that are not known."""
    latency, name = service.latency, service.name
    looks = "of the probes" if latency.origin == PROBE else latency.origin
    limits = [each.memory_limit for each in copies]
    cpu, memory = (
        _used_by(copies, [each.cpu for each in copies]),
        _used_by(copies, [each.memory for each in copies]),
    )
    known = (
        ("p50", latency.p50, "s", latency.trace_p50, looks),
        ("p95", latency.p95, "s", latency.trace, looks),
        ("p99", latency.p99, "s", latency.trace_p99, looks),
        ("errors", _percent(service.error_rate), "%", None, "of the looks"),
        ("cpu", _percent(service.cpu), "%", None, f"of a core, {cpu}"),
        ("memory", service.memory, "B", None, f"{memory}{_limited(limits)}"),
    )
    for what, value, unit, trace, origin in known:
        if value is not None:
            yield MetricValue(name, what, value, unit, at=now, trace=trace, origin=origin)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else fraction * 100


def _used_by(copies: Sequence[Replica], reported: Sequence[float | None]) -> str:
    """Of how many copies that run it is the use, where not all of them report it."""
    running = [one for each, one in zip(copies, reported, strict=True) if each.runs]
    count, known = len(running), sum(one is not None for one in running)
    some = f"{known} of " if known < count else ""
    return f"of {some}{count} {'copy' if count == 1 else 'copies'}" if count else "of its copies"


def _limited(limits: Sequence[int | None]) -> str:
    """The limits of all of them together; nothing where one has none."""
    known = [limit for limit in limits if limit]
    return f" with {figures.size(sum(known))}" if known and len(known) == len(limits) else ""


def _metric(metric: MetricValue, width: int, now: float, window: float) -> Iterator[Line]:
    stale = metric.is_stale(now)
    name = _NAME if width >= 100 else 24
    yield clip_line(
        (
            Span(f"   {fit(metric.name, name)}", Role.STALE if stale else Role.TEXT),
            Span(
                fit(figures.number(metric.value, metric.unit), 12, Align.RIGHT),
                Role.STALE if stale else Role.STRONG,
            ),
            *_trend(metric, width, now, window),
            Span(f"  {_origin(metric, now)}", Role.STALE if stale else Role.MUTED),
        ),
        width,
    )
    if len(metric.by_instance) < 2:
        return
    parts = sorted(metric.by_instance.items())
    for instance, value in parts[:PARTS]:
        yield clip_line(
            (
                Span(f"     {fit(instance, name - 2)}", Role.MUTED),
                Span(fit(figures.number(value, metric.unit), 12, Align.RIGHT), Role.MUTED),
            ),
            width,
        )
    if len(parts) > PARTS:
        yield (Span(f"     and {len(parts) - PARTS} more", Role.MUTED),)


def _trend(metric: MetricValue, width: int, now: float, window: float) -> Line:
    """The metric over the window from zero to its highest, which is written after it."""
    scaled = width >= 100
    room = min(40, width - 84) if scaled else min(16, width - 64)
    trace = metric.trace
    if trace is None or room < 8:
        return ()
    values = columns(trace, room, now, window)
    known = [value for value in values if value is not None and math.isfinite(value)]
    top = max(known, default=0.0)
    if not known:
        return (Span("  " + "·" * room, Role.FAINT), Span(" " * (12 if scaled else 0)))
    shares = [None if value is None else value / top if top > 0 else 0.0 for value in values]
    highest = figures.number(top, metric.unit)
    scale = f" {fit(f'≤{highest}', 11)}" if scaled else ""
    return (Span(f"  {share_spark(shares, room)}", Role.TRACE), Span(scale, Role.FAINT))


def _origin(metric: MetricValue, now: float) -> str:
    return metric.origin if metric.at == now else f"{metric.origin}, {_age(metric, now)}"


def _age(metric: MetricValue, now: float) -> str:
    return "never read" if metric.at is None else f"{figures.age(now - metric.at)} ago"
