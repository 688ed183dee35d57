"""Operations of all consoles, as rows, badges and details.

Invariant: a running operation is shown with who started it, from where and when; a bar compares the
elapsed time with the usual one, and says so if that is unknown; a verdict is shown only when the
journal has one, and a bad verdict lists what can be done next.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.model.maintenance import Maintenance, maintained
from opsconsole.model.operation import (
    ActionKind,
    Degradation,
    Operation,
    OperationState,
)
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import people
from opsconsole.render.alerts import silence_words
from opsconsole.render.alerts.silence_words import is_about_alerts
from opsconsole.render.automation.words import asked, countdown, worked_on
from opsconsole.render.forms import plan as plan_lines
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    labelled,
    line_width,
)
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.runbooks import standing

_LABEL: Final = 9
"""Cells of the labels before what is said of one."""

_TOLD: Final = 900.0
"""Seconds for which a service's row says that its last operation did not last."""

RUNNING: Final = "▶"
ON_PURPOSE: Final = "◐"
ARMED: Final = "↻"
RUNBOOK: Final = "≡"
UNHAPPY: Final = frozenset(
    {OperationState.FAILED, OperationState.INCONCLUSIVE, OperationState.UNKNOWN}
)
_LOOKS: Final = {
    OperationState.VERIFIED: ("●", Role.OK),
    OperationState.FAILED: ("✖", Role.DOWN),
    OperationState.INCONCLUSIVE: ("?", Role.UNKNOWN),
    OperationState.UNKNOWN: ("?", Role.UNKNOWN),
    OperationState.REFUSED: ("✖", Role.MUTED),
}


def _look(run: Operation) -> tuple[str, Role]:
    """The glyph of where an operation stands, and its role."""
    if run.corrected:
        return "▲", Role.DEGRADED
    return _LOOKS.get(run.state, (RUNNING, Role.ACCENT))


def corrected(run: Operation) -> str:
    """``▲ restart verified, web-1 died again after 28 s``."""
    return f"▲ {what(run)} {plan_lines.verdict(run)}"


def what(run: Operation) -> str:
    """The action and its name: ``restart``, ``test database``."""
    named = run.name if run.name and run.name != run.kind.value else ""
    return f"{run.kind.value} {named}".strip()


def whose(run: Operation | Degradation) -> str:
    """Who, from where."""
    return f"{run.who}@{run.host}" if run.host else run.who


def place_in_group(run: Operation) -> str:
    """``  [2 of 3 of group 1a2b…; then db]``; '' for one that was confirmed alone."""
    group = run.group
    if group is None:
        return ""
    then = "" if run.state.final or not group.then else f"; then {', '.join(group.then)}"
    return f"  [{group.number} of {group.count} of group {group.id}{then}]"


def under_way(snapshot: Snapshot | None) -> tuple[Operation, ...]:
    """Operations without a verdict, of all consoles, newest first."""
    runs = snapshot.operations if snapshot else ()
    return tuple(run for run in runs if not run.state.final)


def order(operations: Iterable[Operation]) -> list[Operation]:
    """Running ones first, then the rest; the newest first in each."""
    return sorted(operations, key=lambda run: (run.state.final, -run.started_at))


def activity(run: Operation, now: float) -> str:
    """``▶ restart 12s by ops@bastion-2``."""
    if run.state is OperationState.UNKNOWN:
        return f"? {what(run)}: unknown whether it took effect, by {whose(run)}"
    group = run.group
    place = f", {group.number} of {group.count}" if group is not None else ""
    return f"{RUNNING} {what(run)} {figures.age(now - run.started_at)}{place} by {whose(run)}"


def armed(run: Operation, now: float) -> str:
    """``↻ restart failed: rolls back by itself in 25s``; '' if nothing is armed."""
    if run.rollback_at is None:
        return ""
    left = figures.age(run.rollback_at - now)
    return f"{ARMED} {what(run)} {run.state.value}: rolls back by itself in {left}"


def arming(snapshot: Snapshot | None) -> tuple[Operation, ...]:
    """Operations with an automatic rollback that a person can still stop, newest first."""
    runs = snapshot.operations if snapshot else ()
    return tuple(run for run in runs if run.rollback_at is not None)


