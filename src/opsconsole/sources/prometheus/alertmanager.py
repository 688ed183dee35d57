"""An Alertmanager, v2 API: its alerts with who silenced them until when, and its silences.

Invariant: an alert that Alertmanager suppresses is still reported, with the reason; with the
server gone the reading is a fault, never an empty list.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Alertmanager
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.alerting.silences import SilenceState, SilenceView
from opsconsole.model.fault import Fault
from opsconsole.model.observations import AlertmanagerSeen
from opsconsole.model.source_id import SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.api_alerts import read_alertmanager, read_start
from opsconsole.sources.prometheus.api_silences import read_silences
from opsconsole.sources.prometheus.api_source import ApiSource
from opsconsole.sources.prometheus.server_api import fault_of_answer

EXPIRED_KEPT: Final = 86400.0
"""Seconds that an ended silence is still offered, to be made again."""


class AlertmanagerSource(ApiSource[AlertmanagerSeen]):
    """Alerts and silences of one server, within twice ``settings.timeout``."""

    def __init__(
        self, settings: Alertmanager, clock: Clock, connector: Connector, base: Path
    ) -> None:
        super().__init__(
            SourceKind.ALERTMANAGER, settings, clock, connector, base, 2 * settings.timeout
        )
        self._name = settings.name

    def _look(self) -> AlertmanagerSeen | Fault:
        try:
            view = read_alertmanager(self._api.get_json("/api/v2/alerts"), self.id)
            silences = read_silences(self._api.get_json("/api/v2/silences"), self._name)
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return fault_of_answer(error, self.endpoint)
        known = {each.id: each for each in silences}
        hidden = Counter(each.id for alert in view.alerts for each in alert.suppressions)
        now = self._clock.now()
        return AlertmanagerSeen(
            tuple(_explain(alert, known) for alert in view.alerts),
            view.total,
            tuple(_counted(each, hidden) for each in silences if _kept(each, now)),
            self._start(),
        )

    def _start(self) -> float | None:
        """When the server began; None where it does not say, which costs nothing else."""
        try:
            return read_start(self._api.get_json("/api/v2/status"))
        except Exception:  # noqa: BLE001 - the boundary: a server without it is read all the same
            return None


def _kept(silence: SilenceView, now: float) -> bool:
    """Whether it is in force or to come, or ended so recently that somebody may want it again."""
    expired = silence.state is SilenceState.EXPIRED
    return not expired or now - (silence.ends_at or 0.0) < EXPIRED_KEPT


def _counted(silence: SilenceView, hidden: Counter[str]) -> SilenceView:
    return replace(silence, hides=hidden[silence.id]) if hidden[silence.id] else silence


def _explain(alert: Alert, silences: Mapping[str, SilenceView]) -> Alert:
    """``alert`` with who silenced it, why and until when."""
    if not alert.suppressions:
        return alert
    known = tuple(
        silences[each.id].suppression if each.id in silences else each
        for each in alert.suppressions
    )
    return replace(alert, suppressions=known)
