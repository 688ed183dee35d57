"""Whether a remedy acts now, or what holds it back. Pure.

Invariant: default-deny. ``decide`` returns ``Act`` only when every rule below was asked and none
holds it back; each has its code. What is not known holds it back. Nothing else decides: what
acts asks here, when a countdown begins and again when it is over.

The rules and their defaults are those of others who act by themselves: evidence, cause, peers,
storm, rate, breaker, people first, hours and budget, one acting process, kept across restarts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.remedies.breaker import BreakerState, acts_of, breaker
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.model.remedies.rules import (
    Act,
    Hold,
    HoldCode,
    RemedyMode,
    Rule,
    SharedLimits,
)
from opsconsole.model.remedies.switch import ON, Switch
from opsconsole.model.state import State
from opsconsole.zones import zone_of

ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Seen:
    """One service as it was seen. ``group`` are those it is compared with; ``well``: seen to be ok,
    just now. ``bad``: down, not seen, or degraded of late. ``bound`` names what it depends on.

    ``copies_well`` are its copies that are ok. ``budget_left`` is the smallest of its objectives',
    None without one.
    """

    name: str
    state: State = State.OK
    stale: bool = False
    bad: bool = False
    group: str = ""
    bound: tuple[str, ...] = ()
    copies_well: int = 0
    budget_left: float | None = None

    @property
    def well(self) -> bool:
        """Whether it was just seen to be ok."""
        return self.state is State.OK and not self.stale


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a rule waits for holds without a break since ``since``, as ``looks`` looks saw."""

    since: float
    looks: int


@dataclass(frozen=True, slots=True)
class World:
    """What is known at one moment. The mappings have, by service, who or what is in the way.

    ``acting``: this process is the one that acts. ``recorded``: what it does can be kept. ``dark``:
    its own looks fail; ``witnessed``: something else than a service was just read without a fault.
    ``under_way`` are services that something is being done to.
    """

    services: Mapping[str, Seen]
    acting: bool = True
    recorded: bool = True
    dark: bool = False
    witnessed: bool = True
    under_way: Mapping[str, str] = field(default_factory=dict)
    planned: Mapping[str, str] = field(default_factory=dict)
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    silenced: Mapping[str, str] = field(default_factory=dict)
    maintained: Mapping[str, str] = field(default_factory=dict)
    switch: Switch = ON


