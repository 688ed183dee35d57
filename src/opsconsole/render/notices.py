"""Notices in words: what is wrong, since when and why, who acts, and what was tried.

Invariant: a title is one line that begins with a word of ours; it says the cause and how much fails
because of it. A text never says that nobody acts where somebody does. All of it is safe to show.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.hiding import hidden
from opsconsole.model.alerting.alerts import ACKNOWLEDGEMENT, Severity
from opsconsole.model.notices import Episode, Member, Message, Notice, What
from opsconsole.model.operation import Operation, OperationState
from opsconsole.model.remedies.episodes import Stage
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.operations import activity, what, whose
from opsconsole.render.service.why import sentence, why
from opsconsole.text import sanitize

OK: Final = "ok"
"""The severity of what is over, and of what was verified."""

_NAMED: Final = 5
_LISTED: Final = 20
_TRIED: Final = 3
_TITLE: Final = 200
_TEXT: Final = 4000
_WHY: Final = 100
_TRIED_WITHIN: Final = 3600.0


def message(notice: Notice, snapshot: Snapshot, now: float) -> Message:
    """``notice`` as it is sent; ``snapshot`` says what is known at ``now``."""
    if notice.operation is not None:
        return _verdict(notice, notice.operation, snapshot, now)
    episode = notice.episode
    if episode is None:
        return test_message(snapshot.environment.name, notice.id)
    first = episode.members[0]
    alone = first.service if len(episode.members) == 1 else ""
    lines = [*_lines(notice, episode, snapshot, now)]
    others = len(notice.folded) + max(0, len(episode.members) - 1)
    return Message(
        id=notice.id,
        key=notice.key,
        what=notice.what,
        title=_safe(_title(notice, episode, snapshot, now), _TITLE),
        text=_safe_lines(lines),
        severity=OK if notice.what is What.OVER else episode.severity.value,
        service=alone,
        environment=snapshot.environment.name,
        since=episode.since,
        folded=others,
    )


def test_message(environment: str, name: str) -> Message:
    """What is sent to see whether it arrives."""
    title = f"test: opsconsole of {environment} can notify you of trouble"
    text = "Nothing is wrong. Somebody ran opsconsole notify test."
    return Message(name, name, What.TEST, title, text, Severity.INFO.value, environment=environment)


def _title(notice: Notice, episode: Episode, snapshot: Snapshot, now: float) -> str:
    members = episode.members
    if notice.what is What.OVER:
        lasted = figures.spoken((episode.over_at or now) - episode.since)
        if len(members) > 1:
            return f"over: all {len(members)} of what was wrong, after {lasted}"
        return f"over: {_over(members[0], snapshot)}, after {lasted}"
    still = "still " if notice.what is What.REMINDER else ""
    if len(members) > 1:
        named = notice.lasting or members
        some = ", ".join(each.service or each.name for each in named[:_NAMED])
        more = len(named) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        return f"{still}{len(named)} things wrong at once: {some}{rest}{_because(notice)}"
    member = members[0]
    said = _cause(member, snapshot)
    return f"{still}{_state(member)}{f': {said}' if said else ''}{_because(notice)}"


def _state(member: Member) -> str:
    word = {"ServiceDown": "down", "ServiceDegraded": "degraded"}.get(member.name)
    if word is not None:
        return f"{word}: {member.service}"
    where = f" at {member.service}" if member.service else ""
    return f"{member.severity}: {member.name}{where}"


def _over(member: Member, snapshot: Snapshot) -> str:
    service = snapshot.service(member.service) if member.service else None
    if service is None:
        return _state(member)
    if member.name in {"ServiceDown", "ServiceDegraded"}:
        return f"{member.service} is {service.state}"
    stands = "" if service.state is State.OK else f", which is {service.state}"
    return f"{member.name} at {member.service}{stands}"


def _cause(member: Member, snapshot: Snapshot) -> str:
    service = snapshot.service(member.service) if member.service else None
    known = why(service, _WHY) if service is not None else ""
    if member.name in {"ServiceDown", "ServiceDegraded"}:
        return known or member.summary
    return member.summary or known


def _because(notice: Notice) -> str:
    count = len(notice.folded)
    if not count:
        return ""
    return f"; {count} more {'service fails' if count == 1 else 'services fail'} because of it"


def _lines(notice: Notice, episode: Episode, snapshot: Snapshot, now: float) -> Iterator[str]:
    began = figures.zoned_when(episode.since, now)
    yield f"since {began}, {figures.spoken(now - episode.since)} ago"
    if len(episode.members) > 1:
        for each in (notice.lasting or episode.members)[:_LISTED]:
            said = sanitize(each.summary, limit=_WHY)
            place = f" at {each.service}" if each.service else ""
            yield f"- {each.severity}: {each.name}{place}{f': {said}' if said else ''}"
    for name in dict.fromkeys(each.service for each in episode.members[:_NAMED]):
        service = snapshot.service(name) if name else None
        if service is not None and notice.what is not What.OVER:
            yield from _of_service(service, snapshot, now, alone=len(episode.members) == 1)
    if notice.folded:
        yield f"fail because of it: {_listed(notice.folded)}"
    if len(episode.members) == 1:
        for alert in notice.lasting:
            if alert.runbook:
                yield f"what to do: {alert.runbook}"
    yield f"environment: {snapshot.environment.name}"


def _of_service(
    service: ServiceView, snapshot: Snapshot, now: float, *, alone: bool
) -> Iterator[str]:
    prefix = "" if alone else f"{service.name}: "
    if alone:
        for number, each in enumerate(service.diagnosis.explanations[:_TRIED]):
            yield f"{'why' if number == 0 else 'or'}: {sentence(each.lead, _WHY)}"
    yield from (f"{prefix}{each}" for each in _who_acts(service.name, snapshot, now, alone=alone))
    tried = [
        each
        for each in snapshot.operations
        if each.service == service.name
        and each.state.final
        and each.state is not OperationState.REFUSED
        and now - (each.ended_at or each.updated_at) < _TRIED_WITHIN
    ]
    for run in tried[:_TRIED]:
        said = run.summary or (run.evidence[0] if run.evidence else "")
        ended = figures.zoned_when(run.ended_at or run.updated_at, now)
        summary = f": {said}" if said else ""
        yield f"{prefix}tried: {what(run)} by {whose(run)} at {ended}, {run.state}{summary}"
    if alone and not tried:
        yield "tried: nothing in the last hour"


def _who_acts(name: str, snapshot: Snapshot, now: float, *, alone: bool) -> Iterator[str]:
    found = False
    for each in snapshot.operations:
        if each.service == name and not each.state.final:
            found = True
            yield f"acts: {activity(each, now)}"
    for said, acts in _automation(name, snapshot, now):
        found = found or acts
        yield said
    for by in _acknowledged_by(name, snapshot):
        found = True
        yield f"acknowledged by {by}"
    for incident in snapshot.incidents:
        if incident.open and name in incident.services:
            found = True
            yield f"{incident.name} is open: {incident.commander} commands it"
    if alone and not found:
        yield "acts: nobody"


def _automation(name: str, snapshot: Snapshot, now: float) -> Iterator[tuple[str, bool]]:
    """What remedies do about a service, and whether they act."""
    automation = snapshot.automation
    for each in automation.episodes if automation is not None else ():
        if each.service != name or not each.open:
            continue
        remedy, action = f"remedy {each.rule}", each.action or each.kind.value
        match each.stage:
            case Stage.COUNTING:
                left = figures.spoken((each.counting_to or now) - now)
                yield f"acts: {remedy} begins {action} in {left}, unless somebody stops it", True
            case Stage.ASKED:
                yield f"asks: {remedy} waits for a yes to {action}", False
            case Stage.SUGGESTED:
                yield f"suggests: {remedy} would {action}", False
            case Stage.HELD:
                held = each.hold
                code = held.code.value.replace("-", " ") if held is not None else ""
                yield f"held: {remedy} does not {action}: {code}", False
            case Stage.STOPPED:
                yield f"stopped: {remedy} was stopped by {each.stopped}", False
            case _:
                continue


def _acknowledged_by(name: str, snapshot: Snapshot) -> Sequence[str]:
    found = (
        why.by or "somebody"
        for each in snapshot.alerts
        if each.service == name
        for why in each.suppressions
        if why.kind == ACKNOWLEDGEMENT
    )
    return tuple(dict.fromkeys(found))


def _verdict(notice: Notice, run: Operation, snapshot: Snapshot, now: float) -> Message:
    good = run.state is OperationState.VERIFIED and not run.corrected
    said = run.corrected or run.summary
    title = f"{what(run)} of {run.service} by {whose(run)}: {run.state}"
    title = f"{title}, but {said}" if run.corrected else f"{title}, {said}" if said else title
    lines = [f"began {figures.zoned_when(run.started_at, now)}"]
    lines += [f"reason: {run.reason}"] if run.reason else []
    lines += [f"seen: {each}" for each in run.evidence[:_NAMED]]
    lines += [f"next: {each}" for each in run.next_steps[:_NAMED]]
    service = snapshot.service(run.service)
    if service is not None:
        lines.append(f"{run.service} is {service.state} now")
    return Message(
        id=notice.id,
        key=notice.key,
        what=notice.what,
        title=_safe(f"operation: {title}", _TITLE),
        text=_safe_lines(lines),
        severity=OK if good else Severity.WARNING.value,
        service=run.service,
        environment=snapshot.environment.name,
        since=run.started_at,
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _safe(text: str, limit: int) -> str:
    return hidden(sanitize(text, limit=limit))


def _safe_lines(lines: Sequence[str]) -> str:
    return "\n".join(_safe(each, _TITLE * 2) for each in lines)[:_TEXT]
