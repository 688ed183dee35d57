"""Rolling back between folders of releases: the symlink ``current`` is switched to the one before.

Invariant: the switch is one rename of a finished symlink, so that following ``current`` gives
a whole release at every instant. Releases are neither made nor removed here. Which one is
before is what earlier operations saw, else the next lower name (numbers compared as numbers);
never the time of a folder, which any touch would move.
"""

import os
import re
from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Step
from opsconsole.model.running.machine import FileKind, MachineError
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.followed import restart_after
from opsconsole.operations.drivers.previous_version import goal_fact, led_away, seen_before
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
    not_done,
    outcome_of,
)
from opsconsole.text import sanitize

FACT: Final = "release"

_SHOWN: Final = 200
_COMMIT: Final = re.compile(r"[0-9a-f]{7,40}")
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
        self._machine = context.machine
        self._link = context.start / target.current
        self._releases = context.start / target.releases
        self._from = self._to = ""
        self._by_name = False

    def follow_up(self) -> DriverContext | None:
        """The declared restart if wanted."""
        return restart_after(self._context) if self._restarts else None

    def undo(self) -> str:
        """By hand: no release was removed."""
        then = ", then restart" if self._restarts else ""
        return f"lead {self._link} to {_shown(self._from)} again{then}: no release was removed"

    async def observe(self) -> Mapping[str, str]:
        """Which release is current, and which one is before it."""
        self._from, names = await self._current(), await self._survey()
        self._to = self._before(names)
        await self._refuse_empty(self._to)
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
        return {"release": await self._current()}

    async def execute(self, step: Step) -> StepOutcome:
        """Make the symlink beside, put it in place by one rename, and flush the folder."""
        release = Switch.of(step).to
        try:
            await self._refuse_gone(release)
            folder = os.path.dirname(await self._leads_to())
            await self._machine.replace_link(self._link, os.path.join(folder, release))
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, str(error))
        except MachineError as error:
            return not_done(error)
        return StepOutcome(Outcome.DONE, f"current is {_shown(release)}")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the symlink leads there."""
        return outcome_of(await self._seen(step))

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """Where the symlink leads."""
        return tuple([await self._look_at(step) for step in steps])

    def warnings(self) -> tuple[str, ...]:
        """By which order it is the one before, where nothing but names says so."""
        if not self._by_name:
            return ()
        order = f"{_shown(self._to)} is the next lower name, and no operation has seen it run"
        if _COMMIT.fullmatch(self._from) and _COMMIT.fullmatch(self._to):
            order += ": names of commits say nothing of which was before"
        return (order,)

    async def _refuse_empty(self, release: str) -> None:
        try:
            there = await self._machine.list(self._releases / release)
        except MachineError as error:
            raise ObserveError(f"cannot look at {error}") from error
        if not there:
            raise ObserveError(
                f"release {_shown(release)}, the one before, is an empty folder",
                remedy="remove it if its deploy was broken off, then plan again",
            )

    async def _refuse_gone(self, release: str) -> None:
        if release not in await self._survey():
            raise ObserveError(f"there is no release {_shown(release)} any more")

    async def _survey(self) -> tuple[str, ...]:
        """Every release, the lowest first."""
        try:
            found = await self._machine.list(self._releases)
        except MachineError as error:
            raise ObserveError(
                f"cannot look at {error}", remedy="look at releases: in the action"
            ) from error
        names = [name for name, kind in found.items() if kind is FileKind.FOLDER]
        names = [name for name in names if not name.startswith(".") and name.isprintable()]
        return tuple(sorted(names, key=_natural))

    async def _leads_to(self) -> str:
        """What the symlink holds."""
        try:
            status = await self._machine.stat(self._link, follow=False)
        except MachineError as error:
            raise ObserveError(
                f"cannot look at {error}", remedy="look at current: in the action"
            ) from error
        if status.kind is not FileKind.LINK:
            raise ObserveError(
                f"{self._link} is not a symlink",
                remedy="current: must be the symlink that is switched",
            )
        return status.leads_to

    async def _current(self) -> str:
        """The name of the release that the symlink leads to, straight into the folder."""
        leads_to = await self._leads_to()
        whole = self._link.parent / leads_to
        try:
            above = await self._machine.stat(whole.parent)
            releases = await self._machine.stat(self._releases)
        except MachineError as error:
            raise ObserveError(f"cannot look at {error}") from error
        if above.identity != releases.identity:
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
        self._by_name = True
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

    async def _look_at(self, step: Step) -> Sight:
        try:
            return await self._seen(step)
        except ObserveError as error:
            return Sight(str(self._link), State.UNKNOWN, str(error))

    async def _seen(self, step: Step) -> Sight:
        """Raises ObserveError."""
        current = await self._current()
        if current == Switch.of(step).to:
            return Sight(str(self._link), State.OK, f"leads to {_shown(current)}", run=current)
        return Sight(str(self._link), State.DOWN, f"leads to {_shown(current)}", since_change=False)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key by which v1.10 comes after v1.9."""
    parts = _DIGITS.split(name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _shown(name: str) -> str:
    return sanitize(name, limit=_SHOWN)
