"""Decides when a wait is over, and its result. Pure.

Invariant: only what was seen and the time since the wait began decide, never how often the console
was ended meanwhile; time without looks is reported, and too much of it leaves the result open.
"""

from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.runbooks.runbook import Wait
from opsconsole.model.runbooks.runs import Samples, StepRun, StepState
from opsconsole.model.written.units import format_duration

SAMPLES: Final = 1000
"""The most looks of one wait, so that a day's watch stays small on disk."""

ENOUGH: Final = 0.8
"""The part of the time that has to be looked at for a watch to have passed."""


@dataclass(frozen=True, slots=True)
class WaitEnd:
    """How a wait ended."""

    state: StepState
    said: str


def every(wait: Wait) -> float:
    """Seconds between two looks."""
    return max(wait.every, wait.seconds / SAMPLES)


def left(wait: Wait, step: StepRun, now: float) -> float:
    """Seconds until the wait ends at the latest."""
    began = now if step.started_at is None else step.started_at
    return max(0.0, began + wait.seconds - now)


def judge(wait: Wait, step: StepRun, now: float) -> WaitEnd | None:
    """The result of the wait; None while it continues."""
    over, samples = left(wait, step, now) <= 0, step.samples
    if wait.check is None:
        lasted = format_duration(wait.seconds)
        return WaitEnd(StepState.PASSED, f"waited {lasted}") if over else None
    return _until(wait, step, over) if wait.until else _while(wait, samples, over)


def _until(wait: Wait, step: StepRun, over: bool) -> WaitEnd | None:
    samples = step.samples
    if samples.held:
        took = (samples.last_at or 0.0) - (step.started_at or 0.0)
        said = f"held after {format_duration(max(0.0, round(took)))}: {samples.last}"
        return WaitEnd(StepState.PASSED, said)
    if not over:
        return None
    lasted = format_duration(wait.seconds)
    if samples.failed:
        return WaitEnd(StepState.FAILED, f"did not hold within {lasted}: {samples.last}")
    return WaitEnd(StepState.INCONCLUSIVE, f"could not be seen within {lasted}")


def _while(wait: Wait, samples: Samples, over: bool) -> WaitEnd | None:
    looks = samples.held + samples.failed + samples.unknown
    if samples.failed:
        return WaitEnd(StepState.FAILED, f"did not hold at look {looks}: {samples.last}")
    if not over:
        return None
    seen = min(1.0, samples.held * every(wait) / wait.seconds)
    counted = f"held in {samples.held} of {looks} look{'' if looks == 1 else 's'}"
    if seen < ENOUGH:
        said = f"{counted}, but only {seen:.0%} of the time was seen"
        return WaitEnd(StepState.INCONCLUSIVE, said)
    return WaitEnd(StepState.PASSED, f"{counted} over {format_duration(wait.seconds)}")
