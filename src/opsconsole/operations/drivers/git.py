"""Rolling a checkout back to the version before: the tag before the one that is checked out.

Invariant: a checkout with changes of its own is not touched; the version to go to is pinned by
its commit, which is checked out detached, so that no branch moves. Nothing is fetched.
"""

import time
from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.git_calls import (
    change,
    look,
    refuse_elsewhere,
    refuse_programs,
    wait,
)
from opsconsole.operations.drivers.previous_version import goal_fact, led_away
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
    outcome_of,
)

FACT: Final = "tag"

_CHECKOUT: Final = 120.0
_FORMAT: Final = "--format=%(objectname) %(*objectname) %(refname:short)"
_SHORT: Final = 12
_CHANGES_SHOWN: Final = 3
_SUBMODULE: Final = "160000"
"""The mode that git gives to a submodule."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A version: the tag's name and the commit that it leads to."""

    name: str
    commit: str

    def __str__(self) -> str:
        return f"{self.name} ({self.commit[:_SHORT]})"


@dataclass(frozen=True, slots=True)
class Checkout(Call):
    """The tag by its name and commit, and the commit that was checked out."""

    tag: str
    commit: str
    was: str


class GitRollback(Driver):
    """One checkout, then the declared restart if wanted."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.git)
        self._context = context
        self._restarts = target.then == "restart"
        self._machine = context.machine
        self._folder = context.start / target.path
        self._pattern = target.tags
        self._from = self._to = Tag("", "")

    def follow_up(self) -> DriverContext | None:
        """The declared restart if wanted."""
        return restart_after(self._context) if self._restarts else None

    def undo(self) -> str:
        """By the same means, by hand."""
        then = "; then restart" if self._restarts else ""
        return f"git -C {self._folder} checkout {self._from.name}{then}"

    async def observe(self) -> Mapping[str, str]:
        """Which tag is checked out, cleanly, and which one is before it."""
        await refuse_elsewhere(self._machine, self._folder)
        tags = await self._tags()
        head = await look(self._machine, self._folder, "rev-parse", "HEAD")
        self._from = self._current(tags, head)
        await self._refuse_changes()
        self._to = self._before(tags)
        await self._refuse_other_submodules()
        return {FACT: str(self._from), goal_fact(FACT): str(self._to)}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one change."""
        summary = f"check {self._to} out in {self._folder}, instead of {self._from}"
        call = Checkout(self._to.name, self._to.commit, self._from.commit).document()
        return (Step(summary, "git", str(self._folder), call),)

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The tag that is checked out afterwards."""
        return {FACT: str(self._to)}

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which one is there just before."""
        return {"commit": await look(self._machine, self._folder, "rev-parse", "HEAD")}

    async def execute(self, step: Step) -> StepOutcome:
        """Check the commit out."""
        call, started = Checkout.of(step), time.monotonic()
        try:
            await refuse_elsewhere(self._machine, self._folder)
            await refuse_programs(self._machine, self._folder)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, str(error))
        name, arguments = self._context.name_of(step), ("checkout", "--quiet", "--detach")
        answer = await change(
            self._machine, name, self._folder, *arguments, call.commit, limit=_CHECKOUT
        )
        if answer.code is None:
            return StepOutcome(Outcome.UNKNOWN, answer.complaint)
        if answer.code != 0:
            return StepOutcome(Outcome.FAILED, f"git: {answer.complaint}")
        took = time.monotonic() - started
        return StepOutcome(Outcome.DONE, f"{call.tag} checked out in {took:.1f} s")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether it is checked out, once nothing checks it out any more."""
        name = self._context.name_of(step)
        await wait(self._machine, name, self._folder, _CHECKOUT)
        return outcome_of(await self._seen(step))

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The checkout: at the tag, with no file differing."""
        return tuple([await self._look_at(step) for step in steps])

    async def _look_at(self, step: Step) -> Sight:
        try:
            return await self._seen(step)
        except ObserveError as error:
            return Sight(str(self._folder), State.UNKNOWN, str(error))

    async def _tags(self) -> tuple[Tag, ...]:
        """The versions, the lowest first, as git sorts versions: 1.9, 1.10-rc1, 1.10."""
        arguments = (
            "for-each-ref",
            "--sort=version:refname",
            _FORMAT,
            f"refs/tags/{self._pattern}",
        )
        lines = (await look(self._machine, self._folder, *arguments)).splitlines()
        parts = [line.split(" ") for line in lines if line.count(" ") == 2]
        return tuple(Tag(name, peeled or commit) for commit, peeled, name in parts)

    def _current(self, tags: tuple[Tag, ...], head: str) -> Tag:
        found = [tag for tag in tags if tag.commit == head]
        if not found:
            raise ObserveError(
                f"{self._folder} is at {head[:_SHORT]}, which is none of the versions "
                f"{self._pattern}, so which one is before it is not known",
                remedy="check a tagged version out, or correct tags:",
            )
        return found[-1]

    def _before(self, tags: tuple[Tag, ...]) -> Tag:
        """The highest version below the current one that no rollback has led away from."""
        left = led_away(self._context.past, FACT)
        lower = [
            tag
            for tag in tags[: tags.index(self._from)]
            if tag.commit != self._from.commit and str(tag) not in left
        ]
        if not lower:
            raise ObserveError(
                f"there is no version before {self._from} in {self._folder}",
                remedy="fetch the tags, or deploy the version that is wanted",
            )
        return lower[-1]

    async def _refuse_changes(self) -> None:
        changes = await self._changed()
        if changes:
            shown = ", ".join(changes[:_CHANGES_SHOWN])
            raise ObserveError(
                f"{self._folder} has {len(changes)} changes of its own: {shown}",
                remedy="commit or discard them first",
            )

    async def _refuse_other_submodules(self) -> None:
        """A checkout leaves submodules as they are, which would be those of the later version."""
        arguments = (
            "diff-tree",
            "-r",
            "--raw",
            "--no-ext-diff",
            "--no-textconv",
            self._from.commit,
            self._to.commit,
        )
        lines = (await look(self._machine, self._folder, *arguments)).splitlines()
        # :MODE MODE COMMIT COMMIT STATUS PATH
        words = [line.removeprefix(":").split(None, 5) for line in lines]
        moved = [each[-1] for each in words if _SUBMODULE in each[:2]]
        if moved:
            raise ObserveError(
                f"{self._from} and {self._to} have other submodules: "
                f"{', '.join(moved[:_CHANGES_SHOWN])}, which no checkout would move",
                remedy="go back by hand, then: git submodule update --init --recursive",
            )

    async def _changed(self) -> list[str]:
        """Files that differ from the commit; files that git does not know do not count."""
        await refuse_programs(self._machine, self._folder)
        # What a submodule has changed is left alone, and its own configuration would be obeyed.
        arguments = ("--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
        status = await look(self._machine, self._folder, "status", *arguments)
        return [line[3:] for line in status.splitlines()]

    async def _seen(self, step: Step) -> Sight:
        """Raises ObserveError."""
        name, call = str(self._folder), Checkout.of(step)
        head = await look(self._machine, self._folder, "rev-parse", "HEAD")
        changes = await self._changed()
        if head != call.commit:
            where = "as before" if head == call.was else "which is something else"
            return Sight(name, State.DOWN, f"at {head[:_SHORT]}, {where}", since_change=False)
        if changes:
            detail = f"at {call.tag}, but {len(changes)} files are not: only partly checked out"
            return Sight(name, State.DOWN, detail)
        return Sight(name, State.OK, f"at {call.tag}, {head[:_SHORT]}", run=head)
