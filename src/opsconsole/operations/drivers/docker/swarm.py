"""Restarting and scaling a Swarm service.

Invariant: an update names the version of the service that was planned on, so the engine itself
refuses it when somebody else has changed the service since. The service's specification may
hold secrets in its environment: it is read when it is needed and never kept.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError, post
from opsconsole.operations.drivers.docker.engine import EngineCalls, engine_of
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
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from docker import DockerClient

_UNDER_WAY: Final = frozenset({"updating", "rollback_started"})


@dataclass(frozen=True, slots=True)
class Update(Call):
    """An update of the service as it is in ``version``, to the one that is given of the others."""

    version: int
    replicas: int | None = None
    force: int | None = None
    specification: str = ""


class SwarmDriver(Driver):
    """A forced update (restart), or another number of replicas (scale)."""

    _stuck = frozenset({"paused", "rollback_paused", "rollback_completed"})

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.swarm)
        engine = engine_of(context, target.engine)
        self._name = target.service
        self._kind = context.kind
        self._clock = context.clock
        self._to = context.request.parameters.get("to", "")
        self._calls = EngineCalls(engine, context.threads)
        self._changes = EngineChanges(engine, context.threads)
        self._seen: Mapping[str, Any] = {}

    async def observe(self) -> Mapping[str, str]:
        """The service's id, version, image and number of replicas."""
        self._seen = await self._service(self._name)
        replicas = _replicas(self._seen)
        if self._kind is ActionKind.SCALE and replicas is None:
            raise ObserveError(
                f"Swarm service {self._name} runs on every node and has no number of replicas",
                remedy="scale a replicated service",
            )
        return {
            "service": str(self._seen["ID"])[:12],
            "version": str(self._seen["Version"]["Index"]),
            "image": image_of(self._seen["Spec"]),
            "replicas": "one a node" if replicas is None else str(replicas),
        }

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one update."""
        call = Update(int(facts["version"]))
        if self._kind is ActionKind.SCALE:
            call = replace(call, replicas=int(self._to))
            summary = f"scale Swarm service {self._name} from {facts['replicas']} to {self._to}"
        else:
            call = replace(call, force=_force(self._seen) + 1)
            summary = (
                f"force an update of Swarm service {self._name} ({facts['replicas']} replicas)"
            )
        return (Step(summary, "swarm", str(self._seen["ID"]), call.document()),)

    async def execute(self, step: Step) -> StepOutcome:
        """Send the update once, with the specification as it is and the one change in it."""
        try:
            seen = await self._service(step.target)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
        call = Update.of(step)
        return await self._update(step, call, _changed(seen, call), {})

    async def _update(
        self,
        step: Step,
        call: Update,
        specification: Mapping[str, object],
        more: Mapping[str, str],
    ) -> StepOutcome:
        """Send ``specification`` for the version that the plan was made on."""
        path = f"/services/{quote(step.target, safe='')}/update"
        parameters = {"version": str(call.version), **more}

        def update(client: "DockerClient") -> None:
            post(client, path, specification, parameters)

        try:
            await self._changes.send("update", update)
        except NotChangedError as error:
            return error.outcome
        return StepOutcome(Outcome.DONE, "the engine took the update")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the service is as the update would have it."""

        async def look() -> StepOutcome:
            if self._is_as_wanted(await self._service(step.target), step):
                return StepOutcome(Outcome.DONE, "the service has the update")
            return StepOutcome(Outcome.FAILED, "the service is as before")

        return await settle(look, self._clock, quiet=SETTLING / 2)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The update's own word, and the tasks that run against those that should."""
        if not steps:
            return ()
        try:
            return (await self._sight(steps[0]),)
        except ObserveError as error:
            return (Sight(self._name, State.UNKNOWN, str(error)),)

    def undo(self) -> str:
        """Scaling is undone by scaling back."""
        if self._kind is ActionKind.SCALE:
            return f"scale back to {_replicas(self._seen)}"
        return NOT_UNDONE

    def _is_as_wanted(self, seen: Mapping[str, Any], step: Step) -> bool:
        call = Update.of(step)
        if call.replicas is not None:
            return _replicas(seen) == call.replicas
        return _force(seen) == call.force

    def _judge(self, word: str, running: int, wanted: int, *, started: bool) -> State:
        if started and word in self._stuck:
            return State.DOWN
        if word in _UNDER_WAY:
            return State.UNKNOWN
        if running == wanted:
            return State.OK
        return State.DOWN if running == 0 else State.DEGRADED

    async def _service(self, name: str) -> Mapping[str, Any]:
        found = await self._calls.get(f"/services/{quote(name, safe='')}")
        if not isinstance(found, dict):
            raise ObserveError(
                f"there is no Swarm service {self._name}", remedy="look at its name and its engine"
            )
        return cast(Mapping[str, Any], found)

    async def _tasks(self, seen: Mapping[str, Any]) -> tuple[list[str], int]:
        """The tasks that run, and how many should."""
        filters = {"service": [str(seen["ID"])], "desired-state": ["running"]}
        answer = await self._calls.get("/tasks", {"filters": json.dumps(filters)})
        tasks = cast(list[Mapping[str, Any]], answer or [])
        running = sorted(str(task["ID"])[:12] for task in tasks if _runs(task))
        wanted = _replicas(seen)
        return running, len(tasks) if wanted is None else wanted

    async def _sight(self, step: Step) -> Sight:
        seen = await self._service(step.target)
        running, wanted = await self._tasks(seen)
        word = update_word(seen)
        detail = sanitize(f"{len(running)} of {wanted} tasks running {word}".strip(), limit=120)
        return Sight(
            self._name,
            self._judge(word, len(running), wanted, started=self._is_as_wanted(seen, step)),
            detail,
            since_change=self._is_as_wanted(seen, step),
            run=",".join(running),
        )


def update_word(seen: Mapping[str, Any]) -> str:
    """How the engine's last update of the service stands, '' where there was none."""
    return str((seen.get("UpdateStatus") or {}).get("State") or "")


def image_of(specification: Mapping[str, Any]) -> str:
    """The image that a specification runs."""
    container = specification["TaskTemplate"].get("ContainerSpec") or {}
    return sanitize(str(container.get("Image", "")), limit=200)


def _changed(seen: Mapping[str, Any], call: Update) -> dict[str, object]:
    """The service's specification with the one change of ``call``."""
    specification = json.loads(json.dumps(seen["Spec"]))
    if call.replicas is not None:
        specification["Mode"]["Replicated"]["Replicas"] = call.replicas
    else:
        specification["TaskTemplate"]["ForceUpdate"] = call.force
    return cast(dict[str, object], specification)


def _runs(task: Mapping[str, Any]) -> bool:
    return bool((task.get("Status") or {}).get("State") == "running")


def _replicas(seen: Mapping[str, Any]) -> int | None:
    replicated = (seen["Spec"].get("Mode") or {}).get("Replicated")
    return int(replicated.get("Replicas") or 0) if isinstance(replicated, dict) else None


def _force(seen: Mapping[str, Any]) -> int:
    return int(seen["Spec"]["TaskTemplate"].get("ForceUpdate") or 0)
