"""A plan as plain lines: what would be done, to what, and how success is verified.

Invariant: every call of the plan is named; nothing that would be done is left out.
"""

from collections.abc import Iterator

from opsconsole.model.operation import Copy, Plan
from opsconsole.render.forms.decision import short_ids
from opsconsole.render.ink.figures import one_unit


def copies_text(copies: tuple[Copy, ...]) -> str:
    """Every copy, how it is, and whether the change is for it."""
    return ", ".join(
        f"{each.name} {each.state}" + ("" if each.chosen else " (left alone)") for each in copies
    )


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan, for ``--dry-run`` and before a question."""
    name = f" {plan.name}" if plan.name else ""
    yield f"{plan.kind}{name} {plan.service} in {plan.environment} (danger: {plan.danger})"
    if plan.copies:
        yield f"  copies: {copies_text(plan.copies)}"
    for number, step in enumerate(plan.steps, 1):
        yield f"  {number}. {step.summary}"
        yield f"     {step.driver}: {short_ids(step.target)}"
    yield from (f"  ! {warning}" for warning in plan.warnings)
    yield from (f"  known: {line}" for line in plan.context)
    yield from (f"  observed: {fact} = {value}" for fact, value in plan.fingerprint.items())
    yield from (f"  verified by: {line}" for line in plan.verification)
    yield f"  undone by: {plan.undo}"
    if plan.last_outcome:
        yield f"  last time: {plan.last_outcome}"
    if plan.usual_duration is not None:
        yield f"  usually takes {one_unit(plan.usual_duration)}"
    if plan.ends_at is not None:
        yield f"  ends by itself after {one_unit(plan.ends_at - plan.created_at)}"
