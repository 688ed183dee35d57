"""Alerts of several sources as one list of rows. Pure.

Invariant: one alert is one row, whichever sources report it; it began when the first of them says
it did, and it ends only when every source that reported it has answered without it. A resolved row
is kept ``RESOLVED_FOR`` seconds, so that it is not missed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import NOT_IDENTITY, Alert, AlertState, Suppression, alert_key
from opsconsole.model.source_id import SourceId, SourceKind

RESOLVED_FOR: Final = 300.0

_RANK: Final = {AlertState.RESOLVED: 0, AlertState.PENDING: 1, AlertState.FIRING: 2}

_SHAPES: Final = 64
"""The most sets of label names tried for one alert name, so that a flood stays cheap."""

_Label = tuple[str, str]
_Labels = frozenset[_Label]

_OF_TARGETS: Final = frozenset({"instance", "job"})
"""Labels that say where a figure is from, which are never those of a server."""


@dataclass(frozen=True, slots=True)
class Round:
    """The rows at one moment, and what began and ended since the previous round."""

    rows: Mapping[str, Alert]
    began: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()


def merge(
    reports: Iterable[Iterable[Alert]], before: Mapping[str, Alert] | None = None
) -> dict[str, Alert]:
    """The alerts that are active now, one for each key.

    An Alertmanager's alert is a Prometheus' alert with external labels added: it joins the one that
    has the most of its labels. Of several alerts of one Alertmanager that would join the same one,
    as many do as there are servers that report it.
    ``before`` are the rows so far: a row keeps its key, whichever of its sources still reports it.
    """
    plain: dict[str, Alert] = {}
    labelled: list[dict[str, Alert]] = []
    for report in reports:
        alerts = _of_one_source(report)
        if _of_alertmanager(alerts):
            labelled.append(alerts)
            continue
        for key, alert in alerts.items():
            known = plain.get(key)
            plain[key] = alert if known is None else join(known, alert)
    routed = _route(plain, labelled)
    return _keep_keys(plain, routed, before or {})


def join(one: Alert, other: Alert) -> Alert:
    """Two sources' reports of the same alert as one."""
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
        suppressions=_suppressions(one, other),
        ends_at=one.ends_at if other.ends_at is None else other.ends_at,
        fingerprint=first.fingerprint or second.fingerprint,
    )


def _suppressions(one: Alert, other: Alert) -> tuple[Suppression, ...]:
    """Silenced only if every Alertmanager that has the alert silences it."""
    knowing = [each for each in (one, other) if _from_alertmanager(each)]
    if len(knowing) == 2 and not all(each.suppressions for each in knowing):
        return ()
    return tuple(dict.fromkeys((*one.suppressions, *other.suppressions)))


def _from_alertmanager(alert: Alert) -> bool:
    """Whether it comes from a source that adds labels and knows who silenced an alert."""
    return any(_sends_on(source) for source in alert.sources)


def _sends_on(source: SourceId) -> bool:
    """Whether it has alerts of others, and evaluates nothing."""
    return source.kind is SourceKind.ALERTMANAGER


def _of_one_source(report: Iterable[Alert]) -> dict[str, Alert]:
    """One alert for each key: of several that differ in severity only, the most severe."""
    found: dict[str, Alert] = {}
    for alert in report:
        known = found.get(alert.key)
        found[alert.key] = alert if known is None else max(known, alert, key=_loudness)
    return found


def _loudness(alert: Alert) -> tuple[bool, int, int]:
    return not alert.quiet, _RANK[alert.state], alert.severity.urgency


def _of_alertmanager(alerts: Mapping[str, Alert]) -> bool:
    first = next(iter(alerts.values()), None)
    return first is not None and _from_alertmanager(first)


