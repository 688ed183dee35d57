"""One service in full: why it is as it is, its instances, parts, probes, figures and events.

Invariant: nothing here is fresher than what was read: every instance says when it was last
seen, and a part that is not ok is named with its own words.
"""

import math
from collections.abc import Iterable

from opsconsole.model.alerts import Alert
from opsconsole.model.health import Component, ProbeKind
from opsconsole.model.resources import Container
from opsconsole.model.series import Latency
from opsconsole.model.snapshot import InstanceView, ProbeView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render import alerts, events, figures, resources
from opsconsole.render.cells import (
    BLANK,
    Align,
    Line,
    Role,
    Span,
    clip,
    fit,
    state_role,
    width_of,
    wrap,
)
from opsconsole.render.chart import Curve, Mark, Plot, chart
from opsconsole.render.services import reason_of, shown_word
from opsconsole.render.time_axis import span

DEPTH = 12
BEGAN = "▶"
"""Marks the start of the alert that one came from."""


def headline(service: ServiceView, width: int, now: float) -> list[Line]:
    """State and its age on one line, the reason below it in as many lines as it takes."""
    glyph = "◌" if service.stale else service.state.glyph
    role = state_role(service.state, stale=service.stale)
    facts = [f"for {figures.age(now - service.since)}", f"read {_read(service, now)}"]
    if service.version:
        facts.append(f"version {service.version}")
    if service.depends_on:
        facts.append(f"needs {', '.join(service.depends_on)}")
    word = f" {glyph} {shown_word(service)} "
    while len(facts) > 1 and width_of(f"{word} {' · '.join(facts)}") > width:
        facts.pop()
    head: Line = (
        Span(word, role),
        Span(clip(f" {' · '.join(facts)}", max(0, width - 14)), Role.MUTED),
    )
    reason = reason_of(service)
    if not reason:
        return [head]
    return [head, *((Span(f"   {text}", Role.TEXT),) for text in wrap(reason, width - 4)[:3])]


def _read(service: ServiceView, now: float) -> str:
    seen = [each.taken_at for each in service.instances if each.taken_at is not None]
    return f"{figures.age(now - max(seen))} ago" if seen else "not yet"


def health(service: ServiceView, width: int, now: float) -> list[Line]:
    """Every instance with its probes and the tree of components that it reports."""
    lines = headline(service, width, now)
    for instance in service.instances:
        lines += [BLANK, *_instance(instance, width, now)]
        report = instance.report
        if report is None:
            continue
        if report.components:
            lines += _tree(report.components, width, "   ", 0)
        elif report.message:
            lines += [(Span(f"   {text}", Role.MUTED),) for text in wrap(report.message, width - 4)]
    if not service.instances:
        lines += [BLANK, (Span("   no endpoint is probed for this service", Role.MUTED),)]
    return lines


def _instance(instance: InstanceView, width: int, now: float) -> list[Line]:
    role = state_role(instance.state, stale=instance.stale)
    word = "stale" if instance.stale else instance.state.value
    seen = "never read"
    if instance.taken_at is not None:
        seen = f"{figures.age(now - instance.taken_at)} ago"
    head: list[Span] = [
        Span(f" {'◌' if instance.stale else instance.state.glyph} {word:<9}", role),
        Span(f"{instance.name}  ", Role.STRONG),
        Span(f"{instance.url}  ", Role.MUTED),
        Span(f"{figures.duration(instance.latency)}  ", Role.TEXT),
        Span(f"read {seen}", Role.MUTED),
    ]
    lines: list[Line] = [tuple(head)]
    if instance.reason or instance.fault:
        said = instance.reason or str(instance.fault)
        lines += [(Span(f"   {text}", Role.TEXT),) for text in wrap(said, width - 4)[:3]]
    if instance.fault is not None and instance.fault.hint:
        lines.append((Span(f"   {clip(instance.fault.hint, width - 4)}", Role.MUTED),))
    others = [probe for probe in instance.probes if probe.kind is not ProbeKind.HEALTH]
    if others:
        lines.append(tuple(span for probe in others for span in _probe(probe)))
    return lines


def _probe(probe: ProbeView) -> Line:
    took = figures.duration(probe.took)
    return (
        Span(f"   {probe.state.glyph} ", state_role(probe.state)),
        Span(f"{probe.kind.value} ", Role.TEXT),
        Span(f"{took}", Role.MUTED),
    )


def _tree(parts: tuple[Component, ...], width: int, indent: str, depth: int) -> list[Line]:
    lines: list[Line] = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        name = clip(part.name, 28)
        spans = [
            Span(f"{indent}{'└─' if last else '├─'} ", Role.RULE),
            Span(f"{part.state.glyph} ", state_role(part.state)),
            Span(fit(name, max(22 - depth * 3, 8)), _weight(part.state)),
            Span(f" {part.state.value:<9}", state_role(part.state)),
            Span(fit(figures.duration(part.latency), 6, Align.RIGHT), Role.MUTED),
        ]
        used = len(indent) + 3 + 2 + max(22 - depth * 3, 8) + 10 + 6
        spans.append(Span(f"  {clip(part.message, max(0, width - used - 2))}", Role.TEXT))
        lines.append(tuple(spans))
        if depth < DEPTH:
            lines += _tree(part.children, width, indent + ("   " if last else "│  "), depth + 1)
    return lines


def _weight(state: State) -> Role:
    return Role.TEXT if state is State.OK else Role.STRONG


