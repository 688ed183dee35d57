"""Several plans that were confirmed at once: joined to a group, each an intent of its own.

Invariant: a group is of two at least; one plan alone belongs to none. Each intent has its own
operation, and the digest of what was declared when it was confirmed.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final, Protocol

from opsconsole.config.settings import Settings
from opsconsole.model.operation import Confirmation, Group, Operation, Plan
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning import planner
from opsconsole.operations.planning.declared import Declared, digest
from opsconsole.operations.who import whoami

BY_RULE: Final = "auto, rule "
"""How the name of who confirmed begins where it was a remedy; the user id is its process's."""

_LOOKS: Final = 50
"""Looks in a row at a group that nobody goes on with, after which it is left."""


def joined(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """``plans``, each with its place in their group."""
    if len(plans) < 2:
        return plans
    identity, names = secrets.token_hex(8), tuple(plan.service for plan in plans)
    return tuple(
        replace(plan, group=Group(identity, number, len(plans), names[number:]))
        for number, plan in enumerate(plans, 1)
    )


def in_its_turn(plan: Plan, now: float) -> Plan:
    """``plan`` as of its turn: it was confirmed while it was new, and lasts as long from now on.

    What was observed for it is compared by the runner, whenever that was.
    """
    waited = now - plan.created_at
    ends_at = None if plan.ends_at is None else plan.ends_at + waited
    return replace(plan, created_at=now, ends_at=ends_at)


def intent_of(
    plan: Plan,
    found: Declared | None,
    settings: Settings,
    own: OwnConfiguration,
    confirmation: Confirmation,
) -> Intent:
    """What was confirmed of ``plan``; where nothing was ``found`` it fits no declaration."""
    request = planner.clean(planner.request_of(plan, confirmation.reason or plan.reason))
    who = whoami()
    if confirmation.rule:
        who = replace(who, name=f"{BY_RULE}{confirmation.rule}")
    return Intent(
        operation=secrets.token_hex(8),
        plan=plan,
        who=who,
        reason=request.reason,
        declaration=digest(settings, found) if found is not None else "",
        config_path=own.path,
        base=own.base,
    )


class Follows(Protocol):
    """What a group is followed by."""

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        ...

    def follow(self, operation: Operation, every: float) -> AsyncIterator[Operation]:
        """The operation until it has its verdict."""
        ...

    async def reconcile(self) -> int:
        """Resume what is left."""
        ...


async def follow(
    operator: Follows, first: Operation, every: float, is_kept: Callable[[], bool]
) -> AsyncIterator[Operation]:
    """``first`` and each of its group after it, each ``every`` seconds until its verdict.

    Ends early where an operation has no verdict and nobody carries it out, and where nobody goes
    on with the group: ``is_kept`` says whether a process is there that does.
    """
    following: Operation | None = first
    while following is not None:
        last = following
        yield last
        async for seen in operator.follow(last, every):
            last = seen
            yield last
        group = last.group
        if not last.state.final or group is None or group.number == group.count:
            return
        following = await _following(operator, last, every, is_kept)


async def _following(
    operator: Follows, before: Operation, every: float, is_kept: Callable[[], bool]
) -> Operation | None:
    missing = 0
    while missing < _LOOKS:
        found = next((each for each in operator.operations() if _is_next(each, before)), None)
        if found is not None:
            return found
        missing = 0 if is_kept() else missing + 1
        if missing == _LOOKS // 2:
            await operator.reconcile()
        await asyncio.sleep(every)
    return None


def _is_next(operation: Operation, before: Operation) -> bool:
    group, last = operation.group, before.group
    if group is None or last is None:
        return False
    return group.id == last.id and group.number == last.number + 1
