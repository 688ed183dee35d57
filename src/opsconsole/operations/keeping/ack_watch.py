"""Watching one acknowledged alert, and ending its silence when it has resolved.

Invariant: only an Alertmanager that answered and no longer has the alert, twice in a row, ends an
acknowledgement; what could not be looked at ends nothing. It returns when the silence has ended,
however it did.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
)
from opsconsole.model.silences import ACK_PREFIX
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.drivers.alertmanager_client import AlertmanagerClient, CallError
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.keeping import automatic as by_itself
from opsconsole.operations.planning import silence_actions
from opsconsole.sources.prometheus.api_silences import raw_matchers
from opsconsole.threads import BoundedExecutor

LOOK_EVERY: Final = 5.0
"""Seconds between looks at the alert."""

LOOKS: Final = 2
"""Looks in a row without the alert after which it has resolved."""


def watch(folder: Path, intent: Intent) -> None:
    """Watch the alert that ``intent`` acknowledged, until its silence has ended."""
    asyncio.run(_watch(folder, intent))


async def _watch(folder: Path, intent: Intent) -> None:
    threads = BoundedExecutor("acknowledgement", 1)
    missing = 0
    try:
        while time.time() < (intent.plan.ends_at or 0.0) + LOOK_EVERY:
            await asyncio.sleep(LOOK_EVERY)
            settings = _settings(intent)
            if settings is None:
                continue
            found = silence_actions.alertmanager_of(settings, intent.plan.service)
            if found is None:
                return
            client = AlertmanagerClient(found, Path(intent.base), threads)
            try:
                silence = await _silence(client, intent)
                if not silence:
                    return
                missing = 0 if await _still_there(client, intent) else missing + 1
                if missing >= LOOKS:
                    await _expire(folder, intent, silence)
            except (CallError, OpsconsoleError):
                # What could not be looked at or ended now is tried again; the end is kept anyway.
                missing = 0
            finally:
                await client.close()
    finally:
        threads.close()


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


async def _still_there(client: AlertmanagerClient, intent: Intent) -> bool:
    wanted = intent.plan.parameters["alert"]
    alerts = await client.alerts()
    return any(isinstance(each, dict) and each.get("fingerprint") == wanted for each in alerts)


async def _expire(folder: Path, intent: Intent, silence: str) -> None:
    request = ActionRequest(
        intent.plan.service,
        ActionKind.EXPIRE_SILENCE,
        reason="the acknowledged alert has resolved",
        parameters={"silence": silence},
    )
    await by_itself.perform(folder, intent, request)


def _settings(intent: Intent) -> Settings | None:
    """The configuration as it is now; None while it cannot be read, as while it is edited."""
    try:
        return by_itself.settings_of(intent)
    except OpsconsoleError:
        return None
