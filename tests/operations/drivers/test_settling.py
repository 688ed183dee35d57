"""Looking until it has settled: when what is found counts, by a clock that is moved by hand."""

import asyncio
from collections.abc import Sequence

import pytest

from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import ObserveError, Outcome, StepOutcome
from tests.fakes import FakeClock

_DONE = StepOutcome(Outcome.DONE, "it is there")
_FAILED = StepOutcome(Outcome.FAILED, "as before")
_OTHER = StepOutcome(Outcome.FAILED, "something else")


class Looks:
    """Each look finds the next thing, the last one for ever; a second lies between two."""

    def __init__(self, *found: StepOutcome | str | ObserveError) -> None:
        self.clock = FakeClock()
        self._found: Sequence[StepOutcome | str | ObserveError] = found
        self.count = 0

    async def __call__(self) -> StepOutcome | str:
        found = self._found[min(self.count, len(self._found) - 1)]
        self.count += 1
        if isinstance(found, ObserveError):
            raise found
        return found

    async def settled(
        self, *, within: float = 10.0, steady: float = 0.0, quiet: float = 0.0
    ) -> StepOutcome:
        settling = asyncio.create_task(
            settle(self, self.clock, within=within, steady=steady, quiet=quiet, pause=1.0)
        )
        while not settling.done():
            await self.clock.advance(1.0)
        return await settling


async def test_what_is_done_counts_at_once() -> None:
    looks = Looks("starting", "starting", _DONE, _FAILED)
    assert await looks.settled() == _DONE
    assert looks.count == 3


async def test_what_is_not_decided_by_the_end_is_unknown() -> None:
    looks = Looks("starting")
    assert await looks.settled(within=3.0) == StepOutcome(Outcome.UNKNOWN, "starting")
    assert looks.count == 4


async def test_what_cannot_be_looked_at_is_looked_at_again() -> None:
    looks = Looks(ObserveError("no answer"), _DONE)
    assert await looks.settled() == _DONE
    blind = Looks(ObserveError("no answer"))
    assert await blind.settled(within=2.0) == StepOutcome(Outcome.UNKNOWN, "no answer")


async def test_a_failure_counts_once_it_has_stood_for_long_enough() -> None:
    looks = Looks(_FAILED, _OTHER, _FAILED)
    assert await looks.settled(quiet=3.0) == _FAILED
    assert looks.count == 6, "what changes in between begins again"


async def test_at_the_end_a_failure_is_what_there_is() -> None:
    looks = Looks(_FAILED)
    assert await looks.settled(within=2.0, quiet=60.0) == _FAILED


async def test_a_late_success_is_one() -> None:
    assert await Looks(_FAILED, _FAILED, _DONE).settled(quiet=3.0) == _DONE


@pytest.mark.parametrize("restarts", [True, False])
async def test_what_must_be_steady_must_stay_the_same(restarts: bool) -> None:
    runs = [StepOutcome(Outcome.DONE, f"started at {n if restarts else 0}") for n in range(20)]
    outcome = await Looks(*runs).settled(within=8.0, steady=2.0)
    assert outcome.outcome is (Outcome.UNKNOWN if restarts else Outcome.DONE)
