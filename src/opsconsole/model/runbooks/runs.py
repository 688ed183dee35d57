"""Runs of runbooks: where each step stands, which comes next, and what may be asked of a run.

Invariant: steps are settled in their order, one at a time; a step that passed or was skipped is
never run again. A step that did not pass may be, since the cause may have been fixed.
"""

from dataclasses import field
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionRequest
from opsconsole.model.runbooks.runbook import OnFailure, RunbookView


class StepState(StrEnum):
    """Where a step stands. ``inconclusive``: it was tried and the result is not known."""

    PENDING = "pending"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


DONE: Final = frozenset({StepState.PASSED, StepState.SKIPPED})
NOT_PASSED: Final = frozenset({StepState.FAILED, StepState.INCONCLUSIVE})


class RunOutcome(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Samples:
    """What a wait has seen so far: how often its check held, did not, and gave no result."""

    held: int = 0
    failed: int = 0
    unknown: int = 0
    last_at: float | None = None
    last: str = ""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step of a run. ``said`` is its result in a line; ``operation`` the id of its operation.

    ``planned_at`` is when its plan was last opened. ``attempts`` counts how often it was begun.
    """

    id: str
    state: StepState = StepState.PENDING
    optional: bool = False
    on_failure: OnFailure = OnFailure.STOP
    said: str = ""
    evidence: tuple[str, ...] = ()
    who: str = ""
    host: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    planned_at: float | None = None
    attempts: int = 0
    answer: str = ""
    operation: str = ""
    samples: Samples = field(default_factory=Samples)

    @property
    def settled(self) -> bool:
        """Whether the next step may be run."""
        if self.state in DONE:
            return True
        return self.state in NOT_PASSED and self.on_failure is OnFailure.CONTINUE


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """One run, of all consoles'. ``digest`` is that of the steps it was begun with.

    ``begun_as`` is the runbook as it was then, where it has changed since and this user began it.
    """

    id: str
    runbook: str
    title: str
    service: str
    digest: str
    who: str
    host: str
    began_at: float
    updated_at: float
    steps: tuple[StepRun, ...] = ()
    ended_at: float | None = None
    outcome: RunOutcome | None = None
    said: str = ""
    begun_as: RunbookView | None = None

    def step(self, step: str) -> StepRun | None:
        """The step called ``step``."""
        return next((each for each in self.steps if each.id == step), None)

    @property
    def next(self) -> StepRun | None:
        """The first step that is not settled; None when there is nothing left to do."""
        return next((each for each in self.steps if not each.settled), None)

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None


class RunbookVerb(StrEnum):
    """What can be asked of a run."""

    RUN = "run"
    SKIP = "skip"
    END = "end"


@dataclass(frozen=True, slots=True)
class RunbookRequest:
    """What a key or a command asks for. The run is the open one of runbook and service.

    ``replay``: it was asked from a replay, where nothing is run.
    """

    runbook: str
    service: str
    verb: RunbookVerb
    step: str = ""
    answer: str = ""
    replay: bool = False


@dataclass(frozen=True, slots=True)
class RunbookAnswer:
    """The run after what was asked, and the plan to open where the step is an operation."""

    run: RunbookRun
    plan: ActionRequest | None = None
