"""A plan and its operation as lines, shown before and after the confirmation is typed.

Invariant: every call and its pinned target is shown, as well as what was observed, what will be
verified and how it is undone; nothing that would be done is left out. A verdict is shown only when
the journal has one.
"""

from opsconsole.model.operation import ConfirmLevel, Operation, OperationState, Plan, Refusal
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, labelled, wrap

_LABEL = 11
_EVIDENCE = 6
"""Lines of evidence in the dialog; the journal keeps all of them."""


def title(plan: Plan) -> str:
    """What would be done, to what."""
    name = f" ({plan.name})" if plan.name and plan.name != plan.kind.value else ""
    return f"{plan.kind.value}{name} {plan.service}"


def lines(plan: Plan, width: int, now: float) -> list[Line]:
    """The whole plan."""
    out: list[Line] = []
    for number, step in enumerate(plan.steps, 1):
        out += _field(
            "does" if number == 1 else "", f"{number}. {step.summary}", width, Role.STRONG
        )
        out += _field("", f"{step.driver}: {step.target}", width, Role.MUTED)
    for index, warning in enumerate(plan.warnings):
        out += _field("warns" if index == 0 else "", f"▲ {warning}", width, Role.DEGRADED)
    for index, line in enumerate(plan.context):
        out += _field("known" if index == 0 else "", line, width)
    out += _facts(plan, width)
    for index, check in enumerate(plan.verification):
        out += _field("verifies" if index == 0 else "", check, width)
    out += _field("undone by", plan.undo or "nothing: this cannot be undone", width)
    if plan.ends_at is not None:
        end = f"by itself in {figures.age(plan.ends_at - now)}, at {figures.clock(plan.ends_at)}Z"
        out += _field("ends", end, width)
    if plan.usual_duration is not None or plan.last_outcome:
        usual = f"about {figures.age(plan.usual_duration)}" if plan.usual_duration else ""
        last = f"last time: {plan.last_outcome}" if plan.last_outcome else ""
        out += _field("takes", " · ".join(part for part in (usual, last) if part), width)
    if plan.reason:
        out += _field("reason", plan.reason, width)
    return out


def _facts(plan: Plan, width: int) -> list[Line]:
    out: list[Line] = []
    for index, (fact, value) in enumerate(plan.fingerprint.items()):
        out += _field("observed" if index == 0 else "", f"{fact} = {value}", width, Role.MUTED)
    return out


def _field(label: str, text: str, width: int, role: Role = Role.TEXT) -> list[Line]:
    return labelled(label, text, width, room=_LABEL, role=role)


def question(plan: Plan) -> str:
    """What a person must do for it to start."""
    if plan.confirm is ConfirmLevel.CHOICE:
        return "choose with tab, start with space; enter never starts anything"
    if plan.confirm is ConfirmLevel.TYPED_NAME:
        return f"type {plan.service} to allow it; enter never starts anything"
    return f"type {plan.service} and a reason to allow it; enter never starts anything"


def refusal(refused: Refusal, width: int) -> list[Line]:
    """Why not, and what would lift it."""
    out = _field("refused", refused.message, width, Role.STRONG)
    if refused.lifted_by:
        out += _field("lifted by", refused.lifted_by, width)
    return [*out, *_field("", f"({refused.code})", width, Role.FAINT)]


_VERDICTS = {
    OperationState.VERIFIED: ("●", Role.OK, "verified"),
    OperationState.FAILED: ("✖", Role.DOWN, "failed"),
    OperationState.INCONCLUSIVE: ("?", Role.UNKNOWN, "inconclusive: look before doing more"),
    OperationState.UNKNOWN: ("?", Role.UNKNOWN, "unknown whether the call took effect"),
    OperationState.REFUSED: ("✖", Role.STRONG, "refused"),
}
_STEP_LOOKS = {
    "done": ("✓", Role.OK),
    "failed": ("✖", Role.DOWN),
    "unknown": ("?", Role.UNKNOWN),
    "running": ("▸", Role.ACCENT),
}


def operation(run: Operation, width: int, now: float, most: int = _EVIDENCE) -> list[Line]:
    """One operation as the journal has it: its steps as they proceed, and finally its verdict.

    ``most`` lines of evidence are shown.
    """
    glyph, role, word = _VERDICTS.get(run.state, ("▸", Role.ACCENT, run.state.value))
    took = (run.ended_at or now) - run.started_at
    usual = f" · usually {figures.age(run.usual_duration)}" if run.usual_duration else ""
    head: Line = (
        Span(f" {glyph} {word}", role),
        Span(f"  {figures.age(took)}{usual} · by {run.who} on {run.host}", Role.MUTED),
    )
    out: list[Line] = [head, BLANK]
    for step in run.steps:
        mark, look = _STEP_LOOKS.get(step.state, ("·", Role.MUTED))
        first, *rest = wrap(step.summary, max(8, width - 4))
        out.append((Span(f" {mark} ", look), Span(first)))
        out += [(Span(f"   {text}"),) for text in rest]
        if step.detail:
            out += [(Span(f"   {text}", Role.MUTED),) for text in wrap(step.detail, width - 4)]
    if run.summary:
        out += [BLANK, *((Span(f" {text}"),) for text in wrap(run.summary, width - 2))]
    named = tuple(step.summary for step in run.steps)
    evidence = [item for item in run.evidence if not item.startswith(named)]
    evidence += [f"next: {step}" for step in run.next_steps]
    for item in evidence[:most]:
        out.append((Span(f"   {clip(item, width - 4)}", Role.MUTED),))
    left = len(evidence) - most
    if left > 0:
        out.append((Span(f"   and {left} more: opsconsole operations {run.id}", Role.MUTED),))
    return out
