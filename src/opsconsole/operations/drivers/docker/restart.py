"""Restarting containers, one after another, the ones that are not healthy first.

Invariant: each container is pinned by its id; a restart is asked for once. When the engine does
not answer, ``StartedAt`` shows whether it happened.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Copy, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError
from opsconsole.operations.drivers.docker.containers import (
    containers_of,
    instance_of,
    is_called,
)
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen, engine_of
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    NOT_UNDONE,
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)
from opsconsole.operations.driving.lasting import RECENT, Deaths

if TYPE_CHECKING:
    from docker import DockerClient

_ALIVE: Final = frozenset({"running", "paused"})
"""What can be asked to stop; for others, such as one in a loop of restarts, nothing is waited."""

STABLE: Final = 60.0
"""Seconds of running after which a start time is a fact that must not move."""


@dataclass(frozen=True, slots=True)
class Restart(Call):
    """One container by name, and when it had started, in the engine's own words."""

    name: str
    started: str


class DockerRestart(Driver):
    """``docker restart`` of each container that the action names or labels."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.docker)
        self._context = context
        self._target = target
        self._engine = engine_of(context, target.engine)
        self._calls = EngineCalls(self._engine, context.threads)
        self._changes = EngineChanges(self._engine, context.threads)
        self._seen: tuple[Seen, ...] = ()

    async def observe(self) -> Mapping[str, str]:
        """Each container's id, image and, where it runs steadily, its start."""
        self._seen = self._chosen(await containers_of(self._context, self._calls))
        facts = {"containers": ", ".join(sorted(seen.name for seen in self._seen))}
        for seen in self._seen:
            facts[f"{seen.name} id"] = seen.id[:12]
            facts[f"{seen.name} image"] = seen.image_id.removeprefix("sha256:")[:12]
            if seen.status == "running" and time.time() - (seen.started_at or 0) > STABLE:
                facts[f"{seen.name} started"] = seen.started
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One restart for each container, what is not healthy first."""
        order = sorted(self._seen, key=lambda seen: (seen.state is State.OK, seen.name))
        return tuple(
            Step(
                summary=f"restart container {seen.name} ({seen.status}, image {seen.image})",
                driver="docker",
                target=seen.id,
                call=Restart(seen.name, seen.started).document(),
                instance=instance_of(self._context, self._calls, seen),
            )
            for seen in order
        )

    async def before(self, step: Step) -> Mapping[str, str]:
        """When the container started, and how often it was restarted."""
        seen = await self._calls.inspect(step.target)
        if seen is None:
            return {"gone": "yes"}
        return {"started": seen.started, "status": seen.status}

    async def execute(self, step: Step) -> StepOutcome:
        """Ask the engine once, and wait as long as it may take to stop what runs."""
        seen = await self._seen_now(step)
        dead = seen is not None and seen.status not in _ALIVE
        stop = 0 if dead else round(self._target.stop_timeout)
        started = time.monotonic()

        def restart(client: "DockerClient") -> None:
            client.api.restart(step.target, timeout=stop)

        try:
            patience = stop + self._engine.timeout
            await self._changes.send("restart", restart, patience=patience)
        except NotChangedError as error:
            return error.outcome
        return StepOutcome(Outcome.DONE, f"restarted in {time.monotonic() - started:.1f} s")

    async def _seen_now(self, step: Step) -> Seen | None:
        try:
            return await self._calls.inspect(step.target)
        except ObserveError:
            return None  # the change itself says what is wrong

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether ``StartedAt`` has moved, waiting for a stop that may still be under way."""

        async def look() -> StepOutcome | str:
            seen = await self._calls.inspect(step.target)
            if seen is None:
                return StepOutcome(Outcome.FAILED, "the container is gone")
            if seen.started != before.get("started") and seen.status == "running":
                return StepOutcome(Outcome.DONE, f"it started again at {seen.started}")
            return f"it is {seen.status}, started {seen.started} as before"

        patience = self._target.stop_timeout + SETTLING
        return await settle(look, self._context.clock, within=patience)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The containers of ``steps``, each running since the change and healthy if it says so."""
        return tuple([await self._sight(step, since) for step in steps])

    def deaths(self) -> tuple[Deaths, ...]:
        """What the engine started again by itself, and not long ago."""
        recent = [seen for seen in self._seen if time.time() - (seen.started_at or 0) <= RECENT]
        return tuple(
            Deaths(seen.name, seen.restarts, None, seen.oom) for seen in recent if seen.restarts > 1
        )

    async def copies(self) -> tuple[Copy, ...]:
        """Every container, by the instance that it alone runs or by its own name."""
        found = await containers_of(self._context, self._calls)
        runs = [instance_of(self._context, self._calls, seen) for seen in found]
        copies = [
            Copy(name if name and runs.count(name) == 1 else seen.name, seen.state)
            for name, seen in zip(runs, found, strict=True)
        ]
        return tuple(sorted(copies, key=lambda copy: copy.name))

    def undo(self) -> str:
        """A restart has no way back."""
        return NOT_UNDONE

    def _chosen(self, found: tuple[Seen, ...]) -> tuple[Seen, ...]:
        """What runs the instances that are asked for; all where none is."""
        chosen = self._context.request.instances
        if not chosen:
            return found
        own = tuple(
            seen
            for seen in found
            if instance_of(self._context, self._calls, seen) in chosen
            or any(is_called(seen, name, self._calls) for name in chosen)
        )
        if not own:
            raise ObserveError(
                f"no container of {self._context.service} is {', '.join(sorted(chosen))}, "
                "or is declared to run it",
                remedy=f"name one of: {', '.join(seen.name for seen in found)}",
            )
        return own

    async def _sight(self, step: Step, since: float) -> Sight:
        call = Restart.of(step)
        name = call.name
        try:
            seen = await self._calls.inspect(step.target)
        except ObserveError as error:
            return Sight(name, State.UNKNOWN, str(error))
        if seen is None:
            return Sight(name, State.DOWN, "the container is gone")
        # The engine's own times are compared with each other, never with this host's clock.
        fresh = seen.started != call.started
        health = f", {seen.health}" if seen.health else ""
        detail = f"{seen.id[:12]} {seen.status}{health}, started {seen.started}"
        return Sight(name, _judge(seen), detail, since_change=fresh, run=seen.started)


def _judge(seen: Seen) -> State:
    """What was restarted must run; a HEALTHCHECK that is still at its first look says nothing."""
    if seen.status != "running":
        return State.DOWN
    return State.UNKNOWN if seen.health == "starting" else seen.state
