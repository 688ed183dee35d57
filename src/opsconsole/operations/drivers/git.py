"""Rolling a checkout back to the version before: the tag before the one that is checked out.

Invariant: a checkout with changes of its own is not touched; the version to go to is pinned by
its commit, which is checked out detached, so that no branch moves. Nothing is fetched.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.followed import FollowedChange
from opsconsole.operations.drivers.git_calls import ask, look
from opsconsole.operations.drivers.previous_version import led_away
from opsconsole.operations.planning.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
)
from opsconsole.operations.planning.policy import TARGET

FACT: Final = "tag"

_CHECKOUT: Final = 120.0
_FORMAT: Final = "--format=%(objectname) %(*objectname) %(refname:short)"
_SHORT: Final = 12
_CHANGES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Tag:
    """A version: the tag's name and the commit that it leads to."""

    name: str
    commit: str

    def __str__(self) -> str:
        return f"{self.name} ({self.commit[:_SHORT]})"


class GitRollback(FollowedChange):
    """One checkout, then the declared restart if wanted."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.git)
        super().__init__(context, restart=target.then == "restart")
        self._folder = context.base / target.path
        self._pattern = target.tags
        self._from = self._to = Tag("", "")

    def undo(self) -> str:
        """By the same means, by hand."""
        then = "; then restart" if self._following.wanted else ""
        return f"git -C {self._folder} checkout {self._from.name}{then}"

    async def _facts(self) -> dict[str, str]:
        """Which tag is checked out, cleanly, and which one is before it."""
        tags = await self._tags()
        head = await look(self._folder, "rev-parse", "HEAD")
        self._from = self._current(tags, head)
        await self._refuse_changes()
        self._to = self._before(tags)
        return {FACT: str(self._from), FACT + TARGET: str(self._to)}

    def _step(self, *, leads_to_next: bool) -> Step:
        return Step(
            summary=f"check {self._to} out in {self._folder}, instead of {self._from}",
            driver="git",
            target=str(self._folder),
            call={
                "tag": self._to.name,
                "commit": self._to.commit,
                "was": self._from.commit,
                "leads_to_next": leads_to_next,
            },
        )

    async def _found(self) -> Mapping[str, str]:
        return {"commit": await look(self._folder, "rev-parse", "HEAD")}

    async def _change(self, step: Step) -> StepOutcome:
        """Check the commit out."""
        commit, started = str(step.call["commit"]), time.monotonic()
        arguments = ("checkout", "--quiet", "--detach", commit)
        answer = await ask(self._folder, *arguments, limit=_CHECKOUT)
        if answer.code is None:
            return StepOutcome(Outcome.UNKNOWN, answer.complaint)
        if answer.code != 0:
            return StepOutcome(Outcome.FAILED, f"git: {answer.complaint}")
        took = time.monotonic() - started
        return StepOutcome(Outcome.DONE, f"{step.call['tag']} checked out in {took:.1f} s")

    async def _tags(self) -> tuple[Tag, ...]:
        """The versions, the lowest first, as git sorts versions: 1.9, 1.10-rc1, 1.10."""
        arguments = (
            "for-each-ref",
            "--sort=version:refname",
            _FORMAT,
            f"refs/tags/{self._pattern}",
        )
        lines = (await look(self._folder, *arguments)).splitlines()
        parts = [line.split(" ") for line in lines if line.count(" ") == 2]
        return tuple(Tag(name, peeled or commit) for commit, peeled, name in parts)

    def _current(self, tags: tuple[Tag, ...], head: str) -> Tag:
        found = [tag for tag in tags if tag.commit == head]
        if not found:
            raise ObserveError(
                f"{self._folder} is at {head[:_SHORT]}, which is none of the versions "
                f"{self._pattern}, so which one is before it cannot be told",
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

    async def _changed(self) -> list[str]:
        """Files that differ from the commit; files that git does not know do not count."""
        told = await look(self._folder, "status", "--porcelain", "--untracked-files=no")
        return [line[3:] for line in told.splitlines()]

    async def _sight(self, step: Step) -> Sight:
        head = await look(self._folder, "rev-parse", "HEAD")
        name, tag = str(self._folder), step.call["tag"]
        if head != step.call["commit"]:
            where = "as before" if head == step.call["was"] else "which is something else"
            return Sight(name, State.DOWN, f"at {head[:_SHORT]}, {where}", since_change=False)
        changes = await self._changed()
        if changes:
            detail = f"at {tag}, but {len(changes)} files are not: checked out by halves"
            return Sight(name, State.DOWN, detail)
        return Sight(name, State.OK, f"at {tag}, {head[:_SHORT]}", run=head)
