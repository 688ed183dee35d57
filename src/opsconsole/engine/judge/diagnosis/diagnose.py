"""Why one service is as it is: the entry to this room. Pure.

Invariant: a service that is well, meets its objectives and has no firing alert has no explanation
but that its certificate ends, or that a part of it is down, which explain nothing that is wrong.
A dependency explains a service if it is wrong and is not known to have begun later; of a chain of
such dependencies it is the last one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.engine.judge.diagnosis.beside import (
    alert_facts,
    goal_facts,
    host_facts,
    unread,
    well,
)
from opsconsole.engine.judge.diagnosis.changes import OF_CHANGES, Changes, changes_of
from opsconsole.engine.judge.diagnosis.copies import (
    Afflicted,
    afflicted,
    called_ill,
    check_facts,
    workload_facts,
)
from opsconsole.engine.judge.diagnosis.known import PRECISION, Known, Onset
from opsconsole.engine.judge.diagnosis.looks import (
    Reported,
    end_facts,
    look_facts,
    noted_facts,
    reported_parts,
    runs_as,
    unread_facts,
)
from opsconsole.engine.judge.diagnosis.ranking import Story, ranked
from opsconsole.model.causes import WINDOW
from opsconsole.model.diagnosis import (
    Confidence,
    Diagnosis,
    Fact,
    FactCode,
)
from opsconsole.model.snapshot import InstanceView, ServiceView
from opsconsole.model.state import State

_SYMPTOMS: Final = frozenset(
    {
        FactCode.PROBE_FAILS,
        FactCode.CHECK_FAILS,
        FactCode.COPIES_MISSING,
        FactCode.UPDATE_OVERDUE,
        FactCode.DISK_FULL,
        FactCode.HOST_MEMORY,
        FactCode.HOST_CERTIFICATE,
        FactCode.NOT_READ,
    }
)
"""What is seen and may have many causes: possible, as long as no change came before it."""


def diagnose(service: ServiceView, known: Known) -> Diagnosis:
    """All that is known of why ``service`` is as it is."""
    onset = known.onset(service)
    until = known.now if onset is None else onset.wrong
    changes = changes_of(service, known, until - WINDOW, until)
    stories = [
        *_own(service, known, onset, changes),
        *_of_others(service, known, onset),
    ]
    explanations = ranked(stories, onset)
    watched = service.diagnosis.watched_since
    if not explanations:
        return service.diagnosis
    long = watched is not None and watched <= until - WINDOW
    changed = frozenset(each.code for each in changes.facts) if long else OF_CHANGES
    return Diagnosis(
        explanations,
        tuple(well(service, known, changed)),
        tuple(unread(known)),
        watched,
    )


def own_lead(service: ServiceView, known: Known) -> Fact | None:
    """The best known cause of ``service`` apart from those that it needs."""
    onset = known.onset(service)
    until = known.now if onset is None else onset.wrong
    changes = changes_of(service, known, until - WINDOW, until)
    found = ranked(_own(service, known, onset, changes), onset)
    return found[0].lead if found else None


def _own(
    service: ServiceView, known: Known, onset: Onset | None, changes: Changes
) -> Iterator[Story]:
    """What the service's own copies, looks, goals and alerts say."""
    wrong = service.state is not State.OK or service.stale
    if wrong:
        since = (known.now if onset is None else onset.wrong) - WINDOW
        stories = list(_of_trouble(service, known, since, changes))
        if service.state is State.UNKNOWN:
            stories = [_surely_unread(each) for each in stories]
        used = {fact for story in stories for fact in story.facts}
        yield from stories
        yield from (_plain(fact) for fact in unread_facts(service, known))
        yield from (_plain(each, Confidence.POSSIBLE) for each in changes.facts if each not in used)
    sure = Confidence.POSSIBLE if wrong else Confidence.LIKELY
    goals, alerts = list(goal_facts(service)), list(alert_facts(service, known))
    if not wrong:
        noted = all(fact.code is FactCode.ALERTS_SILENCED for fact in (*goals, *alerts))
        unlike = Confidence.POSSIBLE if noted else Confidence.UNLIKELY
        noted_beside = (*noted_facts(service), *end_facts(service, known.now))
        yield from (_plain(fact, unlike) for fact in noted_beside)
    yield from (_plain(fact, sure) for fact in goals)
    for fact in alerts:
        grave = fact.state is State.DOWN and not wrong
        yield _plain(fact, Confidence.LIKELY if grave else Confidence.POSSIBLE)


def _of_trouble(
    service: ServiceView, known: Known, since: float, changes: Changes
) -> Iterator[Story]:
    """Each thing that is wrong, with the change before it."""
    ends = afflicted(service, known, since)
    copies, count = known.copies(service), len(service.instances)
    over = [each for each in ends.facts if _got_over(each, ends, service, known)]
    present = [each for each in ends.facts if each not in over]
    names = ends.names - {each.subject for each in over} if present else frozenset[str]()
    struck = [each for each in service.instances if runs_as(each, copies, names)]
    ill = called_ill(service, known)
    spared = [
        each
        for each in service.instances
        if each not in struck and not (_answers_well(each) and runs_as(each, copies, ill))
    ]
    symptoms = tuple(look_facts(struck, count))
    for fact in present:
        yield _now_so(_after_change(fact, changes, symptoms))
    yield from (_plain(fact, Confidence.UNLIKELY) for fact in over)
    for fact in (*workload_facts(service, known), *check_facts(service, known)):
        yield _now_so(_after_change(fact, changes))
    for fact in look_facts(spared, count):
        yield _of_look(fact, changes, reported_parts(spared), service.state)
    for fact in host_facts(service, known):
        yield _after_change(fact, changes)


