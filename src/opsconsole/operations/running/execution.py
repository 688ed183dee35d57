"""Carrying out the steps of one operation, each once, in order, to a verdict.

Invariant: a step's intent is on the disk before its side effect, its outcome after it. A step
whose outcome is not known is looked up, never made again. Steps stop at the first that fails,
before one that would leave the service without a healthy instance, and before one that the locks
may not outlast: then nothing is begun any more, not even what tidies up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import SILENCING, TAKES_AWAY, ActionKind, OperationState, Plan, Step
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import Driver, ObserveError, Outcome, StepOutcome
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.locks.locks import Held, LockLostError
from opsconsole.operations.running.verification import Baseline, Verdict, Verifier, lines_of

_CALLS = frozenset({ActionKind.TEST, ActionKind.CALL})
_GOOD = OperationState.VERIFIED
_LAPSED = "its lock may have lapsed, and others may be at the service"

NOT_OF_HEALTH = SILENCING | {ActionKind.BACKUP}
"""Kinds that leave the service as it is: their verdict is what the driver itself sees."""


@dataclass(slots=True)
class Record:
    """What the steps so far have shown. ``doubts``: calls whose outcome is not known."""

    evidence: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add(self, step: Step, outcome: StepOutcome) -> str:
        """Keep an outcome; why to stop after it, or ''."""
        line = f"{step.summary}: {outcome.detail}"
        self.evidence += [*outcome.evidence, line]
        if outcome.outcome is Outcome.UNKNOWN:
            self.doubts.append(line)
        return line if outcome.outcome is Outcome.FAILED else ""


@dataclass(slots=True)
class Execution:
    """One operation on its way, in the runner's process."""

    operation: str
    plan: Plan
    driver: Driver
    verifier: Verifier
    journal: Journal
    clock: Clock
    held: Sequence[Held] = ()
    lapsed: bool = False

    async def run(self) -> Verdict:
        """Carry out every step, verify, and return the verdict; it is not recorded here."""
        before = await self.verifier.baseline()
        self._advance(OperationState.DISPATCHED)
        started = self.clock.now()
        record = Record()
        waiting = self._order(before)
        while waiting:
            step = self.plan.steps[waiting[0]]
            stop = await self._why_not(step)
            if not stop:
                started = self.clock.now()
                stop = await self._one(waiting.pop(0), step, record)
            if not stop and waiting and not self._is_half(step, self.plan.steps[waiting[0]]):
                stop = await self._wait_for_health(step, before, started, record)
            if stop:
                return await self._stopped(waiting, stop, record, started)
        return await self.verify(before, started, record)

    async def verify(self, before: Baseline, since: float, record: Record) -> Verdict:
        """The verdict on steps that are all over."""
        self._advance(OperationState.VERIFYING)
        if self._is_call:
            return _of_call(record)
        verdict = await self.verifier.verdict(
            self.plan.steps, before, since, alone=self.plan.instance
        )
        lines, doubts = (*record.evidence, *verdict.evidence), record.doubts
        if self.plan.kind in NOT_OF_HEALTH and verdict.state is _GOOD:
            verdict = Verdict(_GOOD, verdict.evidence[0])
        if doubts and verdict.state is OperationState.VERIFIED:
            summary = f"{verdict.summary}, but whether it acted is not known: {doubts[0]}"
            return Verdict(OperationState.INCONCLUSIVE, summary, lines)
        return Verdict(verdict.state, verdict.summary, lines)

    async def conclude(self, verdict: Verdict) -> Verdict:
        """Let the driver tidy up or put back, and report what it did next to the verdict."""
        if verdict.state is OperationState.REFUSED or not self.driver.concludes:
            return verdict
        records = self.journal.step_records(self.operation)
        begun = sorted((each.started_at or 0.0, each.ordinal) for each in records if each.begun)
        if not begun:
            return verdict
        if not self._may_begin():
            line = f"nothing was tidied up or put back: {_LAPSED}"
            return Verdict(verdict.state, f"{verdict.summary}; {line}", (*verdict.evidence, line))
        self.journal.note(
            self.operation, "concluding", self.clock.now(), {"verdict": verdict.state.value}
        )
        steps = tuple(self.plan.steps[ordinal] for _, ordinal in begun)
        ended = await self.driver.conclude(steps, verdict.state)
        summaries = [verdict.summary, ended.detail if verdict.state is not _GOOD else ""]
        evidence = (*verdict.evidence, *ended.evidence, *([ended.detail] if ended.detail else ()))
        return Verdict(verdict.state, "; ".join(filter(None, summaries)), evidence)

    async def reconcile(
        self, ordinal: int, step: Step, before: Mapping[str, str], why: str
    ) -> StepOutcome:
        """Look up what became of a step, and record it."""
        self.journal.step_ends(self.operation, ordinal, "unknown", self.clock.now(), why)
        self._advance(OperationState.UNKNOWN, summary=f"looking up what became of: {step.summary}")
        found = await settle(
            lambda: self._looked_up(step, before), self.clock, within=self.verifier.patience
        )
        detail = f"{why}; looked up: {found.detail}"
        outcome = StepOutcome(found.outcome, detail, found.evidence)
        state = outcome.outcome.value
        self.journal.step_ends(self.operation, ordinal, state, self.clock.now(), detail)
        self._advance(OperationState.DISPATCHED, summary="")
        return outcome

    async def _looked_up(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        try:
            return await self.driver.reconcile(step, before)
        except ObserveError as error:
            if self.verifier.given_up:
                return StepOutcome(Outcome.UNKNOWN, str(error))
            raise

    def drop(self, ordinals: list[int], why: str) -> None:
        """Say of steps that were not begun that they will not be."""
        for ordinal in ordinals:
            detail = f"not done: {why}"
            self.journal.step_ends(self.operation, ordinal, "waiting", self.clock.now(), detail)

    def _order(self, before: Baseline) -> list[int]:
        """Steps as planned, but those at instances that are not healthy come first."""
        steps = self.plan.steps
        return sorted(range(len(steps)), key=lambda n: steps[n].instance in before.healthy)

    async def _one(self, ordinal: int, step: Step, record: Record) -> str:
        """Carry out one step; why to stop after it, or ''."""
        try:
            before = await self.driver.before(step)
        except ObserveError as error:
            self.drop([ordinal], str(error))
            return f"{step.summary}: not begun: {error}"
        try:
            self.journal.step_begins(self.operation, ordinal, self.clock.now(), before)
        except LockLostError:
            self.lapsed = True
        if self.lapsed or not self._may_begin():
            self.lapsed = True
            self.drop([ordinal], _LAPSED)
            return f"{step.summary}: not done: {_LAPSED}"
        try:
            outcome = await self.verifier.during(self.driver.execute(step))
        except ObserveError as error:
            # It looked before it acted, or after: what it did is to be looked up.
            outcome = StepOutcome(Outcome.UNKNOWN, str(error))
        if outcome.outcome is Outcome.UNKNOWN:
            outcome = await self.reconcile(ordinal, step, before, outcome.detail)
        else:
            state, now = outcome.outcome.value, self.clock.now()
            self.journal.step_ends(self.operation, ordinal, state, now, outcome.detail)
        return record.add(step, outcome)

    def _is_half(self, step: Step, following: Step) -> bool:
        """Whether there is nothing to look at yet: a call of a test, a step without effect."""
        return self._is_call or (following.follows and not step.follows)

    @property
    def _is_call(self) -> bool:
        """Whether its answer is its verdict."""
        return self.plan.kind in _CALLS and not self.driver.seen_well

    async def _wait_for_health(
        self, step: Step, before: Baseline, since: float, record: Record
    ) -> str:
        """Wait until what was just changed is healthy; why to stop, or ''."""
        verdict = await self.verifier.settle((step,), step.instance, before, since)
        if verdict is None or verdict.state is OperationState.VERIFIED:
            return ""
        record.evidence += verdict.evidence
        return f"after {step.summary}: {verdict.summary}"

    async def _why_not(self, step: Step) -> str:
        """Why a step must not be made: it would take down the only healthy instance; or ''."""
        instance = step.instance
        overridden = self.plan.override
        if self.plan.kind not in TAKES_AWAY or overridden or not instance:
            return ""
        healthy = await self.verifier.healthy_of_many()
        return f"{instance} is the only healthy instance" if healthy == {instance} else ""

    async def _stopped(self, waiting: list[int], why: str, record: Record, since: float) -> Verdict:
        lapsed = self.lapsed or not self._may_begin()
        self.drop(waiting, _LAPSED if lapsed else "stopped at the first failure")
        made = tuple(step for n, step in enumerate(self.plan.steps) if n not in waiting)
        sights = await self.verifier.now(made, since)
        # Nothing was seen to fail where a person did not want to wait any longer, and others may
        # have made what is seen where the locks lapsed.
        unsure = self.verifier.given_up or lapsed
        state = OperationState.INCONCLUSIVE if unsure else OperationState.FAILED
        return Verdict(state, why, (*record.evidence, *lines_of(sights)))

    def _may_begin(self) -> bool:
        return all(each.may_begin() for each in self.held)

    def _advance(self, state: OperationState, summary: str | None = None) -> None:
        """Move on, unless the runner before this one had come as far."""
        found = self.journal.operation(self.operation)
        if found is None or found.state is not state:
            self.journal.advance(self.operation, state, self.clock.now(), summary=summary)


def away(plan: Plan) -> frozenset[str]:
    """The instances that ``plan`` takes away on purpose, which nobody is to expect."""
    return frozenset(step.instance for step in plan.steps if step.away) - {""}


def _of_call(record: Record) -> Verdict:
    evidence = tuple(record.evidence)
    if record.doubts:
        return Verdict(OperationState.INCONCLUSIVE, record.doubts[0], evidence)
    return Verdict(OperationState.VERIFIED, evidence[-1] if evidence else "", evidence)
