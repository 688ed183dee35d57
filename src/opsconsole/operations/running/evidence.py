"""What looks at a changed service prove, and when they are enough for a verdict. Pure.

Invariant: only looks are evidence. Time in which nobody looked makes nothing healthy and nothing
failed: a run of health ends where two looks are too far apart, and the deadline counts only time
that was looked at. VERIFIED needs a look that began ``min_healthy`` seconds after a healthy one
had ended, with nothing but healthy looks of one and the same run between them. A restart that no
look shows is never VERIFIED. Times are seconds of the steady clock.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight

UPTIME_SLACK: Final = 2.0
"""Seconds by which a reported uptime may be rounded or late."""

RELAPSE_LOOKS: Final = 3
"""Looks that must see a relapse before the verdict is failed early."""

LOST_FOR: Final = 5.0
"""Seconds for which what will not get well by waiting is seen before the verdict is failed."""

UNMOVED_LEAST: Final = 30.0
"""Seconds for which a healthy process that began before the change is waited for at least."""


class Finding(StrEnum):
    """What the looks amount to."""

    VERIFIED = "verified"
    NOT_SEEN = "not-seen"
    UNMOVED = "unmoved"
    LOST = "lost"
    RELAPSED = "relapsed"
    OVER = "over"
    NOTHING_TO_SEE = "nothing-to-see"


@dataclass(frozen=True, slots=True)
class Terms:
    """What must be shown. ``enough`` are the states that count as healthy.

    ``longest_pause`` is how far a look may begin after the last ended, ``longest_look`` how long
    one may take, for what lies between to count as looked at. ``restarts``: the change restarts
    processes, so a look must show that. ``instances`` are those that it touches, and
    ``uptimes`` and ``starts`` what they said of themselves before it.
    """

    since: float
    min_healthy: float
    deadline: float
    longest_pause: float
    longest_look: float
    enough: frozenset[State] = frozenset({State.OK})
    restarts: bool = False
    instances: frozenset[str] = frozenset()
    uptimes: Mapping[str, float] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything, between ``begun`` and ``ended``."""

    begun: float
    ended: float
    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the looks so far have shown.

    ``looked`` are the seconds that were looked at. ``healthy_since`` is when the first look of
    the present run of health ended; ``unmoved_since`` the same of looks at a healthy process that
    began before the change; ``down_since`` when the first of the present looks at something down
    began, and ``down_looks`` how many they are; ``lost_since`` and ``lost_looks`` the same of looks
    at something that will not get well by waiting. ``relapses`` counts runs of health that ended in
    something down, ``outage`` the seconds of those that are over. ``shown``: a look has shown
    that the change took effect.
    """

    last: Look | None = None
    looks: int = 0
    looked: float = 0.0
    gaps: int = 0
    healthy_since: float | None = None
    unmoved_since: float | None = None
    down_since: float | None = None
    down_looks: int = 0
    lost_since: float | None = None
    lost_looks: int = 0
    relapses: int = 0
    outage: float = 0.0
    shown: bool = False

    @property
    def held(self) -> float:
        """For how long the present run of health was looked at; 0 where there is none."""
        if self.last is None or self.healthy_since is None:
            return 0.0
        return max(0.0, self.last.begun - self.healthy_since)

    @property
    def down_for(self) -> float:
        """For how long the present run of looks saw something down; 0 where there is none."""
        if self.last is None or self.down_since is None:
            return 0.0
        return self.last.ended - self.down_since


def taken_in(known: Evidence, look: Look, terms: Terms) -> Evidence:
    """``known`` and one more look."""
    gap = _is_gap(known.last, look, terms)
    before = look.begun if known.last is None or gap else known.last.ended
    now = replace(
        known,
        last=look,
        looks=known.looks + 1,
        looked=known.looked + min(look.ended - before, terms.longest_pause + terms.longest_look),
        gaps=known.gaps + gap,
        shown=known.shown or _shows_change(look, terms),
    )
    now = _with_outage(now, known, look, gap=gap)
    lost = any(sight.lost for sight in look.sights)
    still = lost and known.lost_since is not None and not gap
    now = replace(
        now,
        lost_since=known.lost_since if still else look.begun if lost else None,
        lost_looks=known.lost_looks + 1 if still else int(lost),
    )
    healthy = all(sight.state in terms.enough and sight.since_change for sight in look.sights)
    unmoved = healthy and bool(unmoved_in(look, terms))
    # What a look saw that took too long may have been so before the time that nobody looked at.
    whole = look.ended - look.begun <= terms.longest_look
    broken = gap or (known.last is not None and _runs(known.last) != _runs(look))
    return replace(
        now,
        healthy_since=_since(known.healthy_since, look, broken)
        if whole and healthy and not unmoved
        else None,
        unmoved_since=_since(known.unmoved_since, look, broken) if whole and unmoved else None,
    )


def finding(known: Evidence, terms: Terms) -> Finding | None:
    """What the looks amount to; None while more are needed."""
    look = known.last
    if look is None:
        return None
    if not look.sights:
        return Finding.NOTHING_TO_SEE
    if known.healthy_since is not None and (
        not terms.min_healthy or known.held >= terms.min_healthy
    ):
        return Finding.NOT_SEEN if terms.restarts and not known.shown else Finding.VERIFIED
    if known.unmoved_since is not None:
        waited = look.begun - known.unmoved_since
        if waited >= max(UNMOVED_LEAST, 3 * terms.min_healthy):
            return Finding.UNMOVED
    lost_for = 0.0 if known.lost_since is None else look.ended - known.lost_since
    if known.lost_looks >= RELAPSE_LOOKS and lost_for >= LOST_FOR:
        return Finding.LOST
    lasting = known.down_looks >= RELAPSE_LOOKS and known.down_for >= terms.min_healthy
    if known.relapses and lasting:
        return Finding.RELAPSED
    return Finding.OVER if known.looked >= terms.deadline else None


def unmoved_in(look: Look, terms: Terms) -> tuple[Sight, ...]:
    """What the change was to start again, and what by its own word runs since before it.

    The unit of an uptime is a guess; that one did not fall below what it was before is none.
    """
    if not terms.restarts:
        return ()
    return tuple(
        sight for sight in _touched(look, terms) if _started_since(sight, look, terms) is False
    )


def _shows_change(look: Look, terms: Terms) -> bool:
    touched = _touched(look, terms)
    if any(sight.run and sight.since_change for sight in touched):
        return True
    started = {_started_since(sight, look, terms) for sight in touched}
    return terms.restarts and True in started and False not in started


def _started_since(sight: Sight, look: Look, terms: Terms) -> bool | None:
    """Whether what it says of itself shows that it started since the change; None if it does not.

    Two starts are compared with each other alone: its clock may be another one.
    """
    first = terms.starts.get(sight.subject)
    if sight.started is not None and first is not None:
        return abs(sight.started - first) > UPTIME_SLACK
    if sight.uptime is None:
        return None
    before = terms.uptimes.get(sight.subject)
    if sight.uptime <= look.ended - terms.since + UPTIME_SLACK:
        return True
    return None if before is None else sight.uptime < before


def _touched(look: Look, terms: Terms) -> tuple[Sight, ...]:
    """What the change touches, of what was seen: all where no instance is named."""
    if not terms.instances:
        return look.sights
    return tuple(sight for sight in look.sights if sight.run or sight.subject in terms.instances)


def _with_outage(now: Evidence, known: Evidence, look: Look, *, gap: bool) -> Evidence:
    """What a look means for relapses. The first outage may be the change itself, at work."""
    if not any(sight.state is State.DOWN for sight in look.sights):
        over = 0.0
        if known.down_since is not None and known.relapses and not gap:
            over = look.begun - known.down_since
        return replace(now, down_since=None, down_looks=0, outage=now.outage + over)
    if known.down_since is not None and not gap:
        return replace(now, down_looks=known.down_looks + 1)
    relapsed = known.healthy_since is not None and known.shown
    return replace(
        now,
        down_since=look.begun,
        down_looks=1,
        relapses=now.relapses + relapsed,
        shown=True,
    )


def _is_gap(last: Look | None, look: Look, terms: Terms) -> bool:
    if look.ended - look.begun > terms.longest_look:
        return True
    return last is not None and look.begun - last.ended > terms.longest_pause


def _runs(look: Look) -> tuple[str, ...]:
    return tuple(sight.run for sight in look.sights)


def _since(known: float | None, look: Look, broken: bool) -> float:
    return look.ended if known is None or broken else known
