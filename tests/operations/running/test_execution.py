"""Steps carried out once each and in order, on a scripted driver, journalled as they go."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from opsconsole.model.operation import OVERRIDING, ActionKind, OperationState, Plan, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Driver, Outcome, Sight, StepOutcome
from opsconsole.operations.locks.locks import LockLostError
from opsconsole.operations.running.execution import _LAPSED, Execution, Record, away
from opsconsole.operations.running.verification import Baseline, Verdict, Verifier
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent, op
from tests.operations.locks.memory_locks import HeldInMemory

OK, DOWN = State.OK, State.DOWN
DONE, FAILED, UNKNOWN = Outcome.DONE, Outcome.FAILED, Outcome.UNKNOWN
VERIFIED, INCONCLUSIVE = OperationState.VERIFIED, OperationState.INCONCLUSIVE
A, B = (Step(f"restart {name}", "http", name, instance=name) for name in "ab")


@dataclass
class ScriptClock:
    """Moves by what is slept and by a tenth of a second with each look at it."""

    at: float = 1000.0

    def now(self) -> float:
        self.at += 0.1
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class Scripted(Driver):
    """Answers each target's call and look-up as it is told, and keeps what it was asked."""

    def __init__(self, outcomes: Mapping[str, Outcome], looked_up: Outcome = DONE) -> None:
        self.outcomes, self.looked_up = outcomes, looked_up
        self.made: list[str] = []
        self.concluded: list[tuple[list[str], OperationState]] = []
        self.ending = StepOutcome(DONE)

    async def observe(self) -> Mapping[str, str]:
        return {}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        return ()

    async def before(self, step: Step) -> Mapping[str, str]:
        return {"pid": step.target}

    async def execute(self, step: Step) -> StepOutcome:
        self.made.append(step.target)
        outcome = self.outcomes.get(step.target, DONE)
        return StepOutcome(outcome, f"said {outcome}", (f"seen at {step.target}",))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        assert before == {"pid": step.target}
        self.made.append(f"look up {step.target}")
        return StepOutcome(self.looked_up, f"found {self.looked_up}")

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        self.concluded.append(([step.target for step in steps], verdict))
        return self.ending

    def undo(self) -> str:
        return ""


@dataclass
class Probes:
    """Instances that are as they are told."""

    states: dict[str, State]
    timeout: float = 2.0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.states)

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        return {name: Sight(name, state, run="r") for name, state in self.states.items()}


class Lapsing(HeldInMemory):
    """A lock that is certain for so many askings, and from then on may have lapsed."""

    def __init__(self, certain: int) -> None:
        super().__init__(threading.Lock())
        self.certain = certain

    def may_begin(self) -> bool:
        self.certain -= 1
        return self.certain >= 0


@dataclass
class Stage:
    """One operation ``one`` with a plan, a driver and instances."""

    kind: ActionKind = ActionKind.SCALE
    steps: tuple[Step, ...] = (A, B)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=lambda: {"a": OK, "b": OK})
    looked_up: Outcome = DONE
    parameters: Mapping[str, str] = field(default_factory=dict)
    held: "Lapsing | None" = None

    def __post_init__(self) -> None:
        self.journal = MemoryJournal(MemoryStore())
        self.driver = Scripted(self.outcomes, self.looked_up)
        given = intent("one", self.kind)
        self.plan = replace(given.plan, steps=self.steps, parameters=self.parameters)
        self.journal.submit(replace(given, plan=self.plan), 1.0)
        clock = ScriptClock()
        verifier = Verifier(self.driver, Probes(self.states), clock, self.kind, 1.0, 20.0)
        held = () if self.held is None else (self.held,)
        self.execution = Execution(
            op("one"), self.plan, self.driver, verifier, self.journal, clock, held
        )

    @property
    def written(self) -> list[tuple[str, str]]:
        """Each step's state and detail in the journal."""
        return [(each.state, each.detail) for each in self.journal.step_records(op("one"))]

    @property
    def state(self) -> OperationState:
        found = self.journal.operation(op("one"))
        assert found is not None
        return found.state

    async def run(self) -> Verdict:
        return await self.execution.run()


async def test_every_step_is_made_once_in_order_and_verified() -> None:
    stage = Stage()
    verdict = await stage.run()
    assert verdict.state is VERIFIED, verdict
    assert verdict.summary.startswith("healthy for ")
    assert verdict.evidence[:4] == (
        "seen at a", "restart a: said done", "seen at b", "restart b: said done",
    )  # fmt: skip
    assert stage.driver.made == ["a", "b"]
    assert stage.written == [("done", "said done")] * 2
    assert stage.state is OperationState.VERIFYING
    records = stage.journal.step_records(op("one"))
    assert [each.before for each in records] == [{"pid": "a"}, {"pid": "b"}]


