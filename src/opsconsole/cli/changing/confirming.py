"""The confirmation of a plan by the user at the terminal.

Invariant: only what the plan asks for confirms it, a typed word or the service's name; anything
else is no.
"""

from opsconsole.model.operation import Confirmation, ConfirmLevel, Plan


def confirm(plan: Plan, reason: str, *, indent: str = "") -> Confirmation | None:
    """What the person does; None for no. ``reason`` is asked for where it is needed and empty."""
    where = f"{plan.kind} {plan.service} in {plan.environment}"
    if plan.confirm is ConfirmLevel.CHOICE:
        answer = input(f"{indent}{where}? type 'yes': ")
        return Confirmation(reason=reason) if answer.strip() == "yes" else None
    asked = f"type the service's name to {plan.kind} it in {plan.environment}: "
    typed = input(f"{indent}{asked}").strip()
    if typed != plan.service:
        return None
    if plan.confirm is ConfirmLevel.TYPED_NAME_AND_REASON and not reason:
        reason = input(f"{indent}reason: ").strip()
    return Confirmation(typed=typed, reason=reason)