_ENDS: Final = frozenset({FactCode.OUT_OF_MEMORY, FactCode.CRASH_LOOP, FactCode.EXITED})


def _got_over(fact: Fact, ends: Afflicted, service: ServiceView, known: Known) -> bool:
    """Whether the copies that ended so were seen to be well since, so that it is not why.

    What ends again and again is well only once it has been for longer than from end to end.
    """
    if fact.code not in _ENDS or fact.until is None:
        return False
    copies, over = known.copies(service), fact.until + PRECISION
    if fact.count > 1:
        if fact.at is None:
            return False
        over += (fact.until - fact.at) / (fact.count - 1)
    if known.now < over:
        return False
    names = ends.names if fact.copies > 1 else frozenset({fact.subject})
    ran = [each for each in copies if each.name in names]
    if any(each.state is not State.OK for each in ran):
        return False
    looked = [each for each in service.instances if runs_as(each, copies, names)]
    if not looked:
        return names <= {each.name for each in ran}
    return all(_well_since(each, over) for each in looked)


def _well_since(instance: InstanceView, moment: float) -> bool:
    if instance.state is State.OK and not instance.stale and not instance.flapping:
        return True
    return instance.well_at is not None and instance.well_at > moment


def _now_so(story: Story) -> Story:
    """What holds copies back at present was said first when it was noticed, maybe later."""
    held = story.lead.code in {FactCode.HELD_BACK, FactCode.CHECK_FAILS, FactCode.UPDATE_OVERDUE}
    return replace(story, present=True) if held else story


def _of_look(fact: Fact, changes: Changes, parts: Mapping[str, Reported], state: State) -> Story:
    """What a look says; a part that makes the service what it is began with its first sign."""
    reported = parts.get(fact.subject) if fact.code is FactCode.COMPONENT_FAILS else None
    if reported is None:
        return _after_change(fact, changes)
    story = _after_change(fact, changes, sign=reported.sign_before(fact))
    return replace(story, present=reported.effect.urgency >= state.urgency)


def _surely_unread(story: Story) -> Story:
    """Why nothing is known is no guess where nothing is known."""
    if story.lead.code is not FactCode.NOT_READ:
        return story
    return replace(story, confidence=Confidence.LIKELY)


def _answers_well(instance: InstanceView) -> bool:
    """Whether no look of it was bad, so that it is wrong by what its engine says alone."""
    report = instance.report
    return instance.fault is None and (report is None or report.state is State.OK)


def _of_others(service: ServiceView, known: Known, onset: Onset | None) -> Iterator[Story]:
    """What this service needs and is wrong: the roots, and what failed only later."""
    if service.state is State.UNKNOWN:
        return
    roots = _roots(service, known)
    late = {each.name for each in _wrong_below(service, known, earlier=False)}
    for name in sorted(roots | late):
        root = known.services[name]
        began = known.onset(root)
        assert began is not None, "what is wrong began"
        cause = own_lead(root, known)
        fact = Fact(
            FactCode.DEPENDENCY,
            began.wrong,
            name,
            after=root.reason,
            state=root.state,
            because=() if cause is None else (cause,),
        )
        whole = root.state is State.DOWN or service.state is not State.DOWN
        sure = Confidence.LIKELY if whole and onset is not None else Confidence.POSSIBLE
        facts = (fact,) if cause is None else (cause, fact)
        yield Story(fact, facts, sure, began.well)


def _roots(service: ServiceView, known: Known) -> set[str]:
    """The last services of each chain of wrong ones below ``service``, none begun later."""
    found: set[str] = set()
    seen, ahead = {service.name}, [service]
    while ahead:
        each = ahead.pop()
        below = [other for other in _wrong_below(each, known) if other.name not in seen]
        if not below and each is not service:
            found.add(each.name)
        seen.update(other.name for other in below)
        ahead.extend(below)
    return found


def _wrong_below(
    service: ServiceView, known: Known, *, earlier: bool = True
) -> Iterator[ServiceView]:
    """The wrong services that ``service`` needs itself: those that may have failed ``earlier``,
    or those that failed later for certain."""
    onset = known.onset(service)
    for name in dict.fromkeys(service.depends_on):
        other = known.services.get(name)
        began = known.onset(other) if other is not None and not other.stale else None
        if other is None or other is service or began is None:
            continue
        if earlier is (onset is None or began.well <= onset.wrong + PRECISION):
            yield other


def _after_change(
    fact: Fact, changes: Changes, symptoms: tuple[Fact, ...] = (), sign: Fact | None = None
) -> Story:
    """``fact`` with the change before it, and with what followed from it; it began with ``sign``
    where it has one."""
    began = fact if sign is None else sign
    change = changes.before(began)
    sure = fact.code not in _SYMPTOMS or change is not None
    lead = fact if change is None else replace(fact, because=(change,))
    earlier = tuple(each for each in (change, sign) if each is not None)
    confidence = Confidence.LIKELY if sure else Confidence.POSSIBLE
    first = began.at if change is None else change.at
    return Story(lead, (*earlier, lead, *symptoms), confidence, first)


def _plain(fact: Fact, confidence: Confidence = Confidence.LIKELY) -> Story:
    return Story(fact, (fact,), confidence, fact.at)