@dataclass(frozen=True, slots=True)
class History:
    """The episodes of all rules, whatever process wrote them; of this one ``present`` is the one
    that is being decided on."""

    episodes: tuple[Episode, ...] = ()
    present: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that one decision is made of."""

    rule: Rule
    trouble: Trouble | None
    world: World
    history: History
    shared: SharedLimits
    now: float

    @property
    def seen(self) -> Seen | None:
        """The service that the rule is about."""
        return self.world.services.get(self.rule.service)


Check = Callable[[Question], Hold | None]


def decide(question: Question) -> Act | Hold:
    """To act, in which way, or the first that holds it back."""
    for check in _CHECKS:
        held = check(question)
        if held is not None:
            return held
    return Act(_mode(question))


def is_storm(world: World, shared: SharedLimits) -> bool:
    """Whether so much is bad at once that it has one cause that is not looked for here."""
    bad = sum(each.bad for each in world.services.values())
    if bad < 2:
        return False
    return bad >= shared.storm_count or bad > shared.storm_share * len(world.services) + ROUNDING


def _mode(question: Question) -> RemedyMode:
    rule, seen = question.rule, question.seen
    left = None if seen is None else seen.budget_left
    spent = left is not None and left < rule.limits.budget
    return RemedyMode.ASK if rule.mode is RemedyMode.AUTO and spent else rule.mode


def _not_recorded(question: Question) -> Hold | None:
    return None if question.world.recorded else Hold(HoldCode.NOT_RECORDED)


def _not_acting(question: Question) -> Hold | None:
    return None if question.world.acting else Hold(HoldCode.NOT_ACTING)


def _evidence(question: Question) -> Hold | None:
    trouble, rule, seen = question.trouble, question.rule, question.seen
    if trouble is None or seen is None or seen.stale or seen.state is State.UNKNOWN:
        return Hold(HoldCode.EVIDENCE)
    ready = trouble.since + rule.trigger.hold
    if question.now < ready - ROUNDING:
        return Hold(HoldCode.EVIDENCE, until=ready)
    return Hold(HoldCode.EVIDENCE) if trouble.looks < rule.limits.looks else None


def _dark(question: Question) -> Hold | None:
    """Where nothing else is seen to be well, it may be this process that does not see."""
    world = question.world
    others = _others(question, world.services.values())
    sees = any(each.well for each in others) if others else world.witnessed
    return None if sees and not world.dark else Hold(HoldCode.DARK)


def _off(question: Question) -> Hold | None:
    off = question.world.switch.off
    return None if off is None else Hold(HoldCode.OFF, str(off))


def _stopped(question: Question) -> Hold | None:
    present = _present(question)
    if present is None or present.stopped is None:
        return None
    return Hold(HoldCode.STOPPED, str(present.stopped))


def _in_the_way(code: HoldCode, where: Callable[[World], Mapping[str, str]]) -> Check:
    def check(question: Question) -> Hold | None:
        found = where(question.world).get(question.rule.service)
        return None if found is None else Hold(code, found)

    return check


def _storm(question: Question) -> Hold | None:
    world, switch, shared = question.world, question.world.switch, question.shared
    if is_storm(world, shared):
        return Hold(HoldCode.STORM)
    if switch.stormy_at is None:
        return None
    if switch.calm_at is None:
        return Hold(HoldCode.STORM)
    until = switch.calm_at + shared.calm
    return Hold(HoldCode.STORM, until=until) if question.now < until else None


def _cause(question: Question) -> Hold | None:
    """Nothing while something that it depends on, near or far, is not well."""
    services, asked = question.world.services, {question.rule.service}
    pending = list(question.seen.bound) if question.seen else []
    while pending:
        name = pending.pop(0)
        if name in asked:
            continue
        asked.add(name)
        found = services.get(name)
        if found is None or found.stale or found.state in {State.DOWN, State.UNKNOWN}:
            return Hold(HoldCode.CAUSE, name)
        pending.extend(found.bound)
    return None


def _peers(question: Question) -> Hold | None:
    seen, services = question.seen, question.world.services
    if seen is None:
        return Hold(HoldCode.EVIDENCE)
    group = [each for each in services.values() if each.group == seen.group]
    others = _others(question, group) or _others(question, services.values())
    well = sum(each.well for each in others)
    if well + ROUNDING < question.rule.limits.peers * len(others):
        return Hold(HoldCode.PEERS, f"{well}/{len(others)}")
    last = seen.copies_well > 0 and bool(others) and not well
    return Hold(HoldCode.LAST) if last else None


def _busy(question: Question) -> Hold | None:
    """One at a time in a group, and so many in all."""
    seen, services, present = question.seen, question.world.services, question.history.present
    acting = [
        each
        for each in question.history.episodes
        if each.id != present and (each.under_way or each.stage is Stage.COUNTING)
    ]
    group = seen.group if seen else ""
    for each in acting:
        other = services.get(each.service)
        alike = other is not None and other.group == group
        if each.service == question.rule.service or alike:
            return Hold(HoldCode.BUSY, f"{each.action} of {each.service}")
    if len(acting) >= question.shared.at_once:
        return Hold(HoldCode.BUSY, f"{acting[0].action} of {acting[0].service}")
    return None


def _rate(question: Question) -> Hold | None:
    rule, limits, now = question.rule, question.rule.limits, question.now
    acts = _acts_since_well(question)
    if not acts:
        return None
    crowded = any(
        later - earlier < limits.within
        for earlier, later in zip(acts, acts[limits.most - 1 :], strict=False)
    )
    if len(acts) >= limits.most and crowded:
        # After so many in so short a time it is for a person, until it was well for long.
        return Hold(HoldCode.RATE, f"{len(acts)}")
    ready = acts[-1] + limits.apart
    return Hold(HoldCode.SPACING, rule.service, ready) if now < ready - ROUNDING else None


def _breaker(question: Question) -> Hold | None:
    rule = question.rule
    mine = (each for each in question.history.episodes if each.rule == rule.name)
    acts = acts_of(mine, question.now)
    found = breaker(rule.name, acts, question.world.switch.closings, rule.limits, question.now)
    if found.state in {BreakerState.CLOSED, BreakerState.HALF_OPEN}:
        return None
    return Hold(HoldCode.BREAKER, found.state.value, found.until)


def _hours(question: Question) -> Hold | None:
    rule, zone = question.rule, zone_of(question.rule.zone)
    if not rule.hours or any(each.end_of(question.now, zone) for each in rule.hours):
        return None
    return Hold(HoldCode.HOURS, ", ".join(map(str, rule.hours)))


_CHECKS: Final[tuple[Check, ...]] = (
    _not_recorded,
    _not_acting,
    _evidence,
    _dark,
    _off,
    _stopped,
    _in_the_way(HoldCode.MAINTENANCE, lambda world: world.maintained),
    _in_the_way(HoldCode.LOCKED, lambda world: world.under_way),
    _in_the_way(HoldCode.PLANNED, lambda world: world.planned),
    _in_the_way(HoldCode.ACKNOWLEDGED, lambda world: world.acknowledged),
    _in_the_way(HoldCode.SILENCED, lambda world: world.silenced),
    _storm,
    _cause,
    _peers,
    _busy,
    _rate,
    _breaker,
    _hours,
)


def _others(question: Question, services: Iterable[Seen]) -> list[Seen]:
    return [each for each in services if each.name != question.rule.service]


def _present(question: Question) -> Episode | None:
    history = question.history
    return next((each for each in history.episodes if each.id == history.present), None)


def _acts_since_well(question: Question) -> list[float]:
    """When something was done to the service since it was last well for long, in order.

    What a rule that only suggests would have done counts for that rule, so that it suggests what
    it would be allowed to do.
    """
    rule, present = question.rule, question.history.present
    mine = [
        each
        for each in question.history.episodes
        if each.service == rule.service and each.id != present
    ]
    begins, acts = _began(question), list[float]()
    for episode in sorted(mine, key=lambda each: each.at, reverse=True):
        over = episode.ended_at
        if over is not None and begins - over >= rule.limits.healthy:
            break
        begins = min(begins, episode.since)
        at = _done_at(episode, rule)
        if at is not None:
            acts.append(at)
    return sorted(acts)


def _done_at(episode: Episode, rule: Rule) -> float | None:
    if episode.acted_at is not None:
        return None if episode.not_begun is not None else episode.acted_at
    suggests = rule.mode is RemedyMode.SUGGEST and episode.rule == rule.name
    return episode.suggested_at if suggests else None


def _began(question: Question) -> float:
    trouble = question.trouble
    return question.now if trouble is None else trouble.since
