"""A plan and its operation as lines, shown before and after the confirmation is typed.

Invariant: what a person decides by comes first; every call and its pinned target is one key away.
A verdict is shown only when the journal has one.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.operation import ConfirmLevel, Operation, OperationState, Plan, Refusal
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.written.units import format_duration
from opsconsole.render.forms import decision
from opsconsole.render.forms.decision import Setting, short_ids
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip,
    labelled,
    line_width,
    spread,
    state_role,
    wrap,
)
from opsconsole.render.ink.cuts import cut_sentence

LABEL: Final = 13
_EVIDENCE: Final = 6
"""Lines of evidence in the dialog; the journal keeps all of them."""
_LEVELS: Final = 4
"""How often what is least needed is left out before lines are cut."""


def title(plan: Plan) -> str:
    """What would be done, to what."""
    name = f" {plan.name}" if plan.name and plan.name != plan.kind.value else ""
    return f"{decision.verb(plan.kind)}{name} {plan.service}"


def lines(plan: Plan, setting: Setting, width: int, height: int, now: float) -> list[Line]:
    """What a person decides by, in ``height`` lines where that is possible."""
    for level in range(_LEVELS):
        out = _lines(plan, setting, width, level, now)
        if len(out) <= height:
            break
    return out


def _lines(plan: Plan, setting: Setting, width: int, level: int, now: float) -> list[Line]:
    """The lines at a ``level`` of narrowness: 0 has all, 3 what is never left out, cut."""
    blank = [BLANK] if level == 0 else []
    said = decision.sentence(plan, setting)
    parts = [cut_sentence(said, width - 2)] if level >= 3 else wrap(said, width - 2)
    out = [*blank, *((Span(f" {part}", Role.STRONG),) for part in parts)]
    out += [*blank, *_warnings(plan, width, level)]
    out += blank if plan.warnings else []
    for label, text in _fields(plan, setting, level, now):
        out += _field(label, cut_sentence(text, width - LABEL - 3) if level >= 3 else text, width)
    if level < 2:
        for index, line in enumerate(plan.context):
            out += _field("known" if index == 0 else "", line, width)
    if plan.reason and plan.confirm is not ConfirmLevel.TYPED_NAME_AND_REASON and level < 3:
        out += _field("reason", plan.reason, width)
    if level < 2:
        out += [*blank, *_changes(plan, width)]
    return [*out, _folded(plan, width, now, level), *([BLANK] if level < 3 else [])]


def _fields(plan: Plan, setting: Setting, level: int, now: float) -> list[tuple[str, str]]:
    """The questions that a person decides by, in their order, each with its answer."""
    fields = [
        ("who is hit", decision.who_is_hit(plan, setting)),
        ("what is lost", decision.what_is_lost(plan)),
        ("undone by", short_ids(plan.undo) or "nothing: this cannot be undone"),
        ("good when", decision.good_when(plan)),
    ]
    if level < 3:
        fields.append(("else", decision.otherwise(plan)))
    if setting.looked_at_by:
        fields.insert(0, ("who is here", setting.looked_at_by))
    if plan.ends_at is not None:
        lasts = plan.ends_at - plan.created_at
        end = f"by itself after {format_duration(lasts)}, at {figures.zoned(now + lasts)}"
        fields.insert(0, ("ends", end))
    for step in plan.steps:
        if decision.is_command(step) and level < 2:
            fields.insert(0, ("command", decision.command_line(step)))
    if plan.last_outcome and level < 3:
        fields.append(("last time", short_ids(plan.last_outcome)))
    return fields


def _warnings(plan: Plan, width: int, level: int) -> list[Line]:
    """All of them; on little room the first in whole and how many there are besides."""
    named = plan.warnings if level < 2 else plan.warnings[:1]
    out: list[Line] = []
    for warning in named:
        room = max(8, width - 4)
        said = cut_sentence(warning, room - 12) if level >= 3 else warning
        first, *rest = wrap(short_ids(said), room)
        out.append((Span(" ▲ ", Role.DEGRADED), Span(first)))
        out += [(Span(f"   {part}"),) for part in rest]
    more = len(plan.warnings) - len(named)
    if more > 0:
        note = (Span(f"+{more} more: v ", Role.MUTED),)
        if line_width(out[-1]) + line_width(note) >= width:
            out.append(BLANK)
        out[-1] = spread(out[-1], note, width)
    return out


def _changes(plan: Plan, width: int) -> list[Line]:
    out: list[Line] = []
    for index, (fact, before, after) in enumerate(decision.differences(plan)):
        out += _field("changes" if index == 0 else "", f"{fact}  - {before}", width)
        out += _field("", f"{' ' * len(fact)}  + {after}", width)
    return out


def _folded(plan: Plan, width: int, now: float, level: int) -> Line:
    count = len(plan.steps)
    what = f" {count} call{'s' * (count != 1)}"
    keys = "v shows each, with its target" if level == 0 else "and what was seen: v shows them"
    looked = f"looked {figures.age(now - plan.created_at)} ago "
    left: Line = (Span(" ▸", Role.ACCENT), Span(what), Span(f"  {keys}", Role.MUTED))
    return spread(left, (Span(looked, Role.MUTED),), width)


def calls(plan: Plan, width: int) -> list[Line]:
    """Every call with its pinned target, every warning, and what was observed."""
    count = len(plan.steps)
    out: list[Line] = [(Span(" ▾", Role.ACCENT), Span(f" {count} call{'s' * (count != 1)}"))]
    for number, step in enumerate(plan.steps, 1):
        label = "does" if number == 1 else ""
        out += _field(label, short_ids(f"{number}. {step.summary}"), width, Role.STRONG)
        named = step.target in step.summary.split()
        by = step.driver if named else f"{step.driver}: {step.target}"
        out += _field("", short_ids(by), width, Role.MUTED)
    for index, warning in enumerate(plan.warnings):
        out += _field("warns" if index == 0 else "", short_ids(f"▲ {warning}"), width)
    for index, line in enumerate(plan.context):
        out += _field("known" if index == 0 else "", line, width)
    for index, (fact, value) in enumerate(plan.fingerprint.items()):
        label = "observed" if index == 0 else ""
        out += _field(label, short_ids(f"{fact} = {value}"), width, Role.MUTED)
    return [*out, *_changes(plan, width)]


def copies(setting: Setting, chosen: Sequence[str], width: int, cursor: str = "") -> list[Line]:
    """One line for each copy: whether it is chosen, its state, and why it is as it is."""
    name_room = max((len(each.name) for each in setting.instances), default=8)
    name_room = min(name_room, max(8, width // 3))
    out: list[Line] = []
    for index, each in enumerate(setting.instances):
        mark = "[x]" if each.name in chosen else "[ ]"
        here = each.name == cursor
        glyph = "◌" if each.stale else each.state.glyph
        said = _reason(each)
        room = width - LABEL - name_room - 12
        line: Line = (
            Span(f" {'copies' if index == 0 else '':<{LABEL}} ", Role.MUTED),
            Span("▸" if here else " ", Role.ACCENT),
            Span(f"{mark} ", Role.ACCENT if here else Role.TEXT),
            Span(f"{clip(each.name, name_room):<{name_room}}  ", Role.TEXT),
            Span(f"{glyph} ", state_role(each.state, stale=each.stale)),
            Span(cut_sentence(short_ids(said), max(8, room))),
        )
        out.append(line)
    return out


def _field(label: str, text: str, width: int, role: Role = Role.TEXT) -> list[Line]:
    return labelled(label, text, width, room=LABEL, role=role)


def missing(plan: Plan, typed: str, reason: str) -> str:
    """What a person must still do before it can start; '' when nothing is missing."""
    if plan.confirm is ConfirmLevel.CHOICE:
        return ""
    if typed != plan.service:
        return "the name is missing" if not typed else "the name is not right yet"
    if plan.confirm is ConfirmLevel.TYPED_NAME_AND_REASON and not reason:
        return "the reason is missing"
    return ""


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


def running(plan: Plan, run: Operation, setting: Setting, width: int, now: float) -> list[Line]:
    """The plan while it is carried out, and its verdict: the same questions, now answered."""
    out = operation(run, width, now)
    if not run.state.final:
        out += standing(plan, setting, width)
        out += [BLANK, *_field("good when", decision.good_when(plan), width)]
        out += _field("else", decision.otherwise(plan), width)
        out += _field("undone by", short_ids(plan.undo) or "nothing", width)
    elif run.state is not OperationState.VERIFIED:
        out += [BLANK, *_field("undone by", short_ids(plan.undo) or "nothing", width)]
    return out


def standing(plan: Plan, setting: Setting, width: int) -> list[Line]:
    """How each copy that is touched stands now, as it is looked at by everybody."""
    names = decision.touched(plan)
    seen = [each for each in setting.instances if each.name in names]
    out: list[Line] = [BLANK] if seen else []
    for index, each in enumerate(seen):
        head = f" {'copies' if index == 0 else '':<{LABEL}} "
        said = f"{each.name}  {_reason(each)}"
        glyph = "◌" if each.stale else each.state.glyph
        mark = Span(f"{glyph} ", state_role(each.state, stale=each.stale))
        room = max(8, width - len(head) - 3)
        out.append((Span(head, Role.MUTED), mark, Span(cut_sentence(short_ids(said), room))))
    return out


def _reason(copy: InstanceView) -> str:
    """Why a copy is as it is, or the word for how it is."""
    word = "stale" if copy.stale else copy.state.value
    return copy.reason or (str(copy.fault) if copy.fault else "") or word


def look_of(run: Operation) -> tuple[str, Role, str]:
    """The glyph, its role and the words of where an operation stands."""
    if run.corrected:
        return "▲", Role.DEGRADED, verdict(run)
    return _VERDICTS.get(run.state, ("▸", Role.ACCENT, word_of(run.state)))


def word_of(state: OperationState) -> str:
    """Where an operation stands, in a word that says it to who does not know the journal."""
    return "begins" if state is OperationState.INTENT else state.value


def verdict(run: Operation) -> str:
    """``verified``; ``verified, web-1 died again after 28 s`` where it was corrected."""
    return f"{run.state.value}, {run.corrected}" if run.corrected else word_of(run.state)


def _summary(run: Operation) -> str:
    """The summary, without what the verdict says already."""
    return run.summary.removeprefix(f"{run.corrected}; ") if run.corrected else run.summary


def operation(run: Operation, width: int, now: float, most: int = _EVIDENCE) -> list[Line]:
    """One operation as the journal has it: its steps as they proceed, and finally its verdict.

    ``most`` lines of evidence are shown.
    """
    glyph, role, word = look_of(run)
    took = (run.ended_at or now) - run.started_at
    usual = f" · usually {figures.age(run.usual_duration)}" if run.usual_duration else ""
    by = Span(f"  {figures.age(took)}{usual} · by {run.who} on {run.host}", Role.MUTED)
    out: list[Line] = [(Span(f" {glyph} {word}", role), by)]
    out += [(Span(f"   {text}", Role.STRONG),) for text in _wrapped(_summary(run), width)]
    out.append(BLANK)
    for step in run.steps:
        mark, look = _STEP_LOOKS.get(step.state, ("·", Role.MUTED))
        first, *rest = wrap(step.summary, max(8, width - 4))
        out.append((Span(f" {mark} ", look), Span(first)))
        out += [(Span(f"   {text}"),) for text in rest]
        if step.detail and step.detail not in run.summary:
            out += [(Span(f"   {text}", Role.MUTED),) for text in wrap(step.detail, width - 4)]
    evidence = unsaid(run) + [f"next: {step}" for step in run.next_steps]
    for item in evidence[:most]:
        out.append((Span(f"   {clip(item, width - 4)}", Role.MUTED),))
    left = len(evidence) - most
    if left > 0:
        out.append((Span(f"   and {left} more: opsconsole operations {run.id}", Role.MUTED),))
    return out


def unsaid(run: Operation) -> list[str]:
    """The evidence that neither the steps nor the verdict say already, each line once."""
    named = tuple(step.summary for step in run.steps)
    seen = (item for item in run.evidence if not item.startswith(named))
    return list(dict.fromkeys(item for item in seen if item not in run.summary))


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, max(8, width - 4)) if text else []
