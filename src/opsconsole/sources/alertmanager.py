"""An Alertmanager, v2 API: its alerts with who silenced them and until when.

Invariant: an alert that Alertmanager suppresses is still reported, with the reason; with the
server gone the reading is a fault, never an empty list.
"""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Alertmanager
from opsconsole.errors import SecretError
from opsconsole.model.alerts import Alert, Suppression
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import Reading
from opsconsole.sources.api_alerts import AlertsView, parse_time, read_alertmanager
from opsconsole.sources.executor import BoundedExecutor, QueueFullError, fault_of
from opsconsole.sources.guarded_session import (
    GuardedSession,
    build_session,
    classify,
    endpoint_of,
    get_json,
)
from opsconsole.text import sanitize

GRACE: Final = 0.5
"""Seconds that a look may outlast its timeouts, so that the session's own deadline speaks first."""

_WORKERS: Final = 2
_TEXT: Final = 300


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
            if not any(alert.quiet for alert in view.alerts):
                return view
            silences = _silences(get_json(session, f"{self._url}/api/v2/silences"))
        except SecretError as error:
            return Fault(FaultKind.AUTH, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return classify(error, url)
        return AlertsView(tuple(_explain(alert, silences) for alert in view.alerts), view.total)

    def _session(self) -> GuardedSession:
        if not hasattr(self._local, "session"):
            http = self._settings.http
            self._local.session = build_session(http, self._settings.timeout, self._base)
        session: GuardedSession = self._local.session
        return session


def _silences(payload: Any) -> dict[str, Suppression]:
    """Silences by id, with owner, comment and end."""
    if not isinstance(payload, list):
        raise ValueError("not an answer of /api/v2/silences")
    found: dict[str, Suppression] = {}
    for item in payload:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            found[item["id"]] = Suppression(
                kind="silence",
                id=sanitize(item["id"], limit=_TEXT),
                by=sanitize(str(item.get("createdBy", "")), limit=_TEXT),
                comment=sanitize(str(item.get("comment", "")), limit=_TEXT),
                ends_at=parse_time(item.get("endsAt")),
            )
    return found


def _explain(alert: Alert, silences: dict[str, Suppression]) -> Alert:
    if not alert.suppressions:
        return alert
    known = tuple(silences.get(each.id, each) for each in alert.suppressions)
    return replace(alert, suppressions=known)