def degraded(lasting: Degradation, now: float) -> str:
    """``◐ degraded on purpose, ends in 12m00s, by kim: high load``; or that its end has passed."""
    left = lasting.ends_at - now
    end = f"ends in {figures.age(left)}" if left > 0 else f"end passed {figures.age(-left)} ago"
    tried = f", {lasting.attempts} tries to recover failed" if lasting.attempts else ""
    why = f": {lasting.reason}" if lasting.reason else ""
    return f"{ON_PURPOSE} degraded on purpose, {end}{tried}, by {whose(lasting)}{why}"


def _shortly(lasting: Degradation, now: float) -> str:
    """The most important first, for a narrow column."""
    left = lasting.ends_at - now
    end = f"{figures.age(left)} more" if left > 0 else f"{figures.age(-left)} past its end"
    why = f": {lasting.reason}" if lasting.reason else ""
    return f"{ON_PURPOSE} degraded {end}, on purpose, by {lasting.who}{why}"


def activities(snapshot: Snapshot | None, now: float) -> dict[str, str]:
    """What each service's activity is; an operation takes precedence over a degradation."""
    if snapshot is None:
        return {}
    said = {name: worked_on(each, now) for name, each in _worked_on(snapshot, now)}
    said |= {run.service: corrected(run) for run in _in_vain(snapshot, now)}
    said |= {each.service: _shortly(each, now) for each in reversed(snapshot.degradations)}
    said |= {run.service: armed(run, now) for run in reversed(arming(snapshot))}
    said |= {each.service: countdown(each, now) for each in counting(snapshot)}
    said |= {run.service: activity(run, now) for run in reversed(under_way(snapshot))}
    return said


def counting(snapshot: Snapshot) -> tuple[Episode, ...]:
    """What automation begins soon, the first to begin first."""
    return snapshot.automation.counting if snapshot.automation else ()


def _worked_on(snapshot: Snapshot, now: float) -> Iterator[tuple[str, Maintenance]]:
    """Each service that is worked on, with the maintenance that it is in."""
    for service in snapshot.services if snapshot.maintenances else ():
        found = maintained(snapshot.maintenances, service.name, now)
        if found is not None:
            yield service.name, found


def beside_rows(snapshot: Snapshot | None, now: float) -> dict[str, str]:
    """What is being done to each service; where nothing is, who else is looking at it."""
    doing = activities(snapshot, now)
    present = snapshot.present if snapshot is not None else ()
    for service in {each.service for each in present} - {"", *doing}:
        said = people.mark(present, service)
        if said:
            doing[service] = said
    return doing


def _in_vain(snapshot: Snapshot, now: float) -> list[Operation]:
    """The last operation of each service, where its verdict was corrected not long ago."""
    last: dict[str, Operation] = {}
    for run in snapshot.operations:
        last.setdefault(run.service, run)
    return [run for run in last.values() if run.corrected and now - run.updated_at < _TOLD]


def badges(snapshot: Snapshot | None, service: str, width: int, now: float) -> list[Line]:
    """The operations and the degradation of ``service``, one line each."""
    if snapshot is None:
        return []
    said = [activity(run, now) for run in under_way(snapshot) if run.service == service]
    said += [corrected(run) for run in _in_vain(snapshot, now) if run.service == service]
    said += [
        f"{armed(run, now)}; {_how_to_stop()}" for run in arming(snapshot) if run.service == service
    ]
    said += [degraded(each, now) for each in snapshot.degradations if each.service == service]
    said += [worked_on(each, now) for name, each in _worked_on(snapshot, now) if name == service]
    said += [
        f"{countdown(each, now)}; {key_of('stop-automation', 'K')} stops it"
        for each in counting(snapshot)
        if each.service == service
    ]
    said += [
        asked(each)
        for each in (snapshot.automation.asking if snapshot.automation else ())
        if each.service == service
    ]
    looks = people.looking(snapshot.present, service)
    said += [f"{people.LOOKS} {looks}"] if looks else []
    going = (run for run in snapshot.runbook_runs if run.open and run.service == service)
    said += [f"{RUNBOOK} {run.title}: {standing(run, now)}" for run in going]
    return [(Span(f" {clip(text, width - 2)}", Role.ACCENT),) for text in said]