def _route(
    plain: Mapping[str, Alert], labelled: Iterable[Mapping[str, Alert]]
) -> dict[str, list[Alert]]:
    """The key of each Alertmanager's alert: that of a plain alert, or its own."""
    finder = _BaseFinder(plain)
    routed: dict[str, list[Alert]] = {}
    for report in labelled:
        wanted: dict[str, list[Alert]] = {}
        for key, alert in report.items():
            base = key if key in plain else finder.find(alert)
            wanted.setdefault(base or key, []).append(alert)
        added = Counter(
            _added(alerts[0], plain[base])
            for base, alerts in wanted.items()
            if len(alerts) == 1 and base in plain
        )
        for base, alerts in wanted.items():
            mine = alerts if len(alerts) == 1 else _sent_by(plain[base], alerts, added)
            for alert in alerts:
                routed.setdefault(base if alert in mine else alert.key, []).append(alert)
    return routed


def _sent_by(base: Alert, alerts: list[Alert], added: Mapping[_Labels, int]) -> list[Alert]:
    """Which of several alerts that ``base`` may be is ``base``, as its server sent it on.

    As many as there are servers that have it: those with the labels that are most often added. No
    server adds labels of targets.
    """
    sent = [each for each in alerts if _OF_TARGETS.isdisjoint(dict(_added(each, base)))]
    if len(sent) < len(alerts):
        return []
    sent.sort(key=lambda each: (-added.get(_added(each, base), 0), each.key))
    return sent[: len(base.sources)]


def _added(alert: Alert, base: Alert) -> _Labels:
    """The labels that ``alert`` has and ``base`` lacks."""
    return _identity(alert) - _identity(base)


class _BaseFinder:
    """Finds the plain alert whose labels are a subset of another's."""

    def __init__(self, plain: Mapping[str, Alert]) -> None:
        self._by_labels: dict[str, dict[frozenset[str], dict[frozenset[_Label], str]]] = {}
        for key, alert in plain.items():
            labels = _identity(alert)
            shapes = self._by_labels.setdefault(alert.name, {})
            shapes.setdefault(frozenset(name for name, _ in labels), {})[labels] = key
        self._shapes = {
            name: sorted(shapes.items(), key=lambda item: -len(item[0]))[:_SHAPES]
            for name, shapes in self._by_labels.items()
        }

    def find(self, alert: Alert) -> str | None:
        """The key of the plain alert with the most of ``alert``'s labels, and no labels that it
        lacks."""
        shapes = self._shapes.get(alert.name)
        if not shapes:
            return None
        labels = _identity(alert)
        for names, known in shapes:
            part = frozenset(label for label in labels if label[0] in names)
            if part in known:
                return known[part]
        return None


def _identity(alert: Alert) -> frozenset[_Label]:
    return frozenset(item for item in alert.labels.items() if item[0] not in NOT_IDENTITY)


def _keep_keys(
    plain: Mapping[str, Alert], routed: Mapping[str, list[Alert]], before: Mapping[str, Alert]
) -> dict[str, Alert]:
    owners: dict[str, str] = {key: key for key in before}
    for key, row in before.items():
        if key not in plain and key not in routed and _from_alertmanager(row):
            owners.setdefault(alert_key(row.name, row.labels), key)
    merged: dict[str, Alert] = {}
    for base in dict.fromkeys((*plain, *routed)):
        alerts = ([plain[base]] if base in plain else []) + routed.get(base, [])
        row = alerts[0]
        for alert in alerts[1:]:
            row = join(row, alert)
        known = (owners[key] for key in (base, *(each.key for each in alerts)) if key in owners)
        key = next((key for key in known if key not in merged), base)
        row = join(merged[key], row) if key in merged else row
        merged[key] = row if row.key == key else replace(row, key=key)
    return merged


def advance(before: Mapping[str, Alert], active: Mapping[str, Alert], now: float) -> Round:
    """The rows that follow ``before`` when ``active`` are reported now.

    An unchanged row is the same object as before.
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


def over_at_its_origin(row: Alert, before: Alert) -> bool:
    """Whether only an Alertmanager still has it, which was sent it by a source that had it too."""
    return all(_sends_on(each) for each in row.sources) and not all(
        _sends_on(each) for each in before.sources
    )


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
