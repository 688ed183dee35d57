"""Alerts that always fire to prove that alerting works: one that is missing is an alert itself.

Invariant: such an alert is declared by its name, or was seen firing with the severity none. It is
missing only while a server that may have it has answered without it; a server that does not answer
says nothing of it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.source_id import LOCAL, SourceId, SourceKind

_SERVERS: Final = frozenset({SourceKind.PROMETHEUS, SourceKind.ALERTMANAGER})
_SUMMARY: Final = "it always fires, so that its absence shows that alerting does not work"


class AlwaysFiring:
    """The names of such alerts, and since when each is missing."""

    def __init__(self, declared: Iterable[str], before: "AlwaysFiring | None" = None) -> None:
        self._declared = tuple(dict.fromkeys(declared))
        self._seen: dict[str, frozenset[SourceId]] = dict(before._seen) if before else {}
        self._since: dict[str, float] = dict(before._since) if before else {}

    def is_one(self, alert: Alert) -> bool:
        """Whether ``alert`` always fires."""
        return alert.name in self._declared or alert.name in self._seen

    def missing(
        self, active: Mapping[str, Alert], reports: Mapping[SourceId, object], now: float
    ) -> list[Alert]:
        """An alert for each that does not fire, given what is ``active`` and who reported."""
        servers = frozenset(each for each in reports if each.kind in _SERVERS)
        firing = [each for each in active.values() if each.state is AlertState.FIRING]
        for alert in firing:
            sources = frozenset(alert.sources)
            if alert.severity is Severity.NONE and sources & servers:
                self._seen[alert.name] = sources
        names = {each.name for each in firing}
        expected = [
            name
            for name in dict.fromkeys((*self._declared, *self._seen))
            if (servers if name in self._declared else self._seen[name] & servers)
        ]
        lacking = [name for name in expected if name not in names]
        self._since = {name: self._since.get(name, now) for name in lacking}
        return [_missing(name, since) for name, since in self._since.items()]


def _missing(name: str, since: float) -> Alert:
    called = f"{name} is missing"
    return Alert(
        key=f"{called}{{}}",
        name=called,
        severity=Severity.CRITICAL,
        state=AlertState.FIRING,
        since=since,
        summary=_SUMMARY,
        labels={"alertname": called, "severity": Severity.CRITICAL.value},
        sources=(LOCAL,),
    )
