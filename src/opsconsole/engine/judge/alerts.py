"""Alerts of several sources as one list of rows. Pure.

Invariant: one alert is one row, whichever sources report it; it began when the first of them says
it did, and it is over only when every source that reported it answered without it. A resolved
row is kept ``RESOLVED_FOR`` seconds, so that nobody misses it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from opsconsole.model.alerts import Alert, AlertState

RESOLVED_FOR: Final = 300.0

_RANK: Final = {AlertState.RESOLVED: 0, AlertState.PENDING: 1, AlertState.FIRING: 2}

Locate = Callable[[Alert], Alert]
"""Fills the service and instance that an alert's labels speak of."""


@dataclass(frozen=True, slots=True)
class Round:
    """The rows at one moment, and what began and what ended since the round before."""

    rows: Mapping[str, Alert]
    began: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()


def merge(reports: Iterable[Iterable[Alert]]) -> dict[str, Alert]:
    """The alerts that are active now, one for each key."""
    merged: dict[str, Alert] = {}
    for report in reports:
        for alert in report:
            known = merged.get(alert.key)
            merged[alert.key] = alert if known is None else join(known, alert)
    return merged


def join(one: Alert, other: Alert) -> Alert:
    """Two reports of the same alert as one."""
    first, second = (one, other) if len(one.labels) >= len(other.labels) else (other, one)
    return replace(
        first,
        severity=max(one.severity, other.severity, key=lambda severity: severity.urgency),
        state=max(one.state, other.state, key=_RANK.__getitem__),
        since=min(one.since, other.since),
        summary=first.summary or second.summary,
        description=first.description or second.description,
        service=first.service or second.service,
        instance=first.instance or second.instance,
        value=one.value or other.value,
        runbook=first.runbook or second.runbook,
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
        suppressions=tuple(dict.fromkeys((*one.suppressions, *other.suppressions))),
        ends_at=one.ends_at if other.ends_at is None else other.ends_at,
    )


def advance(before: Mapping[str, Alert], active: Mapping[str, Alert], now: float) -> Round:
    """The rows after ``before`` when ``active`` are reported now.

    A row that did not change is the same object as before.
    """
    rows: dict[str, Alert] = {}
    began: list[Alert] = []
    ended: list[Alert] = []
    for key, alert in active.items():
        known = before.get(key)
        rows[key] = known if known is not None and known == alert else alert
        if alert.state is AlertState.FIRING and not _fired(known):
            began.append(alert)
    for key, alert in before.items():
        if key in active:
            continue
        if alert.state is AlertState.FIRING:
            over = replace(alert, state=AlertState.RESOLVED, ends_at=now)
            rows[key] = over
            ended.append(over)
        elif alert.state is AlertState.RESOLVED and now - (alert.ends_at or now) < RESOLVED_FOR:
            rows[key] = alert
    return Round(rows, tuple(began), tuple(ended))


def ordered(rows: Mapping[str, Alert]) -> tuple[Alert, ...]:
    """Firing before pending before resolved; the most urgent first, of those the oldest."""
    return tuple(
        sorted(
            rows.values(),
            key=lambda alert: (-_RANK[alert.state], -alert.severity.urgency, alert.since),
        )
    )


def _fired(alert: Alert | None) -> bool:
    return alert is not None and alert.state is AlertState.FIRING