def latency_objective(service: ServiceView) -> float | None:
    """The target in seconds of the first objective about latency."""
    for item in service.objectives:
        if item.unit == "s":
            return item.target
    return None


def latency_chart(
    service: ServiceView, snapshot: Snapshot, width: int, height: int, now: float, window: float,
    *, full: bool = False, began: Alert | None = None,
) -> list[Line]:  # fmt: skip
    """p95 alone as an area, or with ``full`` p50, p95 and p99 as lines; events marked below.

    ``began`` is an alert whose start is marked over everything else.
    """
    curves = _curves(service.latency, full=full)
    if not curves:
        return [BLANK, (Span("  no latency was measured in this window", Role.MUTED),)]
    # The axis moves by whole slots: between them there is nothing else to show.
    slot = min(window / 6, max(curve.trace.step for curve in curves))
    end = math.ceil(now / slot) * slot
    shown = marks(service, snapshot)
    if began is not None:
        shown = (*shown, Mark(began.since, BEGAN, Role.DOWN))
    plot = Plot(curves, end, window, latency_objective(service), shown)
    return chart(plot, width, height)


def _curves(latency: Latency, *, full: bool) -> tuple[Curve, ...]:
    out: list[Curve] = []
    if full and latency.trace_p99:
        out.append(Curve(latency.trace_p99, Role.TRACE_HIGH))
    if latency.trace:
        out.append(Curve(latency.trace, Role.TRACE, filled=not full))
    if full and latency.trace_p50:
        out.append(Curve(latency.trace_p50, Role.TRACE_LOW))
    return tuple(out)


def marks(service: ServiceView, snapshot: Snapshot) -> tuple[Mark, ...]:
    """Changes and flips of the service, for the time axis."""
    return tuple(
        Mark(
            event.at,
            event.state.glyph if event.state else event.kind.glyph,
            state_role(event.state) if event.state else Role.ACCENT,
        )
        for event in snapshot.events
        if event.service == service.name
    )


def began_line(alert: Alert | None, width: int, now: float) -> Line:
    """When the alert began that is marked in the chart; blank where none is."""
    if alert is None:
        return BLANK
    moment = f"{figures.clock(alert.since)}Z, {figures.age(now - alert.since)} ago"
    text = clip(f" {alert.name} began at {moment}", max(0, width - 4))
    return (Span(f"  {BEGAN}", Role.DOWN), Span(text, Role.STRONG))


def latency_legend(latency: Latency, window: float) -> Line:
    """What the curves are, with their present figures."""
    return (
        Span("  ━ p50 ", Role.TRACE_LOW), Span(f"{figures.duration(latency.p50):<6}"),
        Span("  ━ p95 ", Role.TRACE), Span(f"{figures.duration(latency.p95):<6}"),
        Span("  ━ p99 ", Role.TRACE_HIGH), Span(f"{figures.duration(latency.p99):<6}"),
        Span(f"   measured by {latency.origin}, the last {span(window)}", Role.MUTED),
    )  # fmt: skip


def containers(
    service: ServiceView, found: Iterable[Container], width: int, now: float
) -> list[Line]:
    """Instances beside the containers that they run in."""
    lines: list[Line] = [(Span(" instances", Role.HEADER),)]
    for instance in service.instances:
        lines += _instance(instance, width, now)
    lines += [BLANK, (Span(" containers", Role.HEADER),)]
    named = set(service.containers) | {each.container for each in service.instances}
    for container in found:
        if container.name not in named and container.id not in named:
            continue
        lines.append(resources.container_row(container, width, now).line)
        lines.append((Span(f"     {clip(container.image, width - 6)}", Role.MUTED),))
        if container.detail:
            lines.append((Span(f"     {clip(container.detail, width - 6)}", Role.MUTED),))
    if len(lines) and lines[-1] and lines[-1][0].text == " containers":
        lines.append((Span("   none are known to belong to this service", Role.MUTED),))
    return lines


def alert_lines(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """The service's alerts in full."""
    mine = [alert for alert in alerts.order(snapshot.alerts) if alert.service == service.name]
    lines: list[Line] = []
    for alert in mine:
        lines += [(Span(" "), *line) for line in alerts.detail(alert, now)]
        lines.append(BLANK)
    return lines or [BLANK, (Span("  no alert concerns this service", Role.MUTED),)]


def timeline(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """What happened to the service, latest first."""
    mine = [event for event in events.latest(snapshot.events) if event.service == service.name]
    if not mine:
        return [BLANK, (Span("  nothing has happened to this service", Role.MUTED),)]
    return [events.row(event, width, now).line for event in mine]


def raw(service: ServiceView, width: int) -> list[Line]:
    """The bodies as they came, sanitised, one instance after the other."""
    lines: list[Line] = []
    for instance in service.instances:
        report = instance.report
        lines.append((Span(f" {instance.name}  ", Role.STRONG), Span(instance.url, Role.MUTED)))
        if report is None:
            lines += [(Span("   no body was understood", Role.MUTED),), BLANK]
            continue
        status = f"   HTTP {report.status_code} · {report.content_type or 'no content type'}"
        lines.append((Span(f"{status} · read as {report.format}", Role.MUTED),))
        for text in report.raw.split("\n"):
            lines += [(Span(f"   {part}"),) for part in wrap(text, max(8, width - 4))]
        lines.append(BLANK)
    return lines or [BLANK, (Span("  no endpoint is probed for this service", Role.MUTED),)]
