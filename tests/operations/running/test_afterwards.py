"""After a good verdict: what dies again is recorded before its summary, and what lives is not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from opsconsole.model.operation import Operation, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.running.afterwards import look_on
from opsconsole.operations.state_place import FolderPlace
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent

RUNS = Sight("web-1", State.OK, run="first")


class Seen:
    """What is looked at: one sight a look, the last one for ever."""

    def __init__(self, *sights: Sight, name: str = "") -> None:
        self._sights: Sequence[Sight] = sights
        self._name = name
        self._at = 0

    def _next(self) -> Sight | None:
        at, self._at = min(self._at, len(self._sights) - 1), self._at + 1
        return self._sights[at] if self._sights else None

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        sight = self._next()
        return (sight,) if sight else ()


class Probed:
    """Probes of one instance."""

    timeout = 1.0

    def __init__(self, *states: State) -> None:
        self._states = list(states)

    @property
    def names(self) -> tuple[str, ...]:
        return ("web-1",)

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        state = self._states.pop(0) if self._states else State.OK
        return {"web-1": Sight("web-1", state)}


class Quick:
    """A clock that moves by what is slept."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class There(FolderPlace):
    """A state that is there."""

    def exists(self) -> bool:
        return True


DOWN, OK = State.DOWN, State.OK

CASES = {
    "another run": (Seen(RUNS, RUNS, RUNS, replace(RUNS, run="second")), Probed(), 3),
    "down": (Seen(RUNS, RUNS, replace(RUNS, state=DOWN)), Probed(), 2),
    "not answering": (Seen(), Probed(OK, DOWN, DOWN), 3),
    "not answering once": (Seen(), Probed(OK, DOWN, OK, DOWN, OK), None),
    "alive": (Seen(RUNS), Probed(), None),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_death_after_the_verdict_is_recorded(tmp_path: object, case: str) -> None:
    seen, probed, after = CASES[case]
    journal, asked = MemoryJournal(MemoryStore()), intent("web")
    plan = replace(
        asked.plan, watch=20.0, steps=tuple(replace(s, instance="web-1") for s in asked.plan.steps)
    )
    journal.submit(asked, 0.0)
    for state in (OperationState.DISPATCHED, OperationState.VERIFYING, OperationState.VERIFIED):
        journal.advance(asked.operation, state, 1.0, summary="healthy for 10.6 s")
    clock = Quick()
    there = There(tmp_path)  # type: ignore[arg-type]
    said = await look_on(there, journal, asked.operation, plan, seen, probed, clock)
    operation = journal.operation(asked.operation)
    assert isinstance(operation, Operation)
    assert operation.state is OperationState.VERIFIED
    if after is None:
        assert said == ""
        assert operation.summary == "healthy for 10.6 s"
    else:
        assert said == f"web-1 died again after {after} s"
        assert operation.summary == f"{said}; healthy for 10.6 s"
        assert journal.audit_rows()[-1].record.count(said) == 1