def strips(
    snapshot: Snapshot | None, width: int, now: float, *, away: bool, most: int = 1
) -> list[Line]:
    """What ended while the user was away, else what is under way, in at most ``most`` lines."""
    runs = under_way(snapshot)
    if snapshot is not None and away and snapshot.missed:
        more = len(snapshot.missed) - 1
        said = missed(snapshot.missed[-1], now) + (
            f"; {more} more: {key_of('operations', 'u')}" if more else ""
        )
        return [_filled((Span(f" {clip(said, width - 2)}", Role.BAR_STRONG),), width)]
    waiting = arming(snapshot)
    if waiting:
        said = f"{waiting[0].service} {armed(waiting[0], now)}; {_how_to_stop()}"
        return [_filled((Span(f" {clip(said, width - 2)}", Role.BAR_DEGRADED),), width)]
    shown = list(reversed(runs))[:most]
    left = len(runs) - len(shown)
    more_text = f"  +{left} more" if left else ""
    return [
        _strip(each, more_text if each is shown[-1] else "", width, now, last=each is shown[-1])
        for each in shown
    ]


def _how_to_stop() -> str:
    return f"{key_of('operations', 'u')}, then {key_of('stop-rollback', 'S')} stops it"


def _strip(run: Operation, more: str, width: int, now: float, *, last: bool) -> Line:
    """One operation: what and since when, by whom from where, and how far it is."""
    tail: Line = (
        (Span(f"{more}  {key_of('operations', 'u')} operations ", Role.BAR_MUTED),) if last else ()
    )
    room = max(10, width - line_width(tail) - 13)
    head = clip(f" {run.service} {activity(run, now)}", room)
    step = clip(_step_now(run), max(0, width - len(head) - line_width(tail) - 18))
    line: Line = (
        Span(f"{head} ", Role.BAR_STRONG),
        *_on_bar(bar(run, 10, now)),
        Span(f" {step}", Role.BAR),
    )
    room = width - line_width(tail)
    kept = clip_line(line, room)
    return (*kept, Span(" " * max(0, room - line_width(kept)), Role.BAR), *tail)


def _filled(line: Line, width: int) -> Line:
    return (*line, Span(" " * max(0, width - line_width(line)), Role.BAR))


def _step_now(run: Operation) -> str:
    running = [step.summary for step in run.steps if step.state == "running"]
    done = sum(step.state == "done" for step in run.steps)
    at = f"{done}/{len(run.steps)}" if run.steps else ""
    doing = running[0] if running else plan_lines.word_of(run.state)
    return f"{at} {doing}".strip()


def bar(run: Operation, width: int, now: float) -> Line:
    """A bar of the usual time that has passed, or of the steps done if that is unknown."""
    share = progress(run, now)
    full = int(min(1.0, share) * width)
    return (Span("━" * full, Role.ACCENT), Span("┄" * (width - full), Role.FAINT))


def _on_bar(drawn: Line) -> Line:
    """A progress bar in the colours of its strip."""
    full, rest = drawn
    return (Span(full.text, Role.BAR_STRONG), Span(rest.text, Role.BAR_MUTED))


def progress(run: Operation, now: float) -> float:
    """The elapsed part of the usual duration, else of the steps; 1 or more when late."""
    if run.state.final:
        return 1.0
    if run.usual_duration is not None and run.usual_duration > 0:
        return max(0.0, now - run.started_at) / run.usual_duration
    done = sum(step.state in {"done", "failed", "unknown"} for step in run.steps)
    return done / len(run.steps) if run.steps else 0.0


def timing(run: Operation, now: float) -> str:
    """The time it has taken, and the usual one."""
    took = (now if run.ended_at is None else run.ended_at) - run.started_at
    said = figures.age(took)
    if run.usual_duration is None:
        return f"{said}, usual time not known"
    over = took - run.usual_duration
    if not run.state.final and over > 0:
        return f"{said}, {figures.age(over)} longer than usual"
    return f"{said} of about {figures.age(run.usual_duration)}"


def missed(run: Operation, now: float) -> str:
    """The result of an operation whose user did not see it end."""
    glyph, _ = _LOOKS.get(run.state, ("?", Role.UNKNOWN))
    ended = run.started_at if run.ended_at is None else run.ended_at
    began = figures.when(run.started_at, now).strip()
    by = "at the end of its degradation" if by_itself(run) else "by you"
    if is_about_alerts(run.kind):
        ended_at = figures.when(ended, now).strip()
        return f"{glyph} {silence_words.of_run(run)}, {ended_at}; you were not connected"
    return (
        f"{glyph} {what(run)} of {run.service} {by}, started {began}, {run.state.value} "
        f"{figures.when(ended, now).strip()}; you were not connected"
    )


