"""The panel of the selected service: its reason, its latency and its objectives.

Invariant: exactly as many lines as the panel is high, the most informative first.
"""

from opsconsole.model.series import ERRORS_OVER
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip_line,
    line_width,
    titled,
    width_of,
)
from opsconsole.render.ink.figures import span
from opsconsole.render.objectives import objective_line
from opsconsole.render.operations import badges
from opsconsole.render.service.diagnosis import brief
from opsconsole.render.service.health import instance_lines
from opsconsole.render.service.latency import latency_chart
from opsconsole.render.service.summary import headline

BESIDE_NAME = 6
"""Cells of a panel's title that are neither name nor note."""
CHART_ROWS = 6
TALL_CHART = 20
"""Height of a chart beyond which the service's copies are listed below it."""


def selected_lines(
    service: ServiceView, snapshot: Snapshot, width: int, height: int, now: float, window: float
) -> list[Line]:
    """Title, reason, chart and objectives in ``height`` lines of ``width`` cells."""
    room = width - width_of(service.name) - BESIDE_NAME
    note = _note(service, window, room) if height >= CHART_ROWS else _where(service)
    lines: list[Line] = [titled(service.name, width, note=note)]
    lines += badges(snapshot, service.name, width, now)
    roomy = height >= CHART_ROWS
    why = brief(service, snapshot, width, now, facts=roomy)
    head = headline(service, width, now)
    # The cause says what the reason would say once more.
    lines += [*(head[:1] if roomy else ()), *why] if why else head
    room = height - len(lines)
    goals = [
        clip_line(objective_line(item, width, stale=service.stale), width)
        for item in service.objectives
    ]
    goals = goals[: max(0, room - CHART_ROWS - 1)]
    copies = _copies(service, width, now)[: max(0, room - len(goals) - TALL_CHART)]
    goals += [BLANK, *copies] if len(copies) > 1 else []
    chart_rows = room - len(goals) - (1 if goals else 0)
    if chart_rows >= CHART_ROWS - 1:
        lines += latency_chart(service, snapshot, width - 1, chart_rows, now, window)
        lines += [BLANK] if goals else []
        lines += goals
    return (lines + [BLANK] * height)[:height]


def _copies(service: ServiceView, width: int, now: float) -> list[Line]:
    """A heading and a line for each of the service's instances."""
    heads = [clip_line(instance_lines(each, width, now)[0], width) for each in service.instances]
    return [(Span(" instances", Role.HEADER),), *heads] if heads else []


def _where(service: ServiceView) -> Line:
    """``on web-1, web-2 · v1.5.0``."""
    places = ", ".join(service.places[:3])
    said = [f"on {places}" if places else "", service.version]
    return (Span(" · ".join(each for each in said if each), Role.MUTED),)


def _note(service: ServiceView, window: float, room: int) -> Line:
    """The latency and the failures; by whom, over which time, only where that fits too."""
    latency = service.latency
    said = (Span("latency p95 ", Role.MUTED), Span(figures.duration(latency.p95), Role.TRACE))
    whole = (*said, Span(f"  by {latency.origin}, {span(window)}", Role.MUTED), *_errors(service))
    return whole if line_width(whole) <= room else (*said, *_errors(service))


def _errors(service: ServiceView) -> Line:
    """What ``err`` is a share of, and over which time: it goes on after the failures have ended."""
    if not service.error_rate:
        return ()
    failed = figures.percent(service.error_rate, 1)
    return (Span(f"  {failed} of looks failed, {span(ERRORS_OVER)}", Role.MUTED),)
