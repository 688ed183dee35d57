"""An Alertmanager, v2 API: its alerts with who silenced them until when, and its silences.

Invariant: an alert that Alertmanager suppresses is still reported, with the reason; with the
server gone the reading is a fault, never an empty list.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Alertmanager
from opsconsole.errors import SecretError
from opsconsole.model.alerts import Alert, Suppression
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.silences import ACK_PREFIX, SilenceState, SilenceView
from opsconsole.sources.api_alerts import AlertsView, read_alertmanager
from opsconsole.sources.api_silences import read_silences
from opsconsole.sources.executor import BoundedExecutor, QueueFullError, fault_of
from opsconsole.sources.guarded_session import (
    GuardedSession,
    build_session,
    classify,
    endpoint_of,
    get_json,
)

GRACE: Final = 0.5
"""Seconds that a look may outlast its timeouts, so that the session's own deadline speaks first."""

_WORKERS: Final = 2
EXPIRED_KEPT: Final = 86400.0
"""Seconds that an ended silence is still offered, to be made again."""


class AlertmanagerSource:
    """One Alertmanager, read every ``settings.interval`` seconds."""

    def __init__(self, settings: Alertmanager, clock: Clock, base: Path) -> None:
        self._settings = settings
        self._clock = clock
        self._base = base
        self._url = settings.url.rstrip("/")
        self._local = threading.local()
        self._executor = BoundedExecutor(f"alertmanager-{settings.name}", _WORKERS)

    @property
    def key(self) -> str:
        """``alertmanager:`` and the configured name."""
        return f"alertmanager:{self._settings.name}"

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._settings.interval

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return endpoint_of(self._url)

    async def collect(self) -> Reading[AlertsView]:
        """Ask for alerts and silences, within twice ``settings.timeout``."""
        started = self._clock.now()
        outcome: AlertsView | Fault
        deadline = 2 * self._settings.timeout + GRACE
        try:
            outcome = await self._executor.run(self._look, deadline=deadline)
        except (TimeoutError, QueueFullError) as error:
            outcome = fault_of(error, self.endpoint, deadline)
        ended = self._clock.now()
        if isinstance(outcome, Fault):
            return Reading(self.key, ended, ended - started, fault=outcome)
        return Reading(self.key, ended, ended - started, value=outcome)

    async def close(self) -> None:
        """Let the threads go."""
        self._executor.close()

    def _look(self) -> AlertsView | Fault:
        url = f"{self._url}/api/v2/alerts"
        try:
            session = self._session()
            view = read_alertmanager(get_json(session, url), self.key)
            payload = get_json(session, f"{self._url}/api/v2/silences")
            silences = read_silences(payload, self._settings.name)
        except SecretError as error:
            return Fault(FaultKind.AUTH, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return classify(error, url)
        known = {each.id: each for each in silences}
        hidden = Counter(each.id for alert in view.alerts for each in alert.suppressions)
        now = self._clock.now()
        return AlertsView(
            tuple(_explain(alert, known) for alert in view.alerts),
            view.total,
            tuple(_counted(each, hidden) for each in silences if _kept(each, now)),
        )

    def _session(self) -> GuardedSession:
        if not hasattr(self._local, "session"):
            http = self._settings.http
            self._local.session = build_session(http, self._settings.timeout, self._base)
        session: GuardedSession = self._local.session
        return session


def _kept(silence: SilenceView, now: float) -> bool:
    """Whether it is in force or to come, or ended so lately that somebody may want it again."""
    expired = silence.state is SilenceState.EXPIRED
    return not expired or now - (silence.ends_at or 0.0) < EXPIRED_KEPT


def _counted(silence: SilenceView, hidden: Counter[str]) -> SilenceView:
    return replace(silence, hides=hidden[silence.id]) if hidden[silence.id] else silence


def _explain(alert: Alert, silences: Mapping[str, SilenceView]) -> Alert:
    """``alert`` with who silenced it, why and until when."""
    if not alert.suppressions:
        return alert
    known = tuple(
        _suppression(silences[each.id]) if each.id in silences else each
        for each in alert.suppressions
    )
    return replace(alert, suppressions=known)


def _suppression(silence: SilenceView) -> Suppression:
    comment = silence.comment.removeprefix(ACK_PREFIX)
    kind = "acknowledgement" if silence.acknowledges else "silence"
    return Suppression(
        kind, silence.id, silence.by, comment, silence.ends_at, since=silence.starts_at
    )
