"""What else a person should know before deciding on a plan: the last backup, the error budget.

Invariant: looks only, and never stands in the way of a plan: what cannot be looked up is reported
as such. A backup counts when it is whole; it was read back and compared when it was made.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.errors import OpsconsoleError
from opsconsole.model.diagnosis import FactCode, recurring_end
from opsconsole.model.objectives import Attainment
from opsconsole.model.operation import SILENCING, TAKES_AWAY, ActionKind, Effect, Plan
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.operations.backups.catalogue import age_of, backups
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.space import files_text, size_text
from opsconsole.operations.drivers import registry
from opsconsole.threads import BoundedExecutor, QueueFullError

_LOOKING: Final = 5.0
"""Seconds for listing the backups."""


async def with_context(
    plan: Plan, settings: Settings, base: Path, snapshot: Snapshot | None, threads: BoundedExecutor
) -> Plan:
    """``plan`` with what is known of the service's backups and of its error budgets."""
    if plan.effect is Effect.READ or plan.kind in SILENCING:
        return plan
    try:
        backup = await threads.run(lambda: _last_backup(plan, settings, base), deadline=_LOOKING)
    except (TimeoutError, QueueFullError, OSError, OpsconsoleError) as error:
        backup = f"the backups cannot be listed: {str(error) or type(error).__name__}"
    service = snapshot.service(plan.service) if snapshot else None
    if service is None:
        return replace(plan, context=(*plan.context, *filter(None, (backup,))))
    return replace(
        plan,
        context=(*plan.context, *filter(None, (backup,)), *_budgets(plan, service)),
        warnings=(*_in_vain(plan, service), *plan.warnings),
    )


def _in_vain(plan: Plan, service: ServiceView) -> Iterator[str]:
    """Whether what ended again and again will end again after a restart."""
    ends = recurring_end(service.diagnosis) if plan.kind is ActionKind.RESTART else None
    if ends is None:
        return
    what = "was killed for memory" if ends.code is FactCode.OUT_OF_MEMORY else "ended by itself"
    spent = (ends.until or 0.0) - (ends.at or 0.0)
    over = f" in {_time(spent)}" if ends.at is not None and spent > 0 else ""
    yield f"{ends.subject} {what} {ends.count}×{over}: a restart will not last"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _last_backup(plan: Plan, settings: Settings, base: Path) -> str:
    """How old the newest whole backup is; '' where the console keeps none for the service."""
    action = settings.services[plan.service].actions.backup
    if action is None or not registry.traits(action).keeps_backups:
        return ""
    listed = backups(store_of(settings, plan.service, base), plan.service)
    newest = next((each for each in listed if each.whole), None)
    if newest is None:
        advice = "" if plan.kind is ActionKind.BACKUP else "; make one first if in doubt"
        return f"there is no verified backup of {plan.service}{advice}"
    contents = f"{files_text(newest.files)}, {size_text(newest.size)}"
    return f"last verified backup: {age_of(newest)} old ({newest.id}: {contents})"


def _budgets(plan: Plan, service: ServiceView) -> Iterator[str]:
    for each in service.objectives:
        if each.budget_left is None:
            continue
        if each.early:
            yield f"{each.objective}: early, too little was seen to say what is left of the budget"
        else:
            left = f"{each.objective}: {_share(each.budget_left)} of the error budget is left"
            yield f"{left}{_cost(plan, each, len(service.instances))}"


def _cost(plan: Plan, objective: Attainment, instances: int) -> str:
    """What the change itself takes of the budget, when its instances go away one by one.

    The usual duration has the wait for the verdict in it, so it is the most that it costs.
    """
    left, seconds = objective.budget_left or 0.0, objective.budget_seconds or 0.0
    if plan.kind not in TAKES_AWAY or plan.usual_duration is None or left <= 0 or seconds <= 0:
        return ""
    cost = plan.usual_duration / max(1, instances)
    more = ", more than is left" if cost > seconds else ""
    share = _share(cost * left / seconds)
    return f"; a {plan.kind} costs up to {cost:.0f} s = {share} of the budget{more}"


def _share(fraction: float) -> str:
    percent = fraction * 100
    return f"{percent:.0f} %" if abs(percent) >= 10 else f"{percent:.1f} %"