def by_itself(run: Operation) -> bool:
    """Whether the end of a degradation started it, not a person."""
    return run.kind is ActionKind.RECOVER and run.by_promise


def row(run: Operation, width: int, now: float) -> Line:
    """One operation of the panel."""
    glyph, role = _look(run)
    narrow, going = width < 100, not run.state.final
    word = "died again" if run.corrected else plan_lines.word_of(run.state)
    head: list[Span] = [Span(f" {glyph} {fit(word, 12)} ", role)]
    if not (narrow and going):
        head.append(Span(f"{figures.when(run.started_at, now)}  ", Role.MUTED))
    whom = run.about or run.service
    head.append(Span(f"{fit(f'{what(run)} {whom}', 22 if narrow else 34)} ", Role.STRONG))
    if not going and is_about_alerts(run.kind):
        return clip_line((*head, Span(silence_words.of_run(run, whose(run)), Role.MUTED)), width)
    if not going:
        said = run.summary or (run.evidence[0] if run.evidence else "")
        tail = f"{figures.age((run.ended_at or now) - run.started_at):>6}  {whose(run)}  {said}"
        return clip_line((*head, Span(tail, Role.MUTED)), width)
    middle = (*bar(run, 6 if narrow else 12, now), Span(f" {timing(run, now)}  ", Role.TEXT))
    return clip_line((*head, *middle, Span(whose(run), Role.MUTED)), width)


def details(
    run: Operation, service: ServiceView | None, width: int, now: float, *, whole: bool = False
) -> list[Line]:
    """What the journal has about one operation, and what can be done next; ``whole``: all of it."""
    lines: list[Line] = []
    if not run.state.final:
        lines += [(Span(" "), *bar(run, max(10, min(40, width - 40)), now),
                   Span(f"  {timing(run, now)}", Role.TEXT)), BLANK]  # fmt: skip
    if run.rollback_at is not None:
        said = f" {armed(run, now)}; {key_of('stop-rollback', 'S')} stops it"
        lines += [(Span(clip(said, width - 1), Role.DEGRADED),), BLANK]
    lines += (
        plan_lines.operation(run, width, now, most=len(run.evidence) + len(run.next_steps))
        if whole
        else plan_lines.operation(run, width, now)
    )
    if run.rollback:
        lines += [BLANK, *labelled("rollback", run.rollback, width, room=_LABEL)]
    if run.group is not None:
        said = place_in_group(run).strip(" []")
        lines += [BLANK, *labelled("group", said, width, room=_LABEL)]
    if run.reason:
        lines += [BLANK, *labelled("reason", run.reason, width, room=_LABEL)]
    if run.ends_at is not None and run.kind is ActionKind.DEGRADE:
        lines += labelled(
            "ends", f"by itself at {figures.zoned_when(run.ends_at, now)}", width, room=_LABEL
        )
    lines += labelled(
        "started", f"{figures.zoned_when(run.started_at, now)}  {run.id}", width, room=_LABEL
    )
    steps = next_steps(run, service)
    if steps:
        lines += [BLANK, (Span(" what next", Role.HEADER),)]
        lines += [(Span(f"   {key:<3}", Role.KEY), Span(said)) for key, said in steps]
    return lines


def next_steps(run: Operation, service: ServiceView | None) -> list[tuple[str, str]]:
    """Keys and what each does, after a bad verdict."""
    if run.state not in UNHAPPY or service is None:
        return []
    offered = {view.kind for view in service.actions}
    steps = [
        ("l", f"look at the logs of {service.name}"),
        ("d", f"look at {service.name}: its parts, its timeline, its raw bodies"),
    ]
    if run.kind in offered:
        steps.append(("T", f"{what(run)} again, with an override and a reason"))
    if ActionKind.ROLLBACK in offered and run.kind is not ActionKind.ROLLBACK:
        steps.append(("U", "roll back to the previous version"))
    if ActionKind.RECOVER in offered and run.kind is ActionKind.DEGRADE:
        steps.append(("D", "recover it"))
    return steps


def none_yet() -> list[Line]:
    """The panel's text before the first operation."""
    return [
        BLANK,
        (Span("  nothing was done to any service yet", Role.TEXT),),
        (Span(f"  {key_of('actions', 'x')} on a service lists what can be done", Role.MUTED),),
    ]
