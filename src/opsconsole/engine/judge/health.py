"""Judges one probe's answers with thresholds, so that one bad look is not an alarm.

Invariant: DOWN needs ``failures`` looks that blame the target without a good answer between them,
or one that is decisive; what could not be looked at becomes UNKNOWN, never DOWN; before anything
was seen the state is UNKNOWN, never OK. ``since`` never goes back.

* The first answer decides at once; a first failure is UNKNOWN ("failing 1 of 3") until it counts.
* DEGRADED is reported by the target itself and counts at once; leaving DEGRADED or DOWN takes
  ``successes`` better looks, and the new state is the worst of them.
* From UNKNOWN any answer decides at once: there is no known state to protect.
* Four changes within ten looks is flapping: the worst state that it flaps between is shown, without
  changing, until fewer than two changes are left in the ten (two thresholds, as in Nagios).
"""

from itertools import pairwise
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.model.health import Component, HealthReport, failing
from opsconsole.model.state import State, worst

LOOKS: Final = 10
"""Number of looks over which flapping is judged."""

FLAPPING_AT: Final = 4
CALM_BELOW: Final = 2

NOT_LOOKED: Final = "not looked at yet"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many looks decide; 1 and 1 for a single look."""

    failures: int = 3
    successes: int = 2


@dataclass(frozen=True, slots=True)
class Look:
    """One look: DOWN when it blames the target, UNKNOWN when we could not look or understand.

    ``decisive`` is for a failure that is known from elsewhere too, such as a container's death.
    """

    at: float
    state: State
    reason: str = ""
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A probe's state after thresholds. ``reason`` is '' when it is ok.

    ``undecided``: the latest look contradicts it but does not count yet: look again soon.
    ``recent`` holds the last answers, oldest first, for flapping; ``said`` is the reason of the
    last that was not ok.
    """

    state: State = State.UNKNOWN
    since: float = 0.0
    reason: str = NOT_LOOKED
    flapping: bool = False
    undecided: bool = False
    settled: State = State.UNKNOWN
    downs: int = 0
    bads: int = 0
    betters: int = 0
    better: State = State.OK
    recent: tuple[State, ...] = ()
    said: str = ""


def step(judged: Judged, look: Look, limits: Limits) -> Judged:
    """What ``judged`` becomes with one more ``look``."""
    if look.state in _ANSWERS:
        settled, downs, bads, betters, better = _answered(judged, look, limits)
    else:
        settled, downs, bads = _failed(judged, look, limits)
        betters, better = 0, State.OK
    recent = judged.recent
    if look.state is not State.UNKNOWN:
        recent = (*recent[-(LOOKS - 1) :], look.state)
    flapping = _flapping(recent, was=judged.flapping)
    shown = worst((settled, *recent)) if flapping else settled
    reason = _reason(judged, look, settled, limits, downs, bads)
    said = judged.said if look.state is State.OK else look.reason
    if flapping and shown is not settled:
        # It is the changes that decided, and no number of failures.
        reason = f"{_changes(recent)} changes in {len(recent)} looks: {said}".removesuffix(": ")
    return Judged(
        state=shown,
        since=judged.since if shown is judged.state else max(look.at, judged.since),
        reason=reason,
        flapping=flapping,
        undecided=look.state is not settled and not flapping,
        settled=settled,
        downs=downs,
        bads=bads,
        betters=betters,
        better=better,
        recent=recent,
        said=said,
    )


def expire(judged: Judged, at: float, reason: str) -> Judged:
    """Its looks have stopped: its state is no longer known."""
    since = judged.since if judged.state is State.UNKNOWN else max(at, judged.since)
    return Judged(since=since, reason=reason, recent=judged.recent)


def reason_of(report: HealthReport) -> str:
    """Why a body is not ok: its first failing component by name, else its message."""
    if report.state is State.OK:
        return ""
    culprits = failing(report.components)
    if culprits:
        first = culprits[0]
        said = f"{first.name} {first.state}: {first.message}" if first.message else ""
        more = f" (+{len(culprits) - 1} more)" if _others(culprits, first.name) else ""
        return (said or f"{first.name} {first.state}") + more
    return report.message or f"says {report.state}"


def look_at(at: float, report: HealthReport | None, fault: Fault | None) -> Look:
    """A reading as a look."""
    if report is not None:
        return Look(at, report.state, reason_of(report))
    assert fault is not None, "a reading has a value or a fault"
    return Look(at, State.DOWN if fault.blames_target else State.UNKNOWN, said(fault))


def said(fault: Fault) -> str:
    """A fault in a few words: its message where it has one, because that names what happened."""
    return fault.message or str(fault)


_ANSWERS: Final = frozenset({State.OK, State.DEGRADED})


def _answered(judged: Judged, look: Look, limits: Limits) -> tuple[State, int, int, int, State]:
    was = judged.settled
    if was is State.UNKNOWN or look.state.urgency >= was.urgency:
        return look.state, 0, 0, 0, State.OK
    better = worst((judged.better, look.state)) if judged.betters else look.state
    betters = judged.betters + 1
    if betters >= limits.successes:
        return better, 0, 0, 0, State.OK
    return was, 0, 0, betters, better


def _failed(judged: Judged, look: Look, limits: Limits) -> tuple[State, int, int]:
    down = look.state is State.DOWN
    bads = judged.bads + 1
    downs = judged.downs + 1 if down else judged.downs
    if down and (look.decisive or judged.settled is State.DOWN or downs >= limits.failures):
        # A DOWN that continues restarts the count of looks that could not be made.
        return State.DOWN, downs, 0
    settled = State.UNKNOWN if bads >= limits.failures else judged.settled
    return settled, downs, bads


def _flapping(recent: tuple[State, ...], *, was: bool) -> bool:
    if len(recent) < FLAPPING_AT + 1 and not was:
        return False
    return _changes(recent) >= (CALM_BELOW if was else FLAPPING_AT)


def _changes(recent: tuple[State, ...]) -> int:
    return sum(a is not b for a, b in pairwise(recent))


def _reason(
    judged: Judged, look: Look, settled: State, limits: Limits, downs: int, bads: int
) -> str:
    if settled is look.state:
        return look.reason
    if look.state is State.DOWN:
        return f"failing {downs} of {limits.failures}: {look.reason}"
    if look.state is State.UNKNOWN:
        return f"could not look {bads} of {limits.failures}: {look.reason}"
    return f"answers again, not settled yet; was {judged.settled}"


def _others(culprits: tuple[Component, ...], name: str) -> bool:
    """Whether more than one part fails, not counting a parent of the first."""
    return len({each.name for each in culprits} - {name}) > 0
