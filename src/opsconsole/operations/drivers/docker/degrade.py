"""Degrading by the engine: pausing some replicas, or giving containers less CPU and memory.

Invariant: every container is pinned by id, and what its limits were is kept in the plan for the
way back. At least one replica is left unpaused. Paused or limited is looked up, never assumed.

An engine cannot take a limit away from a container. One without a CPU limit gets all of the
engine's CPUs back, which is the same; one without a memory limit is not given any.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError, post
from opsconsole.operations.drivers.docker.containers import containers_of, instance_of
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen, engine_of
from opsconsole.operations.drivers.recovering import degraded_steps, is_hearsay
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)

if TYPE_CHECKING:
    from docker import DockerClient

_OWN: Final = "docker"


@dataclass(frozen=True, slots=True)
class WasPaused:
    """Whether a container was paused before."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Pause(Call):
    """Pausing a container, or ending that."""

    name: str
    pause: bool
    previous: WasPaused


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits as ``Seen`` has them: CPUs, bytes of memory, bytes of memory and swap together."""

    cpus: float
    memory: int
    swap: int


@dataclass(frozen=True, slots=True)
class Limit(Call):
    """Giving a container other limits. ``cpu_period`` in µs where it is limited by a quota."""

    name: str
    cpus: float
    cpu_period: int
    memory: int
    swap: int
    previous: Limits


@dataclass(frozen=True, slots=True)
class Gone(Call):
    """A container that is not there any more: nothing is done."""

    name: str
    gone: bool = True


def _call_of(step: Step) -> Pause | Limit | Gone:
    """What a step says, by what it names."""
    if "gone" in step.call:
        return Gone.of(step)
    return Pause.of(step) if "pause" in step.call else Limit.of(step)


class DockerDegrade(Driver):
    """Pauses or limits containers (degrade), or puts them back (recover)."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.docker)
        engine = engine_of(context, target.engine)
        self._context = context
        self._target = target
        self._calls = EngineCalls(engine, context.threads)
        self._changes = EngineChanges(engine, context.threads)
        self._seen: tuple[Seen, ...] = ()
        self._gone: tuple[str, ...] = ()
        self._all_cpus = 0.0

    async def observe(self) -> Mapping[str, str]:
        """Each container's id, whether it is paused, and its limits."""
        self._seen = await self._find()
        self._all_cpus = await self._count_cpus()
        facts: dict[str, str] = {}
        for name in self._gone:
            facts[f"{name} id"] = "gone"
        for seen in self._seen:
            facts[f"{seen.name} id"] = seen.id[:12]
            facts[f"{seen.name} paused"] = "yes" if seen.paused else "no"
            facts[f"{seen.name} limits"] = _limits_text(seen.cpus, seen.memory)
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One call for each container."""
        if self._context.kind is ActionKind.RECOVER:
            return tuple(self._back(step) for step in degraded_steps(self._context, _OWN))
        if self._target.pause is not None:
            chosen = self._seen[-self._target.pause :]
            return tuple(
                _pause_step(seen, instance_of(self._context, self._calls, seen), paused=True)
                for seen in chosen
            )
        return tuple(
            _limit_step(seen, self._target.cpus or seen.cpus, self._target.memory or seen.memory)
            for seen in self._seen
        )

    async def execute(self, step: Step) -> StepOutcome:
        """Make the one call; what is as it should be, or gone on the way back, needs none."""
        try:
            seen = await self._calls.inspect(step.target)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
        call = _call_of(step)
        if seen is None or isinstance(call, Gone):
            return _without(call)
        if _is_as_wanted(seen, call):
            return StepOutcome(Outcome.DONE, "it was so already")
        try:
            await self._changes.send(step.summary, _change(step.target, call))
        except NotChangedError as error:
            return error.outcome
        return StepOutcome(Outcome.DONE, "the engine did it")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the container is as the call would have it."""
        try:
            seen = await self._calls.inspect(step.target)
        except ObserveError as error:
            return StepOutcome(Outcome.UNKNOWN, str(error))
        call = _call_of(step)
        if seen is None or isinstance(call, Gone):
            return _without(call)
        if _is_as_wanted(seen, call):
            return StepOutcome(Outcome.DONE, "the container is as wanted")
        return StepOutcome(Outcome.FAILED, "the container is as before")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """Each container, as wanted."""
        return tuple([await self._sight(step) for step in steps])

    def undo(self) -> str:
        """By putting back what was there."""
        return "recover: containers are unpaused and get back their limits"

    async def _find(self) -> tuple[Seen, ...]:
        if self._context.kind is ActionKind.RECOVER:
            return await self._degraded()
        found = await containers_of(self._context, self._calls)
        running = tuple(seen for seen in found if seen.status == "running")
        self._check(running)
        return running

    async def _degraded(self) -> tuple[Seen, ...]:
        """What was degraded and is there; one that was created again has its own limits."""
        steps = degraded_steps(self._context, _OWN)
        found = [await self._calls.inspect(step.target) for step in steps]
        if is_hearsay(self._context):
            own = {seen.id for seen in await containers_of(self._context, self._calls)}
            odd = [seen.name for seen in found if seen is not None and seen.id not in own]
            if odd:
                raise ObserveError(
                    f"the journal has {', '.join(odd)} to be put back, not of this action",
                    remedy="look at who wrote that, and put it back by hand",
                )
        self._gone = tuple(
            _call_of(step).name for step, seen in zip(steps, found, strict=True) if seen is None
        )
        return tuple(seen for seen in found if seen is not None)

    async def _count_cpus(self) -> float:
        """How many CPUs the engine has."""
        information = await self._calls.get("/info")
        return float(information.get("NCPU") or 1) if isinstance(information, dict) else 1.0

    def _check(self, running: tuple[Seen, ...]) -> None:
        target = self._target
        if target.pause is None and target.cpus is None and target.memory is None:
            raise ObserveError(
                "the action says neither what to pause nor what to limit",
                remedy="declare pause, cpus or memory beside its containers",
            )
        unlimited = [seen.name for seen in running if seen.memory == 0]
        if target.memory is not None and unlimited:
            raise ObserveError(
                f"{unlimited[0]} has no memory limit, and the engine could not take one away again",
                remedy="create it with a limit, or degrade its cpus",
            )
        if len(running) <= (target.pause or 0):
            raise ObserveError(
                f"{len(running)} containers run and {target.pause or 0} would be paused: "
                "none would be left",
                remedy="pause fewer",
            )

    def _back(self, step: Step) -> Step:
        seen = next((each for each in self._seen if each.id == step.target), None)
        call = _call_of(step)
        if seen is None or isinstance(call, Gone):
            name = call.name
            summary = f"container {name} is gone, and what was done to it: nothing to put back"
            return Step(summary, _OWN, step.target, Gone(name).document())
        if isinstance(call, Pause):
            return _pause_step(seen, "", paused=call.previous.paused)
        was = call.previous
        return _limit_step(seen, was.cpus or self._all_cpus, was.memory, was.swap)

    async def _sight(self, step: Step) -> Sight:
        call = _call_of(step)
        name = call.name
        try:
            seen = await self._calls.inspect(step.target)
        except ObserveError as error:
            return Sight(name, State.UNKNOWN, str(error))
        if seen is None or isinstance(call, Gone):
            state = State.OK if isinstance(call, Gone) else State.DOWN
            return Sight(name, state, "the container is gone")
        detail = f"{seen.status}, {_limits_text(seen.cpus, seen.memory)}"
        wanted = _is_as_wanted(seen, call)
        paused = isinstance(call, Pause) and call.pause
        alive = seen.status == ("paused" if paused else "running")
        state = State.OK if alive else State.DOWN
        return Sight(name, state, detail, since_change=wanted, run=seen.started)


