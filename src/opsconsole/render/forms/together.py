"""One plan for several services: what a person decides by, the steps of each, and how far it is.

Invariant: every service that was asked for is named: in its turn, or with why it cannot. What is
the same of several is said once, with their names. Nothing that was not begun looks begun.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from opsconsole.model.operation import (
    ActionRequest,
    ConfirmLevel,
    Operation,
    OperationState,
    Plan,
    Refusal,
    confirming_level,
    confirming_word,
)
from opsconsole.render.forms import decision
from opsconsole.render.forms import plan as one
from opsconsole.render.forms.decision import Setting, short_ids
from opsconsole.render.forms.plan_text import plan_lines
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, labelled, spread, wrap
from opsconsole.render.ink.cuts import cut_sentence

STOPS: Final = "it stops at the first that is not verified; what is not begun then is not begun"
_LEVELS: Final = 4

Refusals = Mapping[str, Refusal]
Settings = Mapping[str, Setting]


def title(requests: Sequence[ActionRequest]) -> str:
    """``restart 3 services``."""
    return f"{_verb(requests[0])} {_services(len(requests))}"


def choice(plans: Sequence[Plan]) -> str:
    """The words of the choice that starts it."""
    alone = len(plans) == 1
    return decision.choice(plans[0]) if alone else f"{_verb(plans[0])} {_services(len(plans))}"


def sentence(plans: Sequence[Plan]) -> str:
    """What would happen, in figures: to how many, in which order, how long."""
    copies = sum(len(decision.touched(plan)) for plan in plans)
    counted = f", {copies} cop{'y' if copies == 1 else 'ies'}" if copies else ""
    order = ", one after the other" if len(plans) > 1 else ""
    usual = [plan.usual_duration for plan in plans if plan.usual_duration is not None]
    least = "" if len(usual) == len(plans) else "more than "
    about = f", {least or 'about '}{figures.spoken(sum(usual))}" if usual else ""
    return f"{_verb(plans[0])} {_services(len(plans))}{counted}{order}{about}."


def cannot(plans: Sequence[Plan], refused: Refusals) -> list[str]:
    """``1 of 2 can: worker: …``, a line for each that cannot."""
    total = len(plans) + len(refused)
    lines = [f"{name}: {refusal}" for name, refusal in refused.items()]
    return [f"{len(plans)} of {total} can: {line}" if n == 0 else line
            for n, line in enumerate(lines)]  # fmt: skip


def text(plans: Sequence[Plan], refused: Refusals) -> Iterator[str]:
    """All of it as plain lines, for a terminal without a screen."""
    if plans:
        yield sentence(plans)
    yield from (f"  ! {line}" for line in cannot(plans, refused))
    if len(plans) > 1:
        yield f"  {STOPS}"
    for plan in plans:
        yield from plan_lines(plan)


def lines(
    plans: Sequence[Plan],
    refused: Refusals,
    settings: Settings,
    width: int,
    height: int,
    now: float,
) -> list[Line]:
    """What a person decides by, in ``height`` lines where that is possible."""
    for level in range(_LEVELS):
        out = _lines(plans, refused, settings, width, level, now)
        if len(out) <= height:
            break
    return out


def _lines(
    plans: Sequence[Plan], refused: Refusals, settings: Settings, width: int, level: int, now: float
) -> list[Line]:
    blank = [BLANK] if level == 0 else []
    out: list[Line] = [*blank, (Span(f" {cut_sentence(sentence(plans), width - 2)}", Role.STRONG),)]
    out += blank
    for line in cannot(plans, refused):
        first, *rest = wrap(short_ids(line), max(8, width - 4))
        out.append((Span(" ▲ ", Role.DEGRADED), Span(first)))
        out += [(Span(f"   {part}"),) for part in rest if level < 3]
    out += blank if refused else []
    fields = [
        ("who is hit", _shared(plans, lambda each: decision.who_is_hit(each, _at(settings, each)))),
        ("what is lost", _shared(plans, decision.what_is_lost)),
        ("undone by", _shared(plans, lambda each: short_ids(each.undo) or "nothing")),
        ("good when", _shared(plans, decision.good_when)),
        ("else", [STOPS] if len(plans) > 1 else [decision.otherwise(plans[0])]),
    ]
    for label, said in fields:
        for at, each in enumerate(said if level < 2 else [" · ".join(said)]):
            cut = cut_sentence(each, width - one.LABEL - 3) if level >= 2 else each
            out += labelled("" if at else label, cut, width, room=one.LABEL)
    out += blank
    for number, plan in enumerate(plans, 1):
        out.append(_row(number, plan, _at(settings, plan), width))
        if level < 3:
            out += _warnings(plan, width, 3 if level == 0 else 1)
    return [*out, *blank, _folded(plans, width, now)]


def calls(plans: Sequence[Plan], width: int) -> list[Line]:
    """Every call of each, with its target and what was observed."""
    out: list[Line] = []
    for plan in plans:
        out += [(Span(f" {one.title(plan)}", Role.HEADER),), *one.calls(plan, width), BLANK]
    return out[:-1]


def running(
    plans: Sequence[Plan], runs: Mapping[str, Operation], width: int, now: float
) -> list[Line]:
    """How far it is: a row for each, with its verdict, or that it waits for its turn."""
    out = [BLANK, (Span(f" {progress(plans, runs)}", Role.STRONG),), BLANK]
    for number, plan in enumerate(plans, 1):
        run = runs.get(plan.service)
        out += [_waiting(number, plan, width)] if run is None else _run(number, run, width, now)
    if not over(plans, runs):
        out += [BLANK, *labelled("else", STOPS, width, room=one.LABEL)]
    return out


def progress(plans: Sequence[Plan], runs: Mapping[str, Operation]) -> str:
    """``1 of 3 verified``, and what stopped it."""
    verified = [run for run in runs.values() if run.state is OperationState.VERIFIED]
    said = f"{len(verified)} of {len(plans)} verified"
    stopped = next((run for run in in_order(plans, runs) if _stops(run)), None)
    if stopped is not None:
        return f"{said}; stopped at {stopped.service}: {stopped.state}"
    return said


def in_order(plans: Sequence[Plan], runs: Mapping[str, Operation]) -> list[Operation]:
    """The operations that there are, in the order of their turns."""
    return [runs[plan.service] for plan in plans if plan.service in runs]


def over(plans: Sequence[Plan], runs: Mapping[str, Operation]) -> bool:
    """Whether each of them has its end."""
    return len(runs) >= len(plans) and all(run.state.final for run in runs.values())


def none_can(refused: Refusals, width: int) -> list[Line]:
    """Why none of them can."""
    out: list[Line] = []
    for line in cannot((), refused):
        out += labelled("" if out else "refused", line, width, room=one.LABEL)
    return out


def missing(plans: Sequence[Plan], typed: str, reason: str) -> str:
    """What a person must still do before it can start; '' when nothing is missing."""
    level, word = confirming_level(plans), confirming_word(plans)
    what = "name" if len(plans) == 1 else "number"
    if level is ConfirmLevel.CHOICE:
        return ""
    if typed != word:
        return f"{what} missing" if not typed else f"not that {what}"
    if level is ConfirmLevel.TYPED_NAME_AND_REASON and not reason:
        return "reason missing"
    return ""


def _stops(run: Operation) -> bool:
    return run.state.final and run.state is not OperationState.VERIFIED


def _shared(plans: Sequence[Plan], said: Callable[[Plan], str]) -> list[str]:
    """What is said of each, once for all of whom it is the same."""
    found: dict[str, list[str]] = {}
    for plan in plans:
        found.setdefault(said(plan), []).append(plan.service)
    if len(found) == 1:
        return list(found)
    return [f"{', '.join(names)}: {text}" for text, names in found.items()]


def _row(number: int, plan: Plan, setting: Setting, width: int) -> Line:
    head = f" {'services' if number == 1 else '':<{one.LABEL}} {number}. {plan.service}  "
    said = decision.sentence(plan, setting)
    return (Span(head), Span(cut_sentence(said, max(8, width - len(head))), Role.MUTED))


def _warnings(plan: Plan, width: int, most: int) -> list[Line]:
    indent = " " * (one.LABEL + 5)
    out: list[Line] = []
    for warning in plan.warnings[:most]:
        said = cut_sentence(short_ids(warning), max(8, width - len(indent) - 3))
        out.append((Span(f"{indent}▲ ", Role.DEGRADED), Span(said)))
    return out


def _folded(plans: Sequence[Plan], width: int, now: float) -> Line:
    count = sum(len(plan.steps) for plan in plans)
    looked = figures.age(now - min(plan.created_at for plan in plans))
    left: Line = (
        Span(" ▸", Role.ACCENT),
        Span(f" {count} call{'s' * (count != 1)}"),
        Span("  v shows each, with its target", Role.MUTED),
    )
    return spread(left, (Span(f"looked {looked} ago ", Role.MUTED),), width)


def _waiting(number: int, plan: Plan, width: int) -> Line:
    return (Span(clip(f" · {number}. {plan.service}  waits for its turn", width), Role.MUTED),)


def _run(number: int, run: Operation, width: int, now: float) -> list[Line]:
    glyph, role, word = one.look_of(run)
    took = figures.age((run.ended_at or now) - run.started_at)
    head: Line = (Span(f" {glyph} {number}. ", role), Span(run.service, Role.STRONG),
                  Span(f"  {word}", role), Span(f"  {took}", Role.MUTED))  # fmt: skip
    step = next((step.summary for step in run.steps if step.state == "running"), "")
    said = run.summary or step
    return [head, *((Span(f"      {part}"),) for part in (wrap(said, width - 8) if said else []))]


def _at(settings: Settings, plan: Plan) -> Setting:
    return settings.get(plan.service, Setting())


def _verb(of: ActionRequest | Plan) -> str:
    named = f" {of.name}" if of.name and of.name != of.kind.value else ""
    return f"{decision.verb(of.kind)}{named}"


def _services(count: int) -> str:
    return f"{count} service{'s' * (count != 1)}"
