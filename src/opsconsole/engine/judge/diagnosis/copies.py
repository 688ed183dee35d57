"""What happened to the copies of a service: ends, lack of memory, loops of restarts. Pure.

Invariant: an end that somebody ordered counts only while its copy is still away; one that nobody
ordered counts whether the copy runs again or not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.diagnosis.known import PRECISION, Known
from opsconsole.engine.judge.service import NOT_RUNNING
from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import Phase, Replica, Update, Workload
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State

_MADE: Final = frozenset({EventCode.IMAGE_CHANGED, EventCode.RECREATED})

LOOP_OF: Final = 3
"""Ends that nobody ordered, of one copy, from which on they are called a loop."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How one copy ended: of lack of memory, otherwise unordered, and by order. By time."""

    memory: tuple[Event, ...] = ()
    failed: tuple[Event, ...] = ()
    ordered: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Afflicted:
    """What happened to copies, alike copies together, and the names of these copies."""

    facts: tuple[Fact, ...]
    names: frozenset[str]


def afflicted(service: ServiceView, known: Known, since: float) -> Afflicted:
    """What happened to copies from ``since`` on and still matters."""
    happened = [each for each in known.events.get(service.name, ()) if each.at >= since]
    copies = {each.name: each for each in known.copies(service)}
    names = sorted({*copies, *(each.subject for each in happened if _is_end(each))})
    found = [
        fact
        for name in names
        for fact in _of_copy(name, copies.get(name), ends_of(name, happened, copies), happened)
    ]
    found += _gone(service, happened)
    return Afflicted(tuple(_together(found)), frozenset(fact.subject for fact in found))


def workload_facts(service: ServiceView, known: Known) -> Iterator[Fact]:
    """Updates that stopped, and copies that are wanted and do not run."""
    for each in known.wanted(service):
        yield from _of_workload(each)


def ends_of(name: str, events: Iterable[Event], copies: dict[str, Replica]) -> Ends:
    """How the copy ``name`` ended, from ``events``; its engine may know more of the last end."""
    mine = [each for each in events if each.subject == name and _is_end(each)]
    copy = copies.get(name)
    deaths = [each for each in mine if each.code is EventCode.ENDED]
    lacked = [each for each in mine if each.memory or each.code is EventCode.OUT_OF_MEMORY]
    memory: list[Event] = []
    for each in lacked:
        # One lack of memory is reported when it happens, once or more, and again with the end.
        near = bool(memory) and each.at - memory[-1].at <= PRECISION
        if near and each.code is EventCode.ENDED and memory[-1].code is not EventCode.ENDED:
            memory[-1] = each
        elif not near or each.code is memory[-1].code is EventCode.ENDED:
            memory.append(each)
    killed = _last_killed(copy)
    rest = [each for each in deaths if not each.memory]
    if killed is not None:
        late = [each for each in rest if abs(each.at - killed) <= PRECISION]
        rest = [each for each in rest if each not in late]
        memory += late if not any(abs(each.at - killed) <= PRECISION for each in memory) else []
    failed = tuple(each for each in rest if not each.name and each.figure)
    ordered = tuple(each for each in rest if each.name or not each.figure)
    return Ends(tuple(memory), failed, ordered)


def _of_copy(
    name: str, copy: Replica | None, ends: Ends, happened: Sequence[Event]
) -> Iterator[Fact]:
    # Of a loop its engine has counted what nobody saw, too: it began before what was seen.
    counted = copy.loop if copy is not None else 0
    if ends.memory:
        times = max(len(ends.memory), counted if copy is not None and copy.oom_killed else 0)
        yield Fact(
            FactCode.OUT_OF_MEMORY,
            ends.memory[0].at if times == len(ends.memory) else None,
            name,
            times,
            figure=copy.memory_limit if copy is not None else None,
            until=ends.memory[-1].at,
            source=ends.memory[-1].place,
        )
    if ends.failed:
        yield _failed(name, ends.failed, counted)
    if copy is not None and copy.trouble is not None:
        # What its probes say while it runs is said with its checks.
        if copy.trouble.code is not TroubleCode.NOT_READY:
            yield _held_back(copy.trouble, name, copy.place.name)
    elif copy is not None and not _starts(copy):
        yield from _at_present(name, copy, ends, happened)


def _starts(copy: Replica) -> bool:
    """Whether it is on its way, so that nothing is to be explained."""
    waits = copy.phase in {Phase.PENDING, Phase.RESTARTING}
    return waits and copy.state is State.DEGRADED and copy.exit_code is None and not copy.loop


def _at_present(name: str, copy: Replica, ends: Ends, happened: Sequence[Event]) -> Iterator[Fact]:
    """What a copy that does not run is, where its ends do not say it."""
    seen = bool(ends.memory or ends.failed)
    if copy.loop and not seen:
        yield _as_it_stands(copy)
        return
    if copy.phase is Phase.PAUSED:
        paused = [each for each in happened if _is(each, name, EventCode.PAUSED)]
        yield Fact(FactCode.PAUSED, paused[-1].at if paused else None, name, source=copy.place.name)
    elif copy.phase is Phase.PENDING or copy.start_error:
        made = [each.at for each in happened if each.subject == name and each.code in _MADE]
        yield Fact(
            FactCode.NEVER_STARTED,
            max(made, default=None),
            name,
            after=copy.start_error,
            source=copy.place.name,
        )
    elif copy.phase in NOT_RUNNING or copy.phase is Phase.RESTARTING:
        last = max((*ends.memory, *ends.failed, *ends.ordered), key=_at, default=None)
        if last is not None and last in ends.ordered and last.name:
            yield Fact(FactCode.SIGNALLED, last.at, name, after=last.name, source=copy.place.name)
        elif not seen:
            yield _as_it_stands(copy)


