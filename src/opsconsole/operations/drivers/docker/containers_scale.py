"""Scaling a set of identical containers: copies of the first, or the highest numbers removed.

Invariant: the set is what the action names or labels, at least one of them; a copy is created
from what the first was created from, and nothing that two containers cannot share: one that
takes a fixed port of the host or a fixed address is not copied. Only members are removed, the
highest number first, never the first.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError, post
from opsconsole.operations.drivers.docker.containers import instance_of
from opsconsole.operations.drivers.docker.copies import (
    copy_of,
    fixed_addresses,
    fixed_ports,
    of_its_own,
)
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen, engine_of
from opsconsole.operations.drivers.docker.versions import split
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)

_NUMBERED: Final = re.compile(r"(.*?)[-_.]?(\d{1,6})")
_STOPPING: Final = 30.0


@dataclass(frozen=True, slots=True)
class OneMoreOrLess(Call):
    """The container ``name``, which is created, or stopped and removed."""

    create: bool
    name: str


class ContainersScale(Driver):
    """As many containers as the request says."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.docker)
        engine = engine_of(context, target.engine)
        self._context = context
        self._target = target
        self._to = int(context.request.parameters.get("to") or 0)
        self._stop_timeout = round(target.stop_timeout)
        self._calls = EngineCalls(engine, context.threads)
        self._changes = EngineChanges(engine, context.threads)
        self._members: tuple[Seen, ...] = ()

    async def observe(self) -> Mapping[str, str]:
        """The members by name and id, and the image of the first."""
        self._members = await self._find()
        if len(self._members) == self._to:
            raise ObserveError(
                f"{self._context.service} has {self._to} containers already",
                remedy="ask for another number",
                code="nothing-to-do",
            )
        if self._to < 1:
            raise ObserveError(
                "the last container is the pattern of all others and is not removed",
                remedy="scale to 1 at least, or stop it by hand",
            )
        first = self._members[0]
        self._refuse_strangers(first)
        if self._to > len(self._members):
            await self._check_copy(first)
        facts = {f"{seen.name} id": seen.id[:12] for seen in self._members}
        return {**facts, "containers": str(len(self._members)), "image": first.image_id[7:19]}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One creation or one removal for each container that is missing or too many."""
        there = self._members
        if self._to < len(there):
            return tuple(self._removal(seen) for seen in reversed(there[self._to :]))
        stem, separator = _stem(there[0].name)
        last = max(_number(seen.name) for seen in there)
        numbers = range(last + 1, last + 1 + self._to - len(there))
        return tuple(self._creation(there[0], f"{stem}{separator}{n}") for n in numbers)

    async def before(self, step: Step) -> Mapping[str, str]:
        """Whether there is a container of that name."""
        seen = await self._calls.inspect(OneMoreOrLess.of(step).name)
        return {"id": seen.id if seen else ""}

    async def execute(self, step: Step) -> StepOutcome:
        """Create and start one, or stop and remove one."""
        started, call = time.monotonic(), OneMoreOrLess.of(step)
        try:
            target = step.target
            detail = await (
                self._create(target, call.name) if call.create else self._remove(target, call.name)
            )
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, str(error))
        except NotChangedError as error:
            return error.outcome
        return StepOutcome(Outcome.DONE, f"{detail} in {time.monotonic() - started:.1f} s")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the container runs, or is gone."""
        call = OneMoreOrLess.of(step)
        try:
            seen = await self._seen_of(step.target, call)
        except ObserveError as error:
            return StepOutcome(Outcome.UNKNOWN, str(error))
        runs = seen is not None and seen.status == "running"
        done = runs if call.create else seen is None
        status = f"{call.name} is {seen.status if seen else 'not there'}"
        return StepOutcome(Outcome.DONE if done else Outcome.FAILED, status)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """Each container of ``steps``: running and healthy, or gone."""
        return tuple([await self._sight(step) for step in steps])

    def undo(self) -> str:
        """By scaling back."""
        lost = "; what a removed one wrote outside of volumes is lost"
        down = self._to < len(self._members)
        return f"scale back to {len(self._members)}{lost if down else ''}"

    async def _find(self) -> tuple[Seen, ...]:
        """The members by number. A name that ends in ``*`` stands for all with that beginning."""
        if self._target.label:
            found = await self._calls.labelled(self._target.label)
        else:
            services = self._context.settings.services
            names = self._target.containers or services[self._context.service].containers
            stems = [_stem(name) for name in names if not name.endswith("*")]
            begins = [name[:-1] for name in names if name.endswith("*")]
            everything = await self._everything()
            found = tuple(
                seen
                for seen in everything
                if _stem(seen.name) in stems
                or seen.name in names
                or any(_member(seen.name, begin) for begin in begins)
            )
        if not found:
            raise ObserveError(
                f"no container of {self._context.service} is there to be copied",
                remedy="start the first one by hand, or look at the names that the action declares",
            )
        return tuple(sorted(found, key=lambda seen: (_number(seen.name), seen.name)))

    async def _everything(self) -> tuple[Seen, ...]:
        listed = await self._calls.get("/containers/json", {"all": "1"})
        ids = [str(item["Id"]) for item in cast(list[dict[str, Any]], listed or [])]
        seen = [await self._calls.inspect(each) for each in ids]
        return tuple(each for each in seen if each is not None)

    def _refuse_strangers(self, first: Seen) -> None:
        """Containers of another repository are not copies, whatever their name says."""
        for seen in self._members:
            if split(seen.image)[0] != split(first.image)[0]:
                raise ObserveError(
                    f"{seen.name} runs {seen.image} and {first.name} runs {first.image}: "
                    "they are not of one set",
                    remedy="name or label the containers so that only the set is meant",
                )

    async def _check_copy(self, first: Seen) -> None:
        document = await self._calls.document(first.id) or {}
        for what, found in (
            ("port of the host", fixed_ports(document)),
            ("address", fixed_addresses(document)),
        ):
            if found:
                raise ObserveError(
                    f"{first.name} takes the {what} {found[0]}, which a copy could not take too",
                    remedy="leave the choice to the engine, behind a proxy or by name",
                )

    def _creation(self, first: Seen, name: str) -> Step:
        return Step(
            summary=f"create container {name} like {first.name} (image {first.image})",
            driver="docker",
            target=first.id,
            call=OneMoreOrLess(create=True, name=name).document(),
        )

    def _removal(self, seen: Seen) -> Step:
        return Step(
            summary=f"stop and remove container {seen.name} ({seen.status})",
            driver="docker",
            target=seen.id,
            call=OneMoreOrLess(create=False, name=seen.name).document(),
            instance=instance_of(self._context, self._calls, seen),
            away=True,
        )

    async def _create(self, pattern: str, name: str) -> str:
        document = await self._calls.document(pattern)
        if document is None:
            raise ObserveError("the container to be copied is gone, nothing was done")
        path = f"/images/{quote(document['Image'], safe=':')}/json"
        image = cast(Mapping[str, Any], await self._calls.get(path) or {})
        copy = of_its_own(copy_of(document, image, document["Config"]["Image"]), document)
        made = await self._changes.send(
            f"create {name}",
            lambda client: post(client, "/containers/create", copy.body, {"name": name}),
        )
        identity = str(made["Id"])
        for network, endpoint in copy.networks.items():
            body = {"Container": identity, "EndpointConfig": endpoint}
            await self._connect(network, body)
        await self._changes.send(f"start {name}", lambda client: client.api.start(identity))
        return f"{identity[:12]} started"

    async def _connect(self, network: str, body: Mapping[str, object]) -> None:
        path = f"/networks/{quote(network, safe='')}/connect"
        await self._changes.send(f"connect to {network}", lambda client: post(client, path, body))

    async def _remove(self, target: str, name: str) -> str:
        await self._changes.send(
            f"stop {name}",
            lambda client: client.api.stop(target, timeout=self._stop_timeout),
            patience=self._stop_timeout + _STOPPING,
        )
        await self._changes.send(
            f"remove {name}", lambda client: client.api.remove_container(target)
        )
        return "stopped and removed"

    async def _seen_of(self, target: str, call: OneMoreOrLess) -> Seen | None:
        return await self._calls.inspect(call.name if call.create else target)

    async def _sight(self, step: Step) -> Sight:
        call = OneMoreOrLess.of(step)
        name = call.name
        try:
            seen = await self._seen_of(step.target, call)
        except ObserveError as error:
            return Sight(name, State.UNKNOWN, str(error))
        if not call.create:
            gone = seen is None
            detail = "removed" if gone else "is still there"
            return Sight(name, State.OK if gone else State.DOWN, detail, since_change=gone)
        if seen is None:
            return Sight(name, State.DOWN, "not there", since_change=False)
        well = seen.status == "running" and seen.health in {"", "healthy"}
        health = f", {seen.health}" if seen.health else ""
        detail = f"{seen.id[:12]} {seen.status}{health}"
        return Sight(name, State.OK if well else State.DOWN, detail, run=seen.started)


def _stem(name: str) -> tuple[str, str]:
    """``web-3`` is ``web`` and ``-``; a name without a number takes a dash."""
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return name, "-"
    return match[1], name[len(match[1]) : len(name) - len(match[2])]


def _number(name: str) -> int:
    """The number at the end; 1 where there is none."""
    match = _NUMBERED.fullmatch(name)
    return int(match[2]) if match else 1


def _member(name: str, begin: str) -> bool:
    """Whether ``name`` is ``begin`` and a number."""
    return name.startswith(begin) and name[len(begin) :].isdigit()
