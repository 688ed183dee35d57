"""Alert servers that restarted: what they reported before goes on until they can know better.

Invariant: an alert that a server had before its restart is over only when the server was able to
report it and did not: a Prometheus once it has evaluated the rule, an Alertmanager once everybody
had the time to send again what fires. Meanwhile it keeps its beginning, and it is as quiet as the
silences that the server still has make it.
"""

from collections.abc import Container, Iterable
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, AlertState, Suppression
from opsconsole.model.alerting.silences import SilenceState, SilenceView, hides
from opsconsole.model.observations import AlertmanagerSeen
from opsconsole.model.source_id import SourceId
from opsconsole.sources.prometheus.api_alerts import FILLS_UP

_BY_PEOPLE: Final = frozenset({"silence", "acknowledgement"})


@dataclass(slots=True)
class _Server:
    """``missing`` by key: reported before the restart and not since; ``since``: reported again."""

    start: float | None = None
    began: float | None = None
    missing: dict[str, Alert] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    silences: tuple[SilenceView, ...] = ()


class RestartedServers:
    """Every server by its id."""

    def __init__(self) -> None:
        self._servers: dict[SourceId, _Server] = {}

    def of_alertmanager(
        self,
        source: SourceId,
        seen: AlertmanagerSeen,
        alerts: tuple[Alert, ...],
        before: tuple[Alert, ...],
        now: float,
    ) -> tuple[Alert, ...]:
        """What counts as reported: ``alerts``, and those of ``before`` that it may still lack."""
        server = self._servers.setdefault(source, _Server())
        if seen.started_at != server.start and seen.started_at is not None:
            if server.start is None:
                server.began = min(seen.started_at, now)
            else:
                server.began = now
                server.missing = {each.key: each for each in before}
            server.start = seen.started_at
        if not _fills_up(server, now):
            server.missing, server.silences = {}, ()
        else:
            active = SilenceState.ACTIVE
            server.silences = tuple(each for each in seen.silences if each.state is active)
        known = {each.id for each in seen.silences if each.state is SilenceState.ACTIVE}
        reported = _continued(server, alerts)
        return (*reported, *(_as_quiet(each, known) for each in server.missing.values()))

    def of_prometheus(
        self,
        source: SourceId,
        unevaluated: Container[str],
        alerts: tuple[Alert, ...],
        before: tuple[Alert, ...],
        now: float,
    ) -> tuple[Alert, ...]:
        """The same for a Prometheus, which names the rules that it has not evaluated yet.

        It has an alert pending for a moment before it restores since when it fires.
        """
        server = self._servers.setdefault(source, _Server())
        for each in before:
            if each.name in unevaluated:
                server.missing[each.key] = each
                server.began = now
        pending = {each.key for each in alerts if each.state is AlertState.PENDING}
        held = {
            key: each
            for key, each in server.missing.items()
            if each.name in unevaluated
            or (key in pending and each.state is AlertState.FIRING and _fills_up(server, now))
        }
        reported = _continued(server, (each for each in alerts if each.key not in held))
        server.missing = held
        return (*reported, *held.values())

    def missing(self) -> frozenset[str]:
        """The keys of alerts that go on although no server reports them at present."""
        return frozenset(key for server in self._servers.values() for key in server.missing)

    def drop(self, key: str) -> None:
        """Let an alert go that is known from elsewhere to be over."""
        for server in self._servers.values():
            server.missing.pop(key, None)

    def fills_up(self, source: SourceId, now: float) -> bool:
        """Whether that an Alertmanager lacks an alert means nothing yet."""
        server = self._servers.get(source)
        return server is not None and server.start is not None and _fills_up(server, now)

    def silences(self) -> tuple[SilenceView, ...]:
        """Those in force at Alertmanagers that may not have been sent every alert again yet."""
        return tuple(each for server in self._servers.values() for each in server.silences)

    def suppressions(self, alert: Alert) -> tuple[Suppression, ...]:
        """What hides ``alert`` at Alertmanagers that have not been sent it again yet."""
        return tuple(
            each.suppression for each in self.silences() if hides(each.matchers, alert.labels)
        )

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget the servers that are not in ``kept``."""
        self._servers = {who: each for who, each in self._servers.items() if who in kept}


def _fills_up(server: _Server, now: float) -> bool:
    return server.began is not None and now - server.began < FILLS_UP


def _continued(server: _Server, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """``alerts`` with the beginnings that they had before the restart."""
    reported: list[Alert] = []
    since: dict[str, float] = {}
    for alert in alerts:
        known = server.missing.pop(alert.key, None)
        began = server.since.get(alert.key) if known is None else known.since
        if began is not None and began < alert.since:
            since[alert.key] = began
            reported.append(replace(alert, since=began))
        else:
            reported.append(alert)
    server.since = since
    return tuple(reported)


def _as_quiet(alert: Alert, silences: Container[str]) -> Alert:
    """``alert`` without the silences that are gone."""
    kept = tuple(
        each for each in alert.suppressions if each.kind not in _BY_PEOPLE or each.id in silences
    )
    return alert if kept == alert.suppressions else replace(alert, suppressions=kept)