async def test_what_is_not_healthy_comes_first() -> None:
    stage = Stage(states={"a": OK, "b": DOWN})
    await stage.run()
    assert stage.driver.made[0] == "b"


async def test_it_stops_at_the_first_failure_and_says_what_was_not_done() -> None:
    stage = Stage(outcomes={"a": FAILED})
    verdict = await stage.run()
    assert (verdict.state, verdict.summary) == (
        OperationState.FAILED, "restart a: said failed",
    )  # fmt: skip
    assert "restart a: said failed" in verdict.evidence
    assert "a: ok" in verdict.evidence
    assert stage.driver.made == ["a"]
    assert stage.written == [
        ("failed", "said failed"), ("waiting", "not done: stopped at the first failure"),
    ]  # fmt: skip


async def test_it_stops_before_the_next_where_the_one_before_does_not_come_back() -> None:
    stage = Stage(states={"a": DOWN, "b": OK})
    verdict = await stage.run()
    assert verdict.state is OperationState.FAILED
    assert verdict.summary.startswith("after restart a: a not healthy")
    assert stage.driver.made == ["a"]
    assert stage.written[1][0] == "waiting"


async def test_what_gives_effect_to_the_step_before_it_is_not_waited_for() -> None:
    follows = replace(B, follows=True)
    stage = Stage(steps=(A, follows), states={"a": DOWN, "b": OK})
    await stage.run()
    assert stage.driver.made == ["a", "b"]
    both = Stage(steps=(replace(A, follows=True), follows), states={"a": DOWN, "b": OK})
    await both.run()
    assert both.driver.made == ["a"]


@pytest.mark.parametrize("looked_up", [DONE, FAILED, UNKNOWN])
async def test_what_cannot_be_told_is_looked_up_and_never_made_again(looked_up: Outcome) -> None:
    stage = Stage(steps=(A,), outcomes={"a": UNKNOWN}, looked_up=looked_up)
    verdict = await stage.run()
    assert stage.driver.made == ["a", "look up a"]
    detail = f"said unknown; looked up: found {looked_up}"
    assert stage.written == [(looked_up.value, detail)]
    states = {DONE: VERIFIED, FAILED: OperationState.FAILED, UNKNOWN: INCONCLUSIVE}
    assert verdict.state is states[looked_up]
    if looked_up is UNKNOWN:
        assert verdict.summary.endswith(f": restart a: {detail}")
    assert f"restart a: {detail}" in verdict.evidence


async def test_a_doubt_beside_a_bad_verdict_leaves_the_verdict() -> None:
    stage = Stage(
        steps=(A,), outcomes={"a": UNKNOWN}, looked_up=UNKNOWN, states={"a": DOWN, "b": OK}
    )
    verdict = await stage.run()
    assert verdict.state is OperationState.FAILED
    assert "looked up" not in verdict.summary


async def test_the_only_healthy_instance_is_not_taken_away() -> None:
    restart, only = ActionKind.RESTART, {"a": OK, "b": DOWN}
    stage = Stage(restart, steps=(A,), states=only)
    verdict = await stage.run()
    assert verdict.summary == "a is the only healthy instance"
    assert (stage.driver.made, stage.written[0][0]) == ([], "waiting")
    for allowed in (
        Stage(restart, steps=(A,), states=only, parameters=OVERRIDING),
        Stage(restart, steps=(B,), states=only),
        Stage(restart, steps=(replace(A, instance=""),), states=only),
        Stage(restart, steps=(A,)),
        Stage(ActionKind.CALL, steps=(A,), states=only),
    ):
        await allowed.run()
        assert allowed.driver.made == [allowed.steps[0].target]


@pytest.mark.parametrize("kind", [ActionKind.TEST, ActionKind.CALL])
async def test_the_verdict_of_a_call_is_its_own_answer(kind: ActionKind) -> None:
    stage = Stage(kind, states={"a": DOWN, "b": DOWN})
    assert await stage.run() == Verdict(
        VERIFIED, "restart b: said done",
        ("seen at a", "restart a: said done", "seen at b", "restart b: said done"),
    )  # fmt: skip
    assert stage.driver.made == ["a", "b"]
    doubtful = Stage(kind, outcomes={"a": UNKNOWN}, looked_up=UNKNOWN)
    verdict = await doubtful.run()
    assert (verdict.state, verdict.summary[:9]) == (INCONCLUSIVE, "restart a")
    nothing = await Stage(kind, steps=()).run()
    assert nothing == Verdict(VERIFIED, "")