def _pause_step(seen: Seen, instance: str, *, paused: bool) -> Step:
    word = "pause" if paused else "unpause"
    call = Pause(seen.name, paused, WasPaused(seen.paused)).document()
    summary = f"{word} container {seen.name}"
    return Step(summary, _OWN, seen.id, call, instance=instance, away=paused)


def _limit_step(seen: Seen, cpus: float, memory: int, swap: int | None = None) -> Step:
    """Without ``swap`` the container keeps as much swap beside its memory as it has."""
    together = _swap(seen, memory) if swap is None else swap
    previous = Limits(seen.cpus, seen.memory, seen.swap)
    call = Limit(seen.name, cpus, seen.cpu_period, memory, together, previous)
    was, becomes = _limits_text(seen.cpus, seen.memory), _limits_text(cpus, memory)
    summary = f"limit container {seen.name}: {was} → {becomes}"
    return Step(summary, _OWN, seen.id, call.document())


def _without(call: Pause | Limit | Gone) -> StepOutcome:
    """What became of a step whose container is gone."""
    outcome = Outcome.DONE if isinstance(call, Gone) else Outcome.FAILED
    return StepOutcome(outcome, "the container is gone")


def _change(target: str, call: Pause | Limit) -> Callable[["DockerClient"], object]:
    path = f"/containers/{target}"
    if isinstance(call, Pause):
        word = "pause" if call.pause else "unpause"
        return lambda client: post(client, f"{path}/{word}", {})
    cpus, period = call.cpus, call.cpu_period
    # What is 0 is left as it is. The engine refuses one way of limiting CPUs beside the other.
    limit = {"CpuQuota": round(cpus * period)} if period else {"NanoCpus": round(cpus * 1e9)}
    body = {**limit, "Memory": call.memory, "MemorySwap": call.swap}
    return lambda client: post(client, f"{path}/update", body)


def _swap(seen: Seen, memory: int) -> int:
    """The limit of memory and swap together that goes with ``memory``."""
    return memory + seen.swap - seen.memory if seen.swap > 0 else seen.swap


def _is_as_wanted(seen: Seen, call: Pause | Limit) -> bool:
    if isinstance(call, Pause):
        return seen.paused is call.pause
    limits = abs(seen.cpus - call.cpus) < 0.001 and seen.memory == call.memory
    return limits and seen.swap == call.swap


def _limits_text(cpus: float, memory: int) -> str:
    shown = f"{cpus:g} cpus" if cpus else "no cpu limit"
    return f"{shown}, {memory >> 20} MiB" if memory else f"{shown}, no memory limit"
