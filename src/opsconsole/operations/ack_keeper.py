"""An acknowledgement ends by itself when its alert resolves, though every console is closed.

Invariant: from the verdict of an acknowledgement until its silence has ended, a process of its own
watches the alert; when the Alertmanager was seen twice in a row without it, the silence is ended
by the way every change goes. The silence has an end of its own, so a keeper that is killed leaves
nothing for ever; the next console starts another.

A file in ``runners/`` says which acknowledgements are watched.
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.config.loader import default_settings, load
from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    OperationState,
    Plan,
    Refusal,
)
from opsconsole.model.silences import ACK_PREFIX
from opsconsole.operations import detached, lock, silencing
from opsconsole.operations.drivers.alertmanager_client import AlertmanagerClient, CallError
from opsconsole.operations.journal import Journal
from opsconsole.operations.journal_reader import Intent
from opsconsole.sources.api_silences import raw_matchers
from opsconsole.sources.executor import BoundedExecutor

LOOK_EVERY: Final = 5.0
"""Seconds between looks at the alert."""

LOOKS: Final = 2
"""Looks in a row without the alert after which it has resolved."""

_MARK: Final = ".acknowledged"


def begin(journal: Journal, operation: str, plan: Plan, state: OperationState) -> None:
    """Start the keeper of a verified acknowledgement; nothing for any other operation."""
    if plan.kind is not ActionKind.ACKNOWLEDGE or state is not OperationState.VERIFIED:
        return
    _mark(journal.folder, operation).touch(mode=0o600)
    detached.start("watch", journal.folder, operation, fresh=True, hand_over=())


def revive(folder: Path) -> int:
    """Start a keeper for each acknowledgement that has none, as after a reboot; how many."""
    started = 0
    for mark in sorted((folder / "runners").glob(f"*{_MARK}")):
        operation = mark.name.removesuffix(_MARK)
        if not lock.is_held(lock.keeper_lock(folder, operation)):
            detached.start("watch", folder, operation, fresh=False, hand_over=())
            started += 1
    return started


def keep(folder: Path, operation: str) -> int:
    """Watch until the alert has resolved or the silence has ended; a process of its own."""
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)
    held = lock.take(lock.keeper_lock(folder, operation), patience=1.0)
    if held is None:
        return 0
    try:
        intent = _intent(folder, operation)
        if intent is not None:
            asyncio.run(_watch(folder, intent))
        _mark(folder, operation).unlink(missing_ok=True)
        lock.keeper_lock(folder, operation).unlink(missing_ok=True)
    finally:
        held.release()
    return 0


async def _watch(folder: Path, intent: Intent) -> None:
    threads = BoundedExecutor("acknowledgement", 1)
    missing = 0
    try:
        while time.time() < (intent.plan.ends_at or 0.0) + LOOK_EVERY:
            await asyncio.sleep(LOOK_EVERY)
            settings = _settings(intent)
            if settings is None:
                continue
            found = silencing.alertmanager_of(settings, intent.plan.service)
            if found is None:
                return
            client = AlertmanagerClient(found, Path(intent.base), threads)
            try:
                silence = await _silence(client, intent)
                if not silence:
                    return
                missing = 0 if await _still_there(client, intent) else missing + 1
                if missing >= LOOKS:
                    await _expire(folder, settings, intent, silence)
            except (CallError, OpsconsoleError):
                # What could not be looked at or ended now is tried again; the end is kept anyway.
                missing = 0
    finally:
        threads.close()


async def _silence(client: AlertmanagerClient, intent: Intent) -> str:
    """The id of the acknowledgement's silence while it is in force, else ''."""
    wanted = frozenset(raw_matchers(intent.plan.steps[0].call["matchers"]))
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


async def _expire(folder: Path, settings: Settings, intent: Intent, silence: str) -> None:
    from opsconsole.operations.operator import Operator

    reason = "the acknowledged alert has resolved"
    operator = Operator(
        settings,
        base=Path(intent.base),
        clock=SystemClock(),
        read_only=settings.read_only,
        state_dir=folder,
        config_path=Path(intent.config_path) if intent.config_path else None,
    )
    try:
        request = ActionRequest(
            intent.plan.service,
            ActionKind.EXPIRE_SILENCE,
            reason=reason,
            parameters={"silence": silence},
        )
        plan = await operator.plan(request, None)
        if isinstance(plan, Refusal):
            return
        outcome = await operator.perform(plan, Confirmation(typed=plan.service, reason=reason))
        while isinstance(outcome, Operation) and not outcome.state.final:
            await asyncio.sleep(0.2)
            outcome = operator.operation(outcome.id) or outcome
    finally:
        operator.close()


def _settings(intent: Intent) -> Settings | None:
    """The configuration as it is now; None while it cannot be read, as while it is edited."""
    try:
        return load(Path(intent.config_path)) if intent.config_path else default_settings()
    except OpsconsoleError:
        return None


def _intent(folder: Path, operation: str) -> Intent | None:
    journal = Journal(folder)
    try:
        return journal.intent(operation)
    finally:
        journal.close()


def _mark(folder: Path, operation: str) -> Path:
    return folder / "runners" / f"{operation}{_MARK}"
