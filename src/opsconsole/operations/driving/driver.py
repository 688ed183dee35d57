"""What a driver is: one way of changing the world, and of looking at what it changed.

Invariant: ``observe``, ``before``, ``reconcile`` and ``look`` change nothing. ``execute`` acts
once and is never called again for the same step; when it does not know whether the call took
effect it says UNKNOWN, and only ``reconcile`` decides, by what is seen.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, TypeVar

from opsconsole.clock import Clock, SystemClock
from opsconsole.config.actions import Action
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.errors import OpsconsoleError
from opsconsole.machines.base import Machine
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Copy,
    OperationState,
    Step,
)
from opsconsole.model.running.machine import MachineError
from opsconsole.model.state import State
from opsconsole.operations.driving.lasting import Deaths
from opsconsole.operations.journal.records import Past
from opsconsole.threads import BoundedExecutor

T = TypeVar("T")

NOT_UNDONE: Final = "nothing: a restart cannot be undone"
"""How a restart is undone."""


class Outcome(StrEnum):
    """What became of one step."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """An outcome with one line of detail and lines of evidence, all sanitised."""

    outcome: Outcome
    detail: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one subject: an instance, a container, a unit.

    ``since_change``: what is seen runs since the change, not since before it. ``run`` names the
    run that is seen (a start time, a process id); healthy means healthy in one and the same run.
    ``uptime`` is what the subject says of itself, in seconds; ``started`` when it started, by its
    own clock. ``lost``: it will not get well by waiting, such as a crash loop.
    """

    subject: str
    state: State
    detail: str = ""
    latency: float | None = None
    since_change: bool = True
    run: str = ""
    uptime: float | None = None
    lost: bool = False
    started: float | None = None


def outcome_of(sight: Sight) -> StepOutcome:
    """What a look at the one thing that a step changes says of the step."""
    outcomes = {State.OK: Outcome.DONE, State.UNKNOWN: Outcome.UNKNOWN}
    return StepOutcome(outcomes.get(sight.state, Outcome.FAILED), sight.detail)


class ObserveError(OpsconsoleError):
    """What a plan would be about cannot be seen, or must not be, so it cannot be planned.

    ``code`` is that of the refusal which it becomes.
    """

    def __init__(self, what: str, *, remedy: str = "", code: str = "cannot-look") -> None:
        super().__init__(what, remedy=remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class DriverContext:
    """All that a driver is made from. ``base`` is the folder that relative paths start at.

    ``threads`` is for calls that block and are not the machine's; each needs a deadline. ``past``
    is what was performed for the service, newest first: where a driver finds what was there before
    a change. ``operation`` is what is carried out; '' while it is planned.
    """

    service: str
    kind: ActionKind
    action: Action
    settings: Settings
    base: Path
    machines: Machines
    threads: BoundedExecutor
    request: ActionRequest
    past: tuple[Past, ...] = ()
    clock: Clock = field(default_factory=SystemClock)
    operation: str = ""

    @property
    def machine(self) -> Machine:
        """Where the programs, files and processes of the action are."""
        return self.machines.of(self.settings.host_of(self.service, self.action))

    def name_of(self, step: Step) -> str:
        """What the one program of ``step`` is called where it runs."""
        return f"{self.operation}-{step.driver}"

    @property
    def start(self) -> Path:
        """Where relative paths of the action start there: the root of another host."""
        return Path("/") if self.machine.name else self.base


def not_done(error: MachineError) -> StepOutcome:
    """What became of a step that a machine did not do: UNKNOWN where it may have done it."""
    if error.begun:
        return StepOutcome(Outcome.UNKNOWN, str(error))
    return StepOutcome(Outcome.FAILED, f"nothing was done: {error}")


def declared(target: T | None) -> T:
    """``target``, which the action declares: the registry chose the driver by it."""
    if target is None:
        raise ValueError("the action declares nothing for this driver")
    return target


class Driver(Protocol):
    """One way to carry out one kind of action for one service.

    Every driver has it as its base, so that each method is compared with it where it is written;
    what a driver leaves out is as it is here.
    """

    concludes: bool = False
    """Whether ``conclude`` has something to do."""

    seen_well: bool = False
    """Whether a call by it is verified as a restart is, by looks at all that is to be well."""

    answer: str = "the call's own answer"
    """What makes the verdict of a call by it that is not."""

    @abstractmethod
    async def observe(self) -> Mapping[str, str]:
        """The facts that pin the plan; a plan whose facts moved is refused. Raises ObserveError."""

    @abstractmethod
    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The calls to make, one after another, each pinned to a target."""

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """What a rollback goes to, by the name of the fact that says what runs."""
        return {}

    def warnings(self) -> tuple[str, ...]:
        """What a person should know before confirming, a line each; asked after ``steps``."""
        return ()

    def differences(self) -> tuple[str, ...]:
        """What becomes otherwise, what there is room for, a line each; asked after ``steps``."""
        return ()

    async def copies(self) -> tuple[Copy, ...]:
        """Each copy that could be changed alone, as the driver sees it. Raises ObserveError."""
        return ()

    def deaths(self) -> tuple[Deaths, ...]:
        """What the driver itself saw of how its targets died before; asked after ``observe``."""
        return ()

    def follow_up(self) -> DriverContext | None:
        """What is to be done right after it, in the same plan, to give it effect.

        Raises ObserveError when that is wanted and not declared.
        """
        return None

    async def before(self, step: Step) -> Mapping[str, str]:
        """What ``reconcile`` will need to know, read just before the call."""
        return {}

    @abstractmethod
    async def execute(self, step: Step) -> StepOutcome:
        """Make the call once."""

    @abstractmethod
    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Find out by looking whether the call took effect."""

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What the driver itself sees of the steps' targets; () when it cannot look itself."""
        return ()

    @abstractmethod
    def undo(self) -> str:
        """How the change is undone, in one line."""

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """End what ``steps``, those that were begun and in that order, have left open.

        Called once the verdict is clear, of a driver that ``concludes``, and perhaps again after
        a crash: it looks first and does only what is left to do. The detail of DONE is shown
        next to the verdict; every other outcome is shown too.
        """
        return StepOutcome(Outcome.DONE)

    async def close(self) -> None:
        """Release sockets; idempotent."""
        return
