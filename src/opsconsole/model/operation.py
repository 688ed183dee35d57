"""Changing the world: what config allows, what would be done, and one run of it.

Invariant: an effect that is not declared READ is a change. A plan names exactly the calls that
will be made and the targets they are pinned to; an operation's verdict is what was observed
after the change, never that a call returned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State


class Effect(StrEnum):
    """What an action does to the world. There is no third kind and no default of READ."""

    READ = "read"
    CHANGE = "change"


class ActionKind(StrEnum):
    """What config can allow for a service."""

    RESTART = "restart"
    DEGRADE = "degrade"
    RECOVER = "recover"
    BACKUP = "backup"
    RESTORE = "restore"
    ROLLBACK = "rollback"
    SCALE = "scale"
    TEST = "test"
    CALL = "call"
    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"
    EXPIRE_SILENCE = "expire-silence"


BY_PROMISE = "promise"
"""The parameter of a request that keeps a promise; its value is which."""

SILENCING = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.SILENCE, ActionKind.EXPIRE_SILENCE})
"""Kinds that write to an Alertmanager; the service of their plans is its configured name."""

TAKES_AWAY = frozenset({ActionKind.RESTART, ActionKind.ROLLBACK})
"""Kinds whose steps each take an instance away for a while."""


class OperationState(StrEnum):
    """Where one run stands. ``unknown``: a call was sent and it may have acted."""

    PLANNED = "planned"
    INTENT = "intent"
    DISPATCHED = "dispatched"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    UNKNOWN = "unknown"
    REFUSED = "refused"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OperationState.VERIFIED,
        OperationState.FAILED,
        OperationState.INCONCLUSIVE,
        OperationState.REFUSED,
    }
)


OVERRIDING: Final = {"override": "yes"}
"""The parameters of a request that overrides what may be."""


COPIES: Final = "copies"
"""The parameter of a restart that says for which copies it is, where none is named."""


class Meant(StrEnum):
    """``usual``: those that are not healthy where some are and some are not, else all."""

    USUAL = "usual"
    UNHEALTHY = "unhealthy"
    ALL = "all"


def _overrides(parameters: Mapping[str, str]) -> bool:
    return OVERRIDING.items() <= parameters.items()


class ConfirmLevel(StrEnum):
    """What a person must do before a plan runs."""

    CHOICE = "choice"
    TYPED_NAME = "typed name"
    TYPED_NAME_AND_REASON = "typed name and reason"


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What a key, a command or a script asks for. ``parameters`` such as ``to``, ``backup``.

    ``seen_at`` is the past moment that was on the screen when it was asked for; None for now.
    """

    service: str
    kind: ActionKind
    name: str = ""
    reason: str = ""
    duration: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    seen_at: float | None = None

    @property
    def override(self) -> bool:
        """Whether what may be overridden is."""
        return _overrides(self.parameters)

    @property
    def instance(self) -> str:
        """The one instance that is meant alone, or several with commas; '' for all."""
        return self.parameters.get("instance", "")

    @property
    def instances(self) -> frozenset[str]:
        """Those that are meant alone; none for all."""
        return frozenset(filter(None, self.instance.split(",")))


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy that a change may be for, by its instance's name or its own."""

    name: str
    state: State = State.UNKNOWN
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a plan: a sentence for people, and the driver's own data to carry it out.

    ``target`` is pinned (a container's id, a URL, an argv), ``call`` is JSON-able and secret-free;
    only the driver reads it. ``instance`` is the one that is touched, and ``away`` says that it is
    meant to be gone afterwards. ``follows``: it gives effect to the steps before it, which are
    whole only with it.
    """

    summary: str
    driver: str
    target: str
    call: Mapping[str, object] = field(default_factory=dict)
    effect: Effect = Effect.CHANGE
    instance: str = ""
    away: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Which of several operations one is, that were confirmed at once and follow one another.

    ``then`` are the services whose turn comes after it, if it is verified.
    """

    id: str
    number: int
    count: int
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What exactly would be done, on what observed state.

    ``fingerprint`` maps each observed fact to its value; the runner looks again and refuses
    when one moved. ``goals`` of a rollback: for the fact that says what runs, its value afterwards.
    ``usual_duration`` in seconds is the mean of this action's past here.
    ``auto_rollback``: unless verified, the service is rolled back by itself ``rollback_after``
    seconds after the verdict. ``context`` is what else to know before deciding, a line each.
    ``copies`` of a restart are all that could be chosen; () where there is nothing to choose. For
    ``watch`` seconds after a good verdict it is looked whether what was changed dies again.
    ``group`` is None where it was confirmed alone.
    """

    id: str
    service: str
    kind: ActionKind
    name: str
    created_at: float
    environment: str
    danger: str
    steps: tuple[Step, ...]
    fingerprint: Mapping[str, str]
    confirm: ConfirmLevel
    verification: tuple[str, ...]
    undo: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    last_outcome: str = ""
    usual_duration: float | None = None
    effect: Effect = Effect.CHANGE
    ends_at: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    auto_rollback: bool = False
    rollback_after: float = 0.0
    context: tuple[str, ...] = ()
    goals: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    watch: float = 0.0
    group: Group | None = None

    @property
    def override(self) -> bool:
        """Whether what may be overridden is."""
        return _overrides(self.parameters)

    @property
    def instance(self) -> str:
        """The one instance that is meant alone, or several with commas; '' for all."""
        return self.parameters.get("instance", "")


def confirming_word(plans: Sequence[Plan]) -> str:
    """What is typed to confirm ``plans`` at once: the service of one, how many they are else."""
    return plans[0].service if len(plans) == 1 else str(len(plans))


def confirming_level(plans: Sequence[Plan]) -> ConfirmLevel:
    """What confirms all of ``plans``: whatever one of them asks for."""
    levels = {plan.confirm for plan in plans}
    return next(each for each in reversed(ConfirmLevel) if each in levels)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why policy says no, and what would lift it. ``code`` is stable, for scripts and tests."""

    code: str
    message: str
    lifted_by: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.lifted_by}" if self.lifted_by else self.message


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person did to confirm: the name typed (or '' for a choice) and the reason.

    ``rule`` is the remedy that confirmed by itself, as it is configured; '' for a person.
    """

    typed: str = ""
    reason: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. ``state`` is done, failed, unknown, running or waiting."""

    summary: str
    state: str
    detail: str = ""
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One run of a plan, as the journal has it.

    ``rollback_at`` is when the service is rolled back by itself; None where it is not, or no longer
    is. ``rollback`` says how that ended. ``next_steps`` are what a person may do after a verdict
    that is not good. ``by_promise``: it keeps a promise, and no person began it. ``about`` names
    the alerts that are acknowledged or silenced, or no longer are. ``given_up`` is who asked that
    verifying it ends. ``corrected`` is what was seen after a good verdict that did not last.
    ``subject`` is what it excludes other changes of; '' for the whole service.
    """

    id: str
    plan_id: str
    service: str
    kind: ActionKind
    name: str
    state: OperationState
    who: str
    host: str
    started_at: float
    updated_at: float
    reason: str = ""
    summary: str = ""
    steps: tuple[StepResult, ...] = ()
    evidence: tuple[str, ...] = ()
    ended_at: float | None = None
    ends_at: float | None = None
    usual_duration: float | None = None
    rollback_at: float | None = None
    rollback: str = ""
    next_steps: tuple[str, ...] = ()
    by_promise: bool = False
    about: str = ""
    given_up: str = ""
    subject: str = ""
    group: Group | None = None
    corrected: str = ""

    @property
    def begun_nothing(self) -> bool:
        """Whether it has ended, and no call of it was made."""
        ended = self.state in {OperationState.REFUSED, OperationState.FAILED}
        return ended and all(step.started_at is None for step in self.steps)


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action of a service as the menu shows it: possible, or blocked and why.

    ``bounds`` are the fewest and the most copies of a scale; ``lasts`` in seconds is what a
    degradation lasts by default.
    """

    kind: ActionKind
    name: str
    driver: str
    summary: str
    effect: Effect = Effect.CHANGE
    refusal: Refusal | None = None
    bounds: tuple[int, int] | None = None
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class Degradation:
    """A service that is degraded on purpose until ``ends_at``, in Unix seconds.

    ``operation`` began it. ``attempts`` counts recoveries that were tried at its end and failed.
    """

    operation: str
    service: str
    ends_at: float
    who: str
    host: str
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class LeftToOthers:
    """What is due for ``service`` since ``due``, in Unix seconds, and is not done here.

    ``operation`` was confirmed under the configuration at ``config_path``, '' for a host's
    defaults. ``action`` is what is to follow it. ``by``: who confirmed it on a host of which
    nothing is left here, '' where a console of that configuration would do it.
    """

    operation: str
    service: str
    action: ActionKind
    due: float
    config_path: str
    by: str = ""