async def test_a_backup_is_told_by_what_its_driver_sees() -> None:
    verdict = await Stage(ActionKind.BACKUP).run()
    assert (verdict.state, verdict.summary) == (VERIFIED, "a: ok")


async def test_a_driver_concludes_with_the_steps_that_were_begun() -> None:
    stage = Stage(outcomes={"a": FAILED})
    stage.driver.concludes = True
    stage.driver.ending = StepOutcome(DONE, "put back", ("it runs",))
    verdict = await stage.execution.conclude(await stage.run())
    assert stage.driver.concluded == [(["a"], OperationState.FAILED)]
    assert verdict.summary == "restart a: said failed; put back"
    assert verdict.evidence[-2:] == ("it runs", "put back")
    assert any("concluding" in row.record for row in stage.journal.audit_rows())
    good = Stage()
    good.driver.concludes = True
    good.driver.ending = StepOutcome(DONE, "tidied up")
    verified = await good.run()
    verdict = await good.execution.conclude(verified)
    assert verdict.summary == verified.summary
    assert verdict.evidence == (*verified.evidence, "tidied up")
    assert good.driver.concluded == [(["a", "b"], VERIFIED)]


async def test_nothing_is_concluded_where_nothing_was_begun() -> None:
    verdict = Verdict(OperationState.FAILED, "too late")
    for concludes, given in (
        (True, verdict), (False, verdict), (True, replace(verdict, state=OperationState.REFUSED)),
    ):  # fmt: skip
        stage = Stage()
        stage.driver.concludes = concludes
        assert await stage.execution.conclude(given) == given
        assert stage.driver.concluded == []
    begun = Stage()
    await begun.run()
    assert await begun.execution.conclude(verdict) == verdict
    begun.driver.concludes = True
    refused = replace(verdict, state=OperationState.REFUSED)
    assert await begun.execution.conclude(refused) == refused
    assert begun.driver.concluded == []


@pytest.mark.parametrize("certain", [0, 1])
async def test_nothing_is_begun_once_the_lock_may_have_lapsed(certain: int) -> None:
    stage = Stage(held=Lapsing(certain))
    stage.driver.concludes = True
    verdict = await stage.execution.conclude(await stage.run())
    assert stage.driver.made == ["a", "b"][:certain]
    assert stage.written[certain:] == [("waiting", f"not done: {_LAPSED}")] * (2 - certain)
    assert verdict.state is INCONCLUSIVE
    at = "ab"[certain]
    assert verdict.summary.startswith(f"restart {at}: not done: {_LAPSED}")
    assert stage.driver.concluded == []
    assert verdict.summary.endswith("was tidied up or put back: " + _LAPSED) is bool(certain)


async def test_what_the_journal_does_not_let_begin_is_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    begins = stage.journal.step_begins

    def step_begins(operation: str, ordinal: int, now: float, before: Mapping[str, str]) -> None:
        if ordinal:
            raise LockLostError("the service lock of web has lapsed")
        begins(operation, ordinal, now, before)

    monkeypatch.setattr(stage.journal, "step_begins", step_begins)
    verdict = await stage.run()
    assert stage.driver.made == ["a"]
    assert stage.written[1] == ("waiting", f"not done: {_LAPSED}")
    assert verdict.state is INCONCLUSIVE


async def test_what_was_not_begun_is_not_concluded_when_the_lock_is_certain_again() -> None:
    stage = Stage(held=Lapsing(1))
    stage.driver.concludes = True
    verdict = await stage.run()
    assert stage.held is not None
    stage.held.certain = 1
    await stage.execution.conclude(verdict)
    assert stage.driver.concluded == [(["a"], INCONCLUSIVE)]


async def test_one_that_goes_on_is_not_moved_to_where_it_is() -> None:
    stage = Stage()
    for state in (OperationState.DISPATCHED, OperationState.VERIFYING):
        stage.journal.advance(op("one"), state, 2.0)
    verdict = await stage.execution.verify(Baseline({}, {}), 1000.0, Record(["seen before"]))
    assert (verdict.state, verdict.evidence[0]) == (VERIFIED, "seen before")


def _plan(*steps: Step) -> Plan:
    return replace(intent("one").plan, steps=steps)


def test_what_is_taken_away_on_purpose() -> None:
    assert away(_plan(A, replace(B, away=True), replace(A, instance="", away=True))) == {"b"}