def _gone(service: ServiceView, happened: Sequence[Event]) -> Iterator[Fact]:
    """Copies that are declared, that nothing is called any more, and that were seen to be removed.

    What is called so by nobody and was never seen is said by its look.
    """
    for each in service.instances:
        if each.replicas or not each.runs_as or each.state is State.OK or each.stale:
            continue
        removed = [event for event in happened if _is(event, each.runs_as, EventCode.REMOVED)]
        if removed:
            last = removed[-1]
            yield Fact(FactCode.GONE, last.at, each.runs_as, source=last.place)


def _held_back(trouble: Trouble, name: str, place: str) -> Fact:
    return Fact(
        FactCode.HELD_BACK,
        trouble.at,
        name,
        before=trouble.code.value,
        after=trouble.detail,
        part=trouble.part,
        figure=trouble.count,
        limit=trouble.of,
        source=place,
    )


def _failed(name: str, ends: Sequence[Event], counted: int) -> Fact:
    """How it ended of itself; where an engine has ``counted`` more, it is not known since when."""
    first, last = ends[0], ends[-1]
    looping = len(ends) >= LOOP_OF or counted > 0
    return Fact(
        FactCode.CRASH_LOOP if looping else FactCode.EXITED,
        first.at if len(ends) >= counted else None,
        name,
        max(len(ends), counted),
        figure=last.figure,
        limit=last.at - first.at if looping and len(ends) >= counted else None,
        until=last.at,
        source=last.place,
    )


def _as_it_stands(copy: Replica) -> Fact:
    """What the engine says of a copy whose end was not seen."""
    restarts = max(copy.loop, copy.restarts or 0)
    if copy.oom_killed:
        code, figure = FactCode.OUT_OF_MEMORY, copy.memory_limit
    else:
        looping = bool(copy.loop) or (copy.phase is Phase.RESTARTING and restarts >= LOOP_OF)
        code = FactCode.CRASH_LOOP if looping else FactCode.EXITED
        figure = copy.exit_code
    again = copy.loop or copy.phase is Phase.RESTARTING
    count = max(1, restarts) if again else 1
    return Fact(code, copy.finished_at, copy.name, count, figure=figure, source=copy.place.name)


def _of_workload(workload: Workload) -> Iterator[Fact]:
    if workload.update in {Update.PAUSED, Update.ROLLED_BACK, Update.ROLLING_BACK}:
        yield Fact(
            FactCode.UPDATE_STOPPED,
            None,
            workload.label,
            before=str(workload.update),
            after=workload.said,
            source=workload.place.name,
        )
    trouble = workload.trouble
    if trouble is not None and trouble.code is TroubleCode.OVERDUE:
        said, where = workload.said, workload.place.name
        yield Fact(FactCode.UPDATE_OVERDUE, trouble.at, workload.label, after=said, source=where)
    elif trouble is not None:
        yield _held_back(trouble, workload.label, workload.place.name)
    if workload.running < workload.wanted:
        yield Fact(
            FactCode.COPIES_MISSING,
            None,
            workload.label,
            figure=workload.running,
            limit=workload.wanted,
            source=workload.place.name,
        )


def check_facts(service: ServiceView, known: Known) -> list[Fact]:
    """Copies that run and that their engine calls ill, by its own health check for one."""
    return _together(_check_fails(each) for each in known.copies(service) if _is_ill(each))


def _check_fails(copy: Replica) -> Fact:
    source, trouble = copy.place.name, copy.trouble
    if trouble is None:
        return Fact(FactCode.CHECK_FAILS, None, copy.name, after=copy.detail, source=source)
    code, said = trouble.code.value, trouble.detail
    return Fact(
        FactCode.CHECK_FAILS,
        trouble.at,
        copy.name,
        before=code,
        after=said,
        part=trouble.part,
        source=source,
    )


def called_ill(service: ServiceView, known: Known) -> frozenset[str]:
    """The names of these copies."""
    return frozenset(each.name for each in known.copies(service) if _is_ill(each))


def _is_ill(copy: Replica) -> bool:
    held = copy.trouble is not None and copy.trouble.code is not TroubleCode.NOT_READY
    return copy.runs and copy.state is State.DOWN and not held


def _together(facts: Iterable[Fact]) -> list[Fact]:
    """One fact for all copies of which the same is known."""
    alike: dict[tuple[object, ...], list[Fact]] = {}
    for fact in facts:
        said = fact.before, fact.after, fact.part
        alike.setdefault((fact.code, fact.figure, said, fact.source), []).append(fact)
    return [_joined(group) for group in alike.values()]


def _joined(facts: Sequence[Fact]) -> Fact:
    first = min(facts, key=lambda fact: fact.subject)
    begun = [fact.at for fact in facts if fact.at is not None]
    ended = [fact.until for fact in facts if fact.until is not None]
    return replace(
        first,
        at=min(begun, default=None),
        until=max(ended, default=None),
        count=sum(fact.count for fact in facts),
        copies=len(facts),
    )


def _last_killed(copy: Replica | None) -> float | None:
    return copy.finished_at if copy is not None and copy.oom_killed else None


def _at(event: Event) -> float:
    return event.at


def _is_end(event: Event) -> bool:
    return event.code in {EventCode.ENDED, EventCode.OUT_OF_MEMORY}


def _is(event: Event, name: str, code: EventCode) -> bool:
    return event.code is code and event.subject == name
