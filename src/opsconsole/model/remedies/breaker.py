"""The breaker of one rule: it opens when acting does not help, and a person closes it. Pure.

Invariant: it is made of the recorded acts and closings alone, so that it is the same after a
restart, and in every console. While it is open or with a person nothing is done; half-open, once.

closed → open, for ``rest`` → half-open → closed after an act that helped, else with a person.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.episodes import Ending, Episode
from opsconsole.model.remedies.rules import Limits
from opsconsole.model.remedies.switch import Closing

LASTING: Final = 600.0
"""Seconds for which it must not come back for an act to have helped."""


class BreakerState(StrEnum):
    """Whether the rule may act."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"
    PERSON = "with a person"


@dataclass(frozen=True, slots=True)
class Breaker:
    """``since`` is when it became so, ``until`` when an open one becomes half-open."""

    state: BreakerState = BreakerState.CLOSED
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class PastAct:
    """One act, and what came of it. ``helped`` is None while that is not known."""

    at: float
    verified: bool | None
    helped: bool | None


def acts_of(episodes: Iterable[Episode], now: float) -> tuple[PastAct, ...]:
    """The acts of one rule, in their order, with what came of them by ``now``."""
    ordered = sorted(episodes, key=lambda each: (each.at, each.id))
    found = []
    for number, episode in enumerate(ordered):
        if episode.acted_at is None or episode.not_begun is not None:
            continue
        following = ordered[number + 1] if number + 1 < len(ordered) else None
        verified = None if episode.verdict is None else episode.verdict is OperationState.VERIFIED
        found.append(PastAct(episode.acted_at, verified, _helped(episode, following, now)))
    return tuple(found)


def _helped(episode: Episode, following: Episode | None, now: float) -> bool | None:
    if episode.ending is Ending.WENT_ON:
        return False
    if episode.ended_at is None:
        return False if episode.verdict is OperationState.FAILED else None
    if following is not None and following.since - episode.ended_at < LASTING:
        return False
    return True if now - episode.ended_at >= LASTING or following is not None else None


def breaker(
    rule: str, acts: Iterable[PastAct], closings: Iterable[Closing], limits: Limits, now: float
) -> Breaker:
    """The breaker of ``rule`` at ``now``."""
    # One of a clock that is ahead counts from its moment on, not for all acts until then.
    mine = (each.by.at for each in closings if each.rule == rule)
    closed = max((at for at in mine if at <= now), default=None)
    since_closed = [each for each in acts if closed is None or each.at > closed]
    state, opened = BreakerState.CLOSED, 0.0
    counted: list[PastAct] = []
    for act in since_closed:
        counted.append(act)
        if state is BreakerState.OPEN:
            # The one act that a half-open breaker allows.
            if _bad(act):
                return Breaker(BreakerState.PERSON, act.at)
            if act.verified is None or act.helped is None:
                return Breaker(BreakerState.OPEN, act.at)
            state, counted = BreakerState.CLOSED, []
        elif _opens(counted, limits):
            state, opened, counted = BreakerState.OPEN, act.at, []
    if state is BreakerState.CLOSED:
        return Breaker(since=closed)
    until = opened + limits.rest
    if now < until:
        return Breaker(BreakerState.OPEN, opened, until)
    return Breaker(BreakerState.HALF_OPEN, until)


def _opens(acts: list[PastAct], limits: Limits) -> bool:
    last = acts[-limits.failures :]
    if len(last) == limits.failures and all(each.verified is False for each in last):
        return True
    at = acts[-1].at
    recent = [each for each in acts if at - each.at <= limits.unhelpful_within]
    return sum(each.helped is False for each in recent) >= limits.unhelpful


def _bad(act: PastAct) -> bool:
    return act.verified is False or act.helped is False
