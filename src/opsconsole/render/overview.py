"""Where the panels of the overview stand, and what they say when there is nothing to show.

Invariant: panels never overlap and fill the screen below the header and above the footer; the
order of importance is the same at every size: services, alerts, the selected service, what
happened, resources. Widths and heights are cells.
"""

from dataclasses import dataclass
from enum import StrEnum

from opsconsole.model.snapshot import Snapshot
from opsconsole.render.cells import BLANK, Line, Role, Span

HEADER_ROWS = 2
FOOTER_ROWS = 1
LEAST_WIDTH = 60
LEAST_HEIGHT = 15


class Panel(StrEnum):
    """The panels, in the order of the keys 1 to 5."""

    SERVICES = "services"
    ALERTS = "alerts"
    SELECTED = "selected"
    RESOURCES = "resources"
    TIMELINE = "timeline"


@dataclass(frozen=True, slots=True)
class Placement:
    """A panel's place on the screen."""

    panel: Panel
    x: int
    y: int
    width: int
    height: int


def too_small(width: int, height: int) -> str:
    """What to say when the terminal is too small to be read, else ''."""
    if width >= LEAST_WIDTH and height >= LEAST_HEIGHT:
        return ""
    return f"{width}×{height} is too small, {LEAST_WIDTH}×{LEAST_HEIGHT} is the least"


def arrange(width: int, height: int, services: int, alerts: int = 0) -> tuple[Placement, ...]:
    """Where each panel stands for so many services and alerts; those left out do not fit."""
    body = height - HEADER_ROWS - FOOTER_ROWS
    if width < 100 or body < 24:
        return _one_column(width, body, services, alerts)
    if width < 170:
        return _two_columns(width, body, services, alerts)
    return _wide(width, body, services, alerts)


def zoomed(panel: Panel, width: int, height: int) -> tuple[Placement, ...]:
    """One panel on the whole screen."""
    return (Placement(panel, 0, HEADER_ROWS, width, height - HEADER_ROWS - FOOTER_ROWS),)


def _one_column(width: int, body: int, services: int, alerts: int) -> tuple[Placement, ...]:
    alert_rows = min(1 + max(1, alerts), max(3, body // 5))
    selected_rows = 3 if body >= 14 else 0
    event_rows = max(0, min(4, body - alert_rows - selected_rows - 7))
    most = body - alert_rows - selected_rows - event_rows
    rows = max(4, min(most, max(services, 3) + 2))
    event_rows += most - rows
    stack = (
        (Panel.SERVICES, rows),
        (Panel.ALERTS, alert_rows),
        (Panel.SELECTED, selected_rows),
        (Panel.TIMELINE, event_rows),
    )
    out: list[Placement] = []
    y = HEADER_ROWS
    for panel, count in stack:
        if count >= 2:
            out.append(Placement(panel, 0, y, width, count))
            y += count
    return tuple(out)


def _service_rows(body: int, services: int, reserve: int) -> int:
    """Rows of the services table: all of them where they fit, at most what others leave."""
    return max(6, min(max(services, 4) + 3, body - reserve))


def _alert_rows(alerts: int, most: int) -> int:
    """Rows of the alerts: all of them and a blank, at most what resources leave."""
    return max(5, min(max(alerts, 1) + 2, most))


def _two_columns(width: int, body: int, services: int, alerts: int) -> tuple[Placement, ...]:
    rows = _service_rows(body, services, reserve=20)
    timeline = max(5, (body - rows) // 3)
    middle = body - rows - timeline
    left = width * 11 // 20
    ringing = _alert_rows(alerts, middle // 2)
    y, low = HEADER_ROWS + rows, HEADER_ROWS + rows + middle
    right = width - left - 2
    return (
        Placement(Panel.SERVICES, 0, HEADER_ROWS, width, rows),
        Placement(Panel.SELECTED, 0, y, left, middle - 1),
        Placement(Panel.ALERTS, left + 2, y, right, ringing),
        Placement(Panel.RESOURCES, left + 2, y + ringing, right, middle - ringing - 1),
        Placement(Panel.TIMELINE, 0, low, width, timeline),
    )


def _wide(width: int, body: int, services: int, alerts: int) -> tuple[Placement, ...]:
    rows = _service_rows(body, services, reserve=26)
    low = body - rows
    top = low * 3 // 5
    left = width * 11 // 20
    right = width - left - 2
    ringing = _alert_rows(alerts, low // 2)
    y = HEADER_ROWS + rows
    return (
        Placement(Panel.SERVICES, 0, HEADER_ROWS, width, rows),
        Placement(Panel.SELECTED, 0, y, left, top - 1),
        Placement(Panel.ALERTS, left + 2, y, right, ringing),
        Placement(Panel.TIMELINE, 0, y + top, left, low - top),
        Placement(Panel.RESOURCES, left + 2, y + ringing, right, low - ringing),
    )


def _said(head: str, *rest: str, role: Role = Role.TEXT) -> list[Line]:
    return [BLANK, (Span(f"  {head}", role),), *((Span(f"  {text}", Role.MUTED),) for text in rest)]


def nothing_to_show(panel: Panel, snapshot: Snapshot | None, *, filtered: bool) -> list[Line]:
    """What an empty panel says: still looking, filtered away, none, or why it cannot be known."""
    if snapshot is None:
        return _said("looking …", role=Role.MUTED)
    if panel is Panel.SERVICES:
        return _no_services(filtered)
    if panel is Panel.ALERTS:
        return _no_alerts(snapshot)
    if panel is Panel.RESOURCES:
        return _no_resources(snapshot)
    return _said("nothing has happened since the console was opened", role=Role.MUTED)


def _no_services(filtered: bool) -> list[Line]:
    if filtered:
        return _said("no service matches", "esc clears the filter, f shows all again")
    return _said(
        "no services are configured yet: below is this host and its containers",
        "services are listed in opsconsole.yaml, here or in ~/.config/opsconsole:",
        "",
        "  services:",
        "    my-api:",
        "      instances: [http://127.0.0.1:8000]",
        "      health: {path: /health}",
        "",
        "'opsconsole check FILE' says what is wrong with a file; 'opsconsole demo' shows a fleet",
    )


_ALERTING = ("prometheus", "alertmanager")


def _no_alerts(snapshot: Snapshot) -> list[Line]:
    blind = [
        source
        for source in snapshot.sources
        if source.fault is not None and any(word in source.name for word in _ALERTING)
    ]
    if blind:
        return _said(
            f"cannot tell: {blind[0].name} does not answer",
            str(blind[0].fault),
            blind[0].fault.hint if blind[0].fault else "",
            role=Role.UNKNOWN,
        )
    return _said("no alert is firing", role=Role.MUTED)


def _no_resources(snapshot: Snapshot) -> list[Line]:
    lines: list[Line] = []
    for source in snapshot.sources:
        if source.name in {"docker", "host"} and source.fault is not None:
            lines += _said(f"{source.name}: {source.fault}", source.fault.hint, role=Role.UNKNOWN)
    return lines or _said("neither this host nor a Docker Engine is read", role=Role.MUTED)
