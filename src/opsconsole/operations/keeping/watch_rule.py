"""An acknowledgement: ending its silence when its alert has resolved.

Invariant: an acknowledgement is ended, as every change is made, only when no source reports its
alert twice in a row: neither its Alertmanager nor a Prometheus. An Alertmanager that has restarted
is believed only once it had the time to be sent the alert again. What could not be looked at ends
nothing. It is over when the silence has ended, however it did; the silence has an end of its own,
so a keeper that is killed leaves nothing for good.
"""

import time
from pathlib import Path
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.discovery.look import Fleet
from opsconsole.errors import OpsconsoleError
from opsconsole.model.alerting.silences import ACK_PREFIX
from opsconsole.model.operation import BY_PROMISE, ActionKind, ActionRequest, Refusal
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.drivers.alertmanager_client import AlertmanagerClient
from opsconsole.operations.drivers.json_client import CallError
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.keeping import alert_origin, automatic
from opsconsole.operations.keeping.alert_origin import Origin
from opsconsole.operations.keeping.promise_rule import PromiseRule
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_place import StatePlace
from opsconsole.sources.prometheus.api_alerts import FILLS_UP
from opsconsole.sources.prometheus.api_silences import raw_matchers
from opsconsole.threads import BoundedExecutor

LOOK_EVERY: Final = 5.0
"""Seconds between looks at the alert."""

LOOKS: Final = 2
"""Looks in a row without the alert after which it has resolved."""


OVER: Final = "over: its silence has ended"


class WatchRule(PromiseRule):
    """One acknowledged alert."""

    _missing = 0
    _began = False
    _reported_by: float | None = None

    async def turn(self) -> float | None:
        """Look at the alert and its silence."""
        if not self._began:
            self._began = True
            return LOOK_EVERY
        if time.time() >= self._promise.due + LOOK_EVERY or not await self._goes_on():
            kind = self._promise.kind
            self._journal.settle(self._promise.operation, kind, OVER, time.time())
            return None
        return LOOK_EVERY

    async def _goes_on(self) -> bool:
        """One look; whether the silence is in force. What could not be looked at is tried again."""
        self._own.stand_for(self._intent)
        try:
            settings = self._own.settings()
        except OpsconsoleError:
            return True
        found = settings.alertmanager_of(self._intent.plan.service)
        if found is None:
            return False
        if isinstance(self._own.declared(Fleet(settings), self._intent), Refusal):
            return True
        threads = BoundedExecutor("acknowledgement", 1)
        client = AlertmanagerClient(found, Path(self._own.base), threads)
        try:
            silence = await _silence(client, self._intent)
            if not silence:
                return False
            there = await self._still_there(client, settings, threads)
            self._missing = 0 if there else self._missing + 1
            if self._missing >= LOOKS:
                await _expire(self._state, self._own, self._intent, silence)
        except (CallError, OpsconsoleError):
            self._missing = 0
        finally:
            await client.close()
            threads.close()
        return True

    async def _still_there(
        self, client: AlertmanagerClient, settings: Settings, threads: BoundedExecutor
    ) -> bool:
        """Whether some source has the alert, or may have it and does not know yet."""
        wanted = self._intent.plan.parameters["alert"]
        alerts = await client.alerts()
        started = await client.started()
        if any(isinstance(each, dict) and each.get("fingerprint") == wanted for each in alerts):
            self._reported_by = started
            return True
        if started is not None and self._fills_up(started):
            return True
        call = SilenceCall.of(self._intent.plan.steps[0])
        labels = {each.name: each.value for each in raw_matchers(list(call.matchers))}
        base = Path(self._own.base)
        found = await alert_origin.ask(settings.prometheus, labels, base, threads)
        return found in {Origin.FIRES, Origin.UNKNOWN}

    def _fills_up(self, started: float) -> bool:
        """Whether the server began after it reported the alert, and may not have it again yet.

        One that had begun when the acknowledgement was planned reported it then.
        """
        if started == self._reported_by or started <= self._intent.plan.created_at:
            return False
        return time.time() - started < FILLS_UP


async def _silence(client: AlertmanagerClient, intent: Intent) -> str:
    """The id of the acknowledgement's silence while it is in force, else ''."""
    wanted = frozenset(raw_matchers(list(SilenceCall.of(intent.plan.steps[0]).matchers)))
    for each in await client.silences():
        if not isinstance(each, dict) or each.get("comment") != f"{ACK_PREFIX}{intent.reason}":
            continue
        status = each.get("status")
        active = isinstance(status, dict) and status.get("state") == "active"
        if active and frozenset(raw_matchers(each.get("matchers"))) == wanted:
            return str(each.get("id", ""))
    return ""


async def _expire(state: StatePlace, own: OwnConfiguration, intent: Intent, silence: str) -> None:
    request = ActionRequest(
        intent.plan.service,
        ActionKind.EXPIRE_SILENCE,
        reason="the acknowledged alert has resolved",
        parameters={"silence": silence, BY_PROMISE: "end"},
    )
    await automatic.perform(state, own, intent, request)
