"""Alerts that were acknowledged in the console's own state.

Invariant: an acknowledgement is of one alert as it fired then: of one that fires again it says
nothing. Who has just begun to look cannot know of an alert whether it fires again, and believes the
acknowledgement. Pure.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from opsconsole.model.alerting.alerts import Alert, alert_key
from opsconsole.model.alerting.silences import SilenceView

CLOCKS_APART: Final = 5.0
"""Seconds that the clock of who acknowledged may be behind."""

JUST_BEGUN: Final = 30.0
"""Seconds after the first look in which what begins may have begun before it."""


def with_own(
    rows: dict[str, Alert], acknowledged: Iterable[SilenceView], looked_from: float
) -> dict[str, Alert]:
    """``rows``, each with the acknowledgements that are about it; nobody here looked before
    ``looked_from``."""
    by_alert: dict[str, list[SilenceView]] = {}
    for each in acknowledged:
        by_alert.setdefault(_key(each), []).append(each)
    if not by_alert:
        return rows
    return {key: _with(row, by_alert, looked_from) for key, row in rows.items()}


def _with(row: Alert, by_alert: dict[str, list[SilenceView]], looked_from: float) -> Alert:
    unknown = looked_from <= row.since <= looked_from + JUST_BEGUN
    found = by_alert.get(alert_key(row.name, row.labels), ())
    own = tuple(
        each.suppression
        for each in found
        if unknown or row.since <= (each.starts_at or 0.0) + CLOCKS_APART
    )
    return replace(row, suppressions=(*row.suppressions, *own)) if own else row


def _key(silence: SilenceView) -> str:
    labels = {each.name: each.value for each in silence.matchers}
    return alert_key(labels.get("alertname", ""), labels)
