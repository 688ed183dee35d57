"""Rolling back between folders of releases: the symlink ``current`` is switched to the one before.

Invariant: the switch is one rename of a finished symlink, so that whoever follows ``current``
finds a whole release at every instant. Releases are neither made nor removed here. Which one is
before is what earlier operations saw, else the next lower name (numbers compared as numbers);
never the time of a folder, which any touch would move.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from opsconsole import durable
from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.previous_version import goal_fact, led_away, seen_before
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
    outcome_of,
)
from opsconsole.text import sanitize
from opsconsole.threads import QueueFullError

T = TypeVar("T")

FACT: Final = "release"

_DEADLINE: Final = 20.0
_SHOWN: Final = 200
_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Switch(Call):
    """The name of the release to lead to."""

    to: str


class ReleasesRollback(Driver):
    """One switch of the symlink, then the declared restart if wanted."""

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.releases)
        self._context = context
        self._restarts = target.then == "restart"
        self._link = context.base / target.current
        self._releases = context.base / target.releases
        self._from = self._to = ""

    def follow_up(self) -> DriverContext | None:
        """The declared restart if wanted."""
        return restart_after(self._context) if self._restarts else None

    def undo(self) -> str:
        """By hand: no release was removed."""
        then = ", then restart" if self._restarts else ""
        return f"lead {self._link} to {_shown(self._from)} again{then}: no release was removed"

    async def observe(self) -> Mapping[str, str]:
        """Which release is current, and which one is before it."""
        self._from, names = await self._look(self._survey)
        self._to = self._before(names)
        return {FACT: self._from, goal_fact(FACT): self._to, "releases": str(self._releases)}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one change."""
        summary = f"switch {self._link} from {_shown(self._from)} to {_shown(self._to)}"
        return (Step(summary, "releases", str(self._link), Switch(self._to).document()),)

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The release that is current afterwards."""
        return {FACT: self._to}

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which one is there just before."""
        return {"release": await self._look(self._current)}

    async def execute(self, step: Step) -> StepOutcome:
        """Make the symlink beside, put it in place by one rename, and flush the folder."""
        release = Switch.of(step).to
        try:
            await self._context.threads.run(self._switch, release, deadline=_DEADLINE)
        except QueueFullError as error:
            return StepOutcome(Outcome.FAILED, f"not begun: {error}")
        except TimeoutError:
            return StepOutcome(Outcome.UNKNOWN, f"the disk did not answer within {_DEADLINE:g} s")
        except OSError as error:
            return StepOutcome(Outcome.FAILED, f"{self._link}: {error.strerror}")
        return StepOutcome(Outcome.DONE, f"current is {_shown(release)}")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the symlink leads there."""
        return outcome_of(await self._look_at(step))

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """Where the symlink leads."""
        return tuple([await self._look_at(step) for step in steps])

    async def _look(self, call: Callable[[], T]) -> T:
        try:
            return await self._context.threads.run(call, deadline=_DEADLINE)
        except OSError as error:
            raise ObserveError(
                f"cannot look at {self._link}: {error.strerror or 'no answer in time'}",
                remedy="look at current: and releases: in the action",
            ) from error
        except QueueFullError as error:
            raise ObserveError(str(error)) from error

    def _survey(self) -> tuple[str, tuple[str, ...]]:
        """The current release and every release, the lowest first."""
        with os.scandir(self._releases) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
        names = [name for name in names if not name.startswith(".") and name.isprintable()]
        return self._current(), tuple(sorted(names, key=_natural))

    def _current(self) -> str:
        """The name of the release that the symlink leads to, straight into the folder."""
        try:
            leads_to = os.readlink(self._link)
        except OSError as error:
            raise ObserveError(
                f"{self._link} is not a symlink: {error.strerror}",
                remedy="current: must be the symlink that is switched",
            ) from error
        whole = Path(os.path.normpath(self._link.parent / leads_to))
        if whole.parent.resolve() != self._releases.resolve():
            raise ObserveError(
                f"{self._link} leads to {_shown(leads_to)}, which is not in {self._releases}",
                remedy="look at current: and releases: in the action",
            )
        return whole.name

    def _before(self, names: tuple[str, ...]) -> str:
        past, there = self._context.past, set(names)
        for earlier in seen_before(past, FACT, self._from):
            if earlier in there:
                return earlier
        left = led_away(past, FACT)
        lower = [
            name for name in names if _natural(name) < _natural(self._from) and name not in left
        ]
        if not lower:
            raise ObserveError(
                f"there is no release before {_shown(self._from)} in {self._releases}",
                remedy="deploy the release that is wanted",
            )
        return lower[-1]

    def _switch(self, release: str) -> None:
        if not (self._releases / release).is_dir():
            raise FileNotFoundError(2, f"there is no release {_shown(release)} any more")
        folder = os.path.dirname(os.readlink(self._link))
        durable.replace_link(self._link, os.path.join(folder, release))

    async def _look_at(self, step: Step) -> Sight:
        try:
            current = await self._look(self._current)
        except ObserveError as error:
            return Sight(str(self._link), State.UNKNOWN, str(error))
        if current == Switch.of(step).to:
            return Sight(str(self._link), State.OK, f"leads to {_shown(current)}", run=current)
        return Sight(str(self._link), State.DOWN, f"leads to {_shown(current)}", since_change=False)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key by which v1.10 comes after v1.9."""
    parts = _DIGITS.split(name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _shown(name: str) -> str:
    return sanitize(name, limit=_SHOWN)
