"""Looking until what was changed has settled, and no longer.

Invariant: it only looks, and ends in time. What it returns is what the last look said.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from opsconsole.clock import Clock
from opsconsole.operations.driving.driver import ObserveError, Outcome, StepOutcome

SETTLING: Final = 30.0
"""Seconds that a change may still be under way after its call has given no answer."""

PAUSE: Final = 0.5
"""Seconds between two looks."""


async def settle(
    look: Callable[[], Awaitable[StepOutcome | str]],
    clock: Clock,
    *,
    within: float = SETTLING,
    steady: float = 0.0,
    quiet: float = 0.0,
    pause: float = PAUSE,
) -> StepOutcome:
    """What ``look`` finds, as soon as it counts; all times in seconds.

    A text means that nothing is decided yet, and so does an ObserveError: UNKNOWN where that is
    still so after ``within``. DONE counts when it was found for ``steady`` without a break, any
    other outcome when it was found for ``quiet`` without a break or is what there is at the end.
    """
    ends = clock.now() + within
    last: StepOutcome | str = ""
    since = clock.now()
    while True:
        try:
            found = await look()
        except ObserveError as error:
            found = str(error)
        now = clock.now()
        if found != last:
            last, since = found, now
        if isinstance(found, StepOutcome):
            held = steady if found.outcome is Outcome.DONE else quiet
            if now - since >= held or (now >= ends and found.outcome is not Outcome.DONE):
                return found
        if now >= ends:
            return StepOutcome(Outcome.UNKNOWN, found if isinstance(found, str) else found.detail)
        await clock.sleep(pause)
