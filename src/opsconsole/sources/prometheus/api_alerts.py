"""Alerts as the APIs of Prometheus and Alertmanager give them, read into the model.

Invariant: one malformed alert is left out, never the whole answer; text is sanitised; at most
``ALERT_LIMIT`` alerts are kept, the most urgent first, and how many there were is said.

Formats: Prometheus ``/api/v1/alerts``, vmalert's dialect of it, Alertmanager ``/api/v2/alerts``.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression, alert_key
from opsconsole.model.source_id import SourceId
from opsconsole.sources.one_of_many import each_alone
from opsconsole.text import sanitize

ALERT_LIMIT: Final = 5000

FILLS_UP: Final = 300.0
"""Seconds after an Alertmanager's start in which alerts may not have been sent to it yet.

It keeps none. Source: its own ``resolve_timeout``, after which it takes silence for an end; a
Prometheus sends again every minute.
"""
_LABELS: Final = 50
_NAME: Final = 120
_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class AlertsView:
    """Alerts of one answer; ``total`` counts alerts left out too."""

    alerts: tuple[Alert, ...]
    total: int


def read_prometheus(payload: object, source: SourceId) -> AlertsView:
    """Read the body of ``/api/v1/alerts``. Raises ValueError when it is not one."""
    if not isinstance(payload, dict) or payload.get("status") != "success":
        raise ValueError("not an answer of /api/v1/alerts")
    data = payload.get("data")
    listed = data.get("alerts") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of alerts in the answer")
    return _keep(listed, lambda item: _prometheus_alert(item, source))


def read_alertmanager(payload: object, source: SourceId) -> AlertsView:
    """Read the body of ``/api/v2/alerts``. Raises ValueError when it is not one."""
    if not isinstance(payload, list):
        raise ValueError("not an answer of /api/v2/alerts")
    return _keep(payload, lambda item: _alertmanager_alert(item, source))


def read_start(payload: object) -> float | None:
    """When an Alertmanager began, from the body of ``/api/v2/status``; None where it lacks that."""
    return parse_time(payload.get("uptime")) if isinstance(payload, dict) else None


def parse_time(text: object) -> float | None:
    """Unix seconds of an RFC 3339 time; None for none and for Go's zero time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.timestamp() if moment.tzinfo and moment.year > 1 else None
    except OverflowError:
        return None


def _keep(items: Iterable[Any], read: Callable[[Any], Alert | None]) -> AlertsView:
    alerts = [alert for item in items if (alert := each_alone(read, item)) is not None]
    alerts.sort(key=lambda alert: (-alert.severity.urgency, alert.since))
    return AlertsView(tuple(alerts[:ALERT_LIMIT]), len(alerts))


def _prometheus_alert(item: Any, source: SourceId) -> Alert | None:
    if not isinstance(item, dict):
        return None
    state = {"firing": AlertState.FIRING, "pending": AlertState.PENDING}.get(item.get("state", ""))
    since = parse_time(item.get("activeAt"))
    if state is None or since is None:
        return None
    return _base(item, source, state, since)


def _alertmanager_alert(item: Any, source: SourceId) -> Alert | None:
    if not isinstance(item, dict):
        return None
    since = parse_time(item.get("startsAt"))
    if since is None:
        return None
    return _base(
        item,
        source,
        AlertState.FIRING,
        since,
        suppressions=_suppressions(item.get("status")),
        ends_at=parse_time(item.get("endsAt")),
        fingerprint=sanitize(str(item.get("fingerprint", "")), limit=_NAME),
    )


def _base(
    item: Mapping[str, Any],
    source: SourceId,
    state: AlertState,
    since: float,
    suppressions: tuple[Suppression, ...] = (),
    ends_at: float | None = None,
    fingerprint: str = "",
) -> Alert | None:
    labels = _texts(item.get("labels"))
    name = labels.get("alertname") or sanitize(str(item.get("name", "")), limit=_NAME)
    if not name:
        return None
    notes = _texts(item.get("annotations"))
    return Alert(
        key=alert_key(name, labels),
        name=name,
        severity=Severity.from_word(labels.get("severity", "")),
        state=state,
        since=since,
        summary=notes.get("summary") or notes.get("message", ""),
        description=notes.get("description", ""),
        labels=labels,
        value=_figure(item.get("value")),
        runbook=notes.get("runbook_url") or notes.get("runbook", ""),
        sources=(source,),
        suppressions=suppressions,
        ends_at=ends_at,
        fingerprint=fingerprint,
    )


def _suppressions(status: Any) -> tuple[Suppression, ...]:
    if not isinstance(status, dict):
        return ()
    kinds = (
        ("silence", "silencedBy"),
        ("inhibition", "inhibitedBy"),
        ("mute", "mutedBy"),
    )
    return tuple(
        Suppression(kind, sanitize(str(identity), limit=_NAME))
        for kind, key in kinds
        for identity in status.get(key) or ()
    )


def _texts(mapping: Any) -> dict[str, str]:
    if not isinstance(mapping, dict):
        return {}
    return {
        sanitize(str(key), limit=_NAME): sanitize(str(value), limit=_TEXT)
        for key, value in list(mapping.items())[:_LABELS]
    }


def _figure(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return ""
    return f"{number:.6g}" if math.isfinite(number) else str(number)
