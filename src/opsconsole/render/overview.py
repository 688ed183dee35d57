"""The layout of the overview's panels.

Invariant: panels never overlap and fill the screen below the header and above the footer; the
order of importance is the same at every size: services, alerts, the selected service, what
happened, resources. Widths and heights are cells.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass

HEADER_ROWS = 2
FOOTER_ROWS = 1
_HINT_ROWS = 9
"""Rows of the hint on how to name services."""

LEAST_WIDTH = 60
LEAST_HEIGHT = 15


class Panel(StrEnum):
    """The panels, in the order of the keys 1 to 5."""

    SERVICES = "services"
    ALERTS = "alerts"
    SELECTED = "selected"
    PLACES = "places"
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
    """The message for a terminal that is too small, else ''."""
    if width >= LEAST_WIDTH and height >= LEAST_HEIGHT:
        return ""
    return f"{width}×{height} is too small, {LEAST_WIDTH}×{LEAST_HEIGHT} is the least"


def arrange(
    width: int,
    height: int,
    services: int,
    alerts: int = 0,
    used: int = 0,
    urgent: int = 0,
    lost: int = 0,
) -> tuple[Placement, ...]:
    """The place of each panel, given the lines of services and the count of alerts; panels that are
    left out do not fit.

    ``used`` is how many rows the resources have, ``urgent`` how many services are not well,
    ``lost`` how many of several places are not.
    """
    body = height - HEADER_ROWS - FOOTER_ROWS
    if not services and (width < 100 or body < 24):
        return _host_alone(width, body)
    services = services or _HINT_ROWS
    if width < 100 or body < 24:
        return _one_column(width, body, services, alerts, urgent, lost)
    if width < 170:
        return _two_columns(width, body, services, alerts)
    return _wide(width, body, services, alerts, used)


def zoomed(panel: Panel, width: int, height: int) -> tuple[Placement, ...]:
    """One panel on the whole screen."""
    return (Placement(panel, 0, HEADER_ROWS, width, height - HEADER_ROWS - FOOTER_ROWS),)


def _host_alone(width: int, body: int) -> tuple[Placement, ...]:
    """One column, if there are no services: how to name them, alerts, and this host's resources."""
    top, ringing = min(_HINT_ROWS + 1, body // 2), 3
    y = HEADER_ROWS + top
    return (
        Placement(Panel.SERVICES, 0, HEADER_ROWS, width, top),
        Placement(Panel.ALERTS, 0, y, width, ringing),
        Placement(Panel.PLACES, 0, y + ringing, width, body - top - ringing),
    )


def _one_column(
    width: int, body: int, services: int, alerts: int, urgent: int, lost: int
) -> tuple[Placement, ...]:
    """Services that are not well push the others out from below: places first, then what happened,
    then the alerts."""
    alert_rows = min(1 + max(1, alerts), max(3, body // 5))
    selected_rows = 0 if body < 14 else 3 if body < 20 else 4
    event_rows = max(0, min(4 if lost else 3, body - alert_rows - selected_rows - 7))
    most = body - alert_rows - selected_rows - event_rows
    rows = max(4, min(most, max(services, 3) + 2))
    event_rows += most - rows
    wanted = min(urgent + 1, body - selected_rows)
    from_events = min(max(0, wanted - rows), event_rows)
    from_alerts = min(max(0, wanted - rows - from_events), alert_rows)
    rows += from_events + from_alerts
    event_rows -= from_events
    alert_rows -= from_alerts
    place_rows = min(1 + lost, event_rows - 2) if lost and event_rows >= 4 else 0
    stack = (
        (Panel.SERVICES, rows),
        (Panel.SELECTED, selected_rows),
        (Panel.ALERTS, alert_rows),
        (Panel.PLACES, place_rows),
        (Panel.TIMELINE, event_rows - place_rows),
    )
    out: list[Placement] = []
    y = HEADER_ROWS
    for panel, count in stack:
        if count >= 2:
            out.append(Placement(panel, 0, y, width, count))
            y += count
    return tuple(out)


def _service_rows(body: int, services: int, reserve: int) -> int:
    """Rows of the services table: all if they fit, at most what the other panels leave."""
    return max(6, min(max(services, 4) + 3, body - reserve))


def _alert_rows(alerts: int, most: int) -> int:
    """Rows of the alerts: all and a blank one, at most what resources leave."""
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
        Placement(Panel.PLACES, left + 2, y + ringing, right, middle - ringing - 1),
        Placement(Panel.TIMELINE, 0, low, width, timeline),
    )


def _wide(width: int, body: int, services: int, alerts: int, used: int) -> tuple[Placement, ...]:
    """The selected service is at the left; the timeline gets what the others leave at the right."""
    rows = _service_rows(body, services, reserve=26)
    low = body - rows
    left = width * 11 // 20
    right = width - left - 2
    ringing = _alert_rows(alerts, low // 3)
    middle = max(6, min(used + 2, (low - ringing) * 3 // 5))
    y = HEADER_ROWS + rows
    happened = y + ringing + middle
    return (
        Placement(Panel.SERVICES, 0, HEADER_ROWS, width, rows),
        Placement(Panel.SELECTED, 0, y, left, low),
        Placement(Panel.ALERTS, left + 2, y, right, ringing),
        Placement(Panel.PLACES, left + 2, y + ringing, right, middle),
        Placement(Panel.TIMELINE, left + 2, happened, right, low - ringing - middle),
    )
