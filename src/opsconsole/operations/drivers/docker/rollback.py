"""Rolling containers back: each created again from its previous image, the old one kept.

Invariant: the old container is stopped and renamed, never removed before the verdict, and started
again under its name when the one that took its place does not get healthy. At every moment the
names on the engine show how far it came: ``NAME-next-ID`` is created and not yet in place,
``NAME-before-ID`` is the old one, ID the first twelve characters of the old one's.
"""

import time
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from opsconsole.model.operation import OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError, post
from opsconsole.operations.drivers.docker.containers import containers_of, instance_of
from opsconsole.operations.drivers.docker.copies import Copy, copy_of
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen, engine_of
from opsconsole.operations.drivers.docker.replaced import Replaced, ReplacedContainers, Replacement
from opsconsole.operations.drivers.docker.versions import (
    PREVIOUS,
    Version,
    image_fact,
    short,
    target_of,
)
from opsconsole.operations.drivers.previous_version import goal_fact
from opsconsole.operations.drivers.settling import SETTLING, settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)

_QUIET: Final = 3.0


class DockerRollback(Driver):
    """The containers that the action names or labels, one after another."""

    concludes = True

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.docker)
        self._context = context
        self._stop_timeout = round(target.stop_timeout)
        self._wanted = target.image or PREVIOUS
        engine = engine_of(context, target.engine)
        self._calls = EngineCalls(engine, context.threads)
        self._changes = EngineChanges(engine, context.threads)
        self._replaced = ReplacedContainers(
            self._calls, self._changes, self._stop_timeout, context.clock
        )
        self._plans: tuple[tuple[Seen, Version], ...] = ()

    async def observe(self) -> Mapping[str, str]:
        """Each container's id and image, and the image that it would go back to."""
        found = await containers_of(self._context, self._calls)
        for seen in found:
            await self._refuse_self_removing(seen)
        past = self._context.past
        self._plans = tuple(
            [(seen, await target_of(self._calls, seen, self._wanted, past)) for seen in found]
        )
        facts = {"containers": ", ".join(sorted(seen.name for seen in found))}
        for seen, version in self._plans:
            facts[f"{seen.name} id"] = seen.id[:12]
            facts[image_fact(seen.name)] = short(seen.image_id)
            facts[goal_fact(image_fact(seen.name))] = short(version.image_id)
        return facts

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One replacement for each container that does not run the image yet."""
        order = sorted(self._plans, key=lambda it: (it[0].state is State.OK, it[0].name))
        return tuple(
            Step(
                summary=(
                    f"replace container {seen.name} (image {seen.image}) by one from "
                    f"{version.name} ({version.found})"
                ),
                driver="docker",
                target=seen.id,
                call=Replacement(
                    seen.name,
                    version.image_id,
                    version.name,
                    ran=seen.status in {"running", "restarting"},
                ).document(),
                instance=instance_of(self._context, self._calls, seen),
            )
            for seen, version in order
            if seen.image_id != version.image_id
        )

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The image of each container afterwards."""
        return {image_fact(seen.name): short(version.image_id) for seen, version in self._plans}

    async def before(self, step: Step) -> Mapping[str, str]:
        """What runs under the name."""
        seen = await self._calls.inspect(Replaced.of(step).name)
        return {"gone": "yes"} if seen is None else {"id": seen.id, "status": seen.status}

    async def execute(self, step: Step) -> StepOutcome:
        """Create, then stop, change names, start: what can go wrong early goes wrong early."""
        it = Replaced.of(step)
        started = time.monotonic()
        try:
            copy = await self._copy(it)
            identity = await self._create(it, copy)
            await self._changes.send(
                f"stop {it.name}",
                lambda client: client.api.stop(it.old, timeout=self._stop_timeout),
                patience=self._stop_timeout + SETTLING,
            )
            await self._changes.send(
                f"rename {it.name}", lambda client: client.api.rename(it.old, it.kept)
            )
            await self._changes.send(
                f"rename {it.next}", lambda client: client.api.rename(identity, it.name)
            )
            await self._changes.send(f"start {it.name}", lambda client: client.api.start(identity))
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, str(error))
        except NotChangedError as error:
            return error.outcome
        took = time.monotonic() - started
        return StepOutcome(
            Outcome.DONE, f"{identity[:12]} runs in place of {it.old[:12]}, after {took:.1f} s"
        )

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether another container of the target image runs under the name.

        A call may still be under way: what is there counts once it has been so for as long as
        the engine may take to stop a container.
        """
        it = Replaced.of(step)

        async def look() -> StepOutcome:
            place = await self._replaced.look(it)
            if place.new is not None and place.new.status == "running":
                return StepOutcome(Outcome.DONE, f"{place.new.id[:12]} runs in its place")
            return StepOutcome(Outcome.FAILED, f"cut off: {place.description}")

        stop, clock = self._stop_timeout, self._context.clock
        return await settle(look, clock, within=stop + SETTLING, quiet=stop + _QUIET)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What runs under each name: a container of the target image, healthy if it says so."""
        return tuple([await self._sight(Replaced.of(step)) for step in steps])

    async def conclude(self, steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        """Remove what was kept, or put it back: of a failure, the last one and all that is ill."""
        replaced = [Replaced.of(step) for step in steps]
        if verdict is OperationState.INCONCLUSIVE:
            return await self._replaced.list_kept(replaced)
        if verdict is OperationState.VERIFIED:
            return await self._replaced.remove_kept(replaced)
        states = [(it, (await self._sight(it)).state) for it in replaced[:-1]]
        ill = [it for it, state in states if state is State.DOWN]
        back = await self._replaced.put_back([*ill, replaced[-1]])
        await self._replaced.remove_kept([it for it, state in states if state is State.OK])
        return back

    def undo(self) -> str:
        """Until the verdict the old container is there; a rollback itself is never rolled back."""
        return (
            "if the new container does not get healthy, the old one is started again by itself; "
            "after that by deploying the later image"
        )

    async def _refuse_self_removing(self, seen: Seen) -> None:
        document = await self._calls.document(seen.id)
        if document is not None and document["HostConfig"].get("AutoRemove"):
            raise ObserveError(
                f"{seen.name} removes itself when it stops (--rm), so it could not be kept",
                remedy="run it without --rm to make it one that can be rolled back",
            )

    async def _copy(self, it: Replaced) -> Copy:
        document = await self._calls.document(it.old)
        if document is None:
            raise ObserveError(f"{it.name} is gone, nothing was done")
        image = await self._calls.get(f"/images/{quote(document['Image'], safe=':')}/json")
        return copy_of(document, cast(Mapping[str, Any], image or {}), it.image_name)

    async def _create(self, it: Replaced, copy: Copy) -> str:
        created = await self._changes.send(
            f"create {it.next} from {it.image_name}",
            lambda client: post(client, "/containers/create", copy.body, {"name": it.next}),
        )
        identity = str(created["Id"])
        seen = await self._calls.inspect(identity)
        if seen is None or seen.image_id != it.image:
            raise NotChangedError(Outcome.FAILED, f"{it.image_name} has become another image")
        for network, endpoint in copy.networks.items():
            await self._connect(identity, network, endpoint)
        return identity

    async def _connect(self, identity: str, network: str, endpoint: dict[str, Any]) -> None:
        body = {"Container": identity, "EndpointConfig": endpoint}
        path = f"/networks/{quote(network, safe='')}/connect"
        await self._changes.send(f"connect to {network}", lambda client: post(client, path, body))

    async def _sight(self, it: Replaced) -> Sight:
        try:
            place = await self._replaced.look(it)
        except ObserveError as error:
            return Sight(it.name, State.UNKNOWN, str(error))
        if place.new is None:
            return Sight(it.name, State.DOWN, place.description, since_change=False)
        new = place.new
        # A container that is not healthy yet at the deadline has not become healthy.
        well = new.status == "running" and new.health in {"", "healthy"}
        health = f", {new.health}" if new.health else ""
        detail = f"{new.id[:12]} {new.status}{health}, image {new.image}, started {new.started}"
        return Sight(it.name, State.OK if well else State.DOWN, detail, run=new.started)
