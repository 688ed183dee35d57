"""A container and the one that takes its place: which is where, putting back and clearing away.

Invariant: only what was made here is removed: it has the name ``NAME-next-ID``, or it is of the
target image and is called ``NAME`` while the old one is called ``NAME-before-ID``. Each method
looks first and does only what is left to do, so that it may be called again after a crash.
"""

from typing import Final

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Step
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.docker.changes import EngineChanges, NotChangedError
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import ObserveError, Outcome, StepOutcome

_STEADY: Final = 1.0
"""Seconds that a container must run on to count as started again."""

_STARTING: Final = 15.0
_PAUSE: Final = 0.2

_PAUSES: Final = (1.0, 5.0, 15.0)
"""Seconds between the tries to put a container back; a service is down meanwhile."""


@dataclass(frozen=True, slots=True)
class Replacement(Call):
    """The name, the image that takes its place by id and by name, and whether the old one ran."""

    name: str
    image: str
    image_name: str
    ran: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """One replacement: the old container's id, the names, and the image that takes its place."""

    old: str
    name: str
    image: str
    image_name: str
    ran: bool

    @classmethod
    def of(cls, step: Step) -> "Replaced":
        """What a step of a rollback says."""
        call = Replacement.of(step)
        return cls(step.target, call.name, call.image, call.image_name, call.ran)

    @property
    def next(self) -> str:
        """The name of the new container until it is in place."""
        return f"{self.name}-next-{self.old[:12]}"

    @property
    def kept(self) -> str:
        """The name of the old container while it is kept."""
        return f"{self.name}-before-{self.old[:12]}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on the engine: the old container, the one in its place, the one not yet there."""

    old: Seen | None
    new: Seen | None
    next: Seen | None
    description: str


class ReplacedContainers:
    """Looks at replacements, ends them one way or the other."""

    def __init__(
        self, calls: EngineCalls, changes: EngineChanges, stop_timeout: int, clock: Clock
    ) -> None:
        self._calls = calls
        self._changes = changes
        self._stop_timeout = stop_timeout
        self._clock = clock

    async def look(self, it: Replaced) -> Scene:
        """Where everything is. Raises ObserveError."""
        old = await self._calls.inspect(it.old)
        named = await self._calls.inspect(it.name)
        waiting = await self._calls.inspect(it.next)
        new = named if named is not None and _ours(it, old, named) else None
        description = _where(it, old, named, waiting)
        return Scene(old, new, waiting, description)

    async def remove_kept(self, replaced: list[Replaced]) -> StepOutcome:
        """Remove the old containers; their volumes stay. One that cannot be is named."""
        left = []
        for it in replaced:
            try:
                seen = await self._calls.inspect(it.old)
                if seen is not None and seen.name == it.kept:
                    await self._clear(seen)
            except (ObserveError, NotChangedError) as error:
                left.append(f"{it.kept} is kept, stopped: {error}")
        outcome = Outcome.FAILED if left else Outcome.DONE
        detail = "; ".join(left) or "the containers of before were removed after the verdict"
        return StepOutcome(outcome, detail)

    async def list_kept(self, replaced: list[Replaced]) -> StepOutcome:
        """Say where the old containers are; nothing is touched."""
        lines = []
        for it in replaced:
            try:
                lines.append((await self.look(it)).description)
            except ObserveError:
                lines.append(f"the container of before is {it.old[:12]}, {it.kept} if renamed")
        return StepOutcome(Outcome.DONE, f"left for a person to decide: {'; '.join(lines)}")

    async def put_back(self, replaced: list[Replaced]) -> StepOutcome:
        """Remove the new containers, and start the old ones again under their names."""
        lines, outcome = [], Outcome.DONE
        for it in replaced:
            try:
                lines.append(await self._persistently(it))
            except (ObserveError, NotChangedError) as error:
                outcome = Outcome.FAILED
                lines.append(
                    f"{it.name} could not be put back: {error}; "
                    f"the container of before is {it.old[:12]}, {it.kept} if it was renamed"
                )
        return StepOutcome(outcome, "; ".join(lines))

    async def _persistently(self, it: Replaced) -> str:
        """Put one back, again after a pause where the engine did not answer or refused."""
        for pause in _PAUSES:
            try:
                return await self._put_back(it)
            except (ObserveError, NotChangedError):
                await self._clock.sleep(pause)
        return await self._put_back(it)

    async def _put_back(self, it: Replaced) -> str:
        scene = await self.look(it)
        if scene.old is None:
            raise ObserveError(f"the container of before, {it.old[:12]}, is gone")
        for made in (scene.new, scene.next):
            if made is not None:
                await self._remove(made)
        if scene.old.name != it.name:
            await self._changes.send(
                f"rename {scene.old.name}", lambda client: client.api.rename(it.old, it.name)
            )
        if not it.ran:
            return f"{it.name} is back, stopped as it was, image {scene.old.image}"
        if scene.old.status not in {"running", "restarting"}:
            await self._changes.send(
                f"start {it.name} again", lambda client: client.api.start(it.old)
            )
        back = await self._steady(it)
        return f"{it.name} runs again as before, {back.id[:12]}, image {back.image}"

    async def _clear(self, kept: Seen) -> None:
        await self._changes.send(
            f"remove {kept.name}", lambda client: client.api.remove_container(kept.id)
        )

    async def _remove(self, made: Seen) -> None:
        """Stop with the usual grace, then remove; volumes are shared with the old one and stay."""
        await self._changes.send(
            f"stop {made.name}",
            lambda client: client.api.stop(made.id, timeout=self._stop_timeout),
            patience=self._stop_timeout + 30.0,
        )
        await self._changes.send(
            f"remove {made.name}", lambda client: client.api.remove_container(made.id, force=True)
        )

    async def _steady(self, it: Replaced) -> Seen:
        """The old container once it runs on. Raises ObserveError when it does not."""
        seen: Seen | None = None

        async def look() -> StepOutcome | str:
            nonlocal seen
            seen = await self._calls.inspect(it.old)
            if seen is None:
                return StepOutcome(Outcome.FAILED, "gone")
            runs = seen.status == "running"
            return StepOutcome(Outcome.DONE, seen.started) if runs else seen.status

        outcome = await settle(look, self._clock, within=_STARTING, steady=_STEADY, pause=_PAUSE)
        if seen is None or outcome.outcome is not Outcome.DONE:
            raise ObserveError(f"started again, but it is {seen.status if seen else 'gone'}")
        return seen


def _ours(it: Replaced, old: Seen | None, named: Seen) -> bool:
    """Whether the container of that name was put there by this rollback."""
    if named.id == it.old or named.image_id != it.image:
        return False
    return old is None or old.name == it.kept


def _where(it: Replaced, old: Seen | None, named: Seen | None, waiting: Seen | None) -> str:
    parts = [f"{it.old[:12]} is " + (f"{old.status} as {old.name}" if old else "gone")]
    if named is not None and named.id != it.old:
        parts.append(f"{named.id[:12]} of {named.image} is {named.status} as {it.name}")
    if waiting is not None:
        parts.append(f"{it.next} is {waiting.status}")
    return ", ".join(parts)
