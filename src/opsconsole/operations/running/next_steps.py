"""What a person may do after a verdict that is not ``verified``.

Invariant: a failed or inconclusive verdict never stands alone: it says where to look, how to go
back where that is declared, and what will happen by itself.
"""

from typing import Final

from opsconsole.model.operation import ActionKind, OperationState, Plan

_OPEN: Final = frozenset({OperationState.FAILED, OperationState.INCONCLUSIVE})


def next_steps(
    plan: Plan, state: OperationState, operation: str, can_roll_back: bool, countdown: float
) -> tuple[str, ...]:
    """The lines for a verdict; () for one that needs none.

    ``countdown`` seconds later the service is rolled back by itself; 0 for not at all.
    """
    if state not in _OPEN:
        return ()
    lines = [_look(plan, state), _back(plan, can_roll_back and not countdown)]
    if countdown:
        lines.append(
            f"{plan.service} is rolled back by itself after {countdown:g} s; to stop that: "
            f"opsconsole operations stop-rollback {operation}"
        )
    return tuple(line for line in lines if line)


def _look(plan: Plan, state: OperationState) -> str:
    if plan.kind is ActionKind.BACKUP:
        return f"look at what there is: opsconsole backups {plan.service} --verify"
    doubt = " before you do more" if state is OperationState.INCONCLUSIVE else ""
    return f"look at {plan.service}{doubt}: its logs, and opsconsole status {plan.service}"


def _back(plan: Plan, can_roll_back: bool) -> str:
    if can_roll_back:
        return f"roll back: opsconsole rollback {plan.service} --reason WHY"
    if plan.kind is ActionKind.ROLLBACK:
        return "a rollback is never rolled back: deploy the version that is wanted"
    if plan.kind is ActionKind.RESTORE:
        return f"to undo it: {plan.undo}"
    return ""
