"""Starting, stopping and reloading a systemd unit: what a call of a service can do.

Invariant: asked for as a restart is, and judged by looks that began after it. A start is another
invocation that stays active. A reload is one and the same invocation, active, whose state has
changed since; its main process may be another one, which a daemon may hand over to (``MAINPID=`` of
sd_notify(3)). A stop is that nothing runs any more; that the service is down then is no failure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Final

from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.drivers.systemd import (
    NOTHING_TO_DO,
    SystemdRestart,
    UnitChange,
    state_said,
)
from opsconsole.operations.driving.driver import ObserveError, Outcome, Sight, StepOutcome
from opsconsole.text import sanitize

_OVER: Final = frozenset({"inactive", "failed"})
"""The states in which nothing of a unit runs, nor will by itself: systemd(1)."""

_AGAIN_FOR: Final = 5.0
"""Seconds for which a unit that was stopped is seen to run before that has failed."""

_LISTED: Final = 200


class UnitStart(SystemdRestart):
    """``do: start``."""

    verb: ClassVar[str] = "start"
    done: ClassVar[str] = "started"

    def refuse(self, name: str, seen: Mapping[str, str]) -> None:
        """Where it is active, or only starts with another one."""
        if seen.get("ActiveState") in {"active", "reloading"}:
            raise _nothing_to_do(f"unit {name} is {state_said(seen)} already")
        if seen.get("CanStart") == "no":
            raise _not_supported(f"unit {name} starts with others alone (RefuseManualStart=)")

    def undo(self) -> str:
        """By the other of the two."""
        return "stop it: a call with do: stop"


class UnitReload(SystemdRestart):
    """``do: reload``."""

    verb: ClassVar[str] = "reload"
    done: ClassVar[str] = "reloaded"

    def refuse(self, name: str, seen: Mapping[str, str]) -> None:
        """Where it does not run, or has no way to read its configuration again."""
        if seen.get("CanReload") == "no":
            raise _not_supported(
                f"unit {name} cannot be reloaded: it has no ExecReload=", "restart it instead"
            )
        if seen.get("ActiveState") not in {"active", "reloading"}:
            raise ObserveError(
                f"unit {name} is {state_said(seen)}: there is nothing that could be reloaded",
                remedy="start it: it reads its configuration then",
            )

    def came_about(self, seen: Mapping[str, str], before: Mapping[str, str]) -> StepOutcome | str:
        """Whether its state has changed in the start that ran before."""
        if seen.get("InvocationID", "") != before.get("invocation"):
            return StepOutcome(Outcome.FAILED, f"it has started again: {state_said(seen)}")
        changed = seen.get("StateChangeTimestampMonotonic", "")
        if seen.get("ActiveState") == "active" and changed != before.get("changed", changed):
            return StepOutcome(Outcome.DONE, "it has been reloaded")
        return "it has not been reloaded"

    async def sight(
        self, name: str, seen: Mapping[str, str], before: UnitChange, since: float
    ) -> Sight:
        """The unit, active in the same start as before."""
        sight = await super().sight(name, seen, before, since)
        if seen.get("ActiveState") == "reloading":
            sight = replace(sight, state=State.UNKNOWN)
        if sight.run != before.invocation:
            detail = f"{sight.detail}: it has started again, which is no reload"
            return replace(sight, state=State.DOWN, detail=detail, lost=True)
        changed = seen.get("StateChangeTimestampMonotonic", "")
        main = seen.get("MainPID", "")
        return replace(
            sight,
            detail=f"{sight.detail}, main process {main}",
            since_change=not changed or changed != before.changed,
            run=f"{sight.run} {main}",
        )

    def undo(self) -> str:
        """It reads what is there, whenever it is asked to."""
        return "nothing to undo: it has read its configuration again, as it is now"


class UnitStop(SystemdRestart):
    """``do: stop``."""

    seen_well = False
    answer = "nothing of the unit runs any more, in looks after the stop"
    verb: ClassVar[str] = "stop"
    done: ClassVar[str] = "stopped"

    def refuse(self, name: str, seen: Mapping[str, str]) -> None:
        """Where nothing runs, or it only stops with another one."""
        if seen.get("ActiveState") in _OVER:
            raise _nothing_to_do(f"unit {name} is {state_said(seen)} already")
        if seen.get("CanStop") == "no":
            raise _not_supported(f"unit {name} stops with others alone (RefuseManualStop=)")

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one call, on each host; what it is at is to be gone afterwards."""
        return tuple(replace(step, away=True) for step in super().steps(facts))

    def warnings(self) -> tuple[str, ...]:
        """What stops with it, and what would start it again."""
        return tuple(dict.fromkeys(self._warnings()))

    def _warnings(self) -> Iterator[str]:
        yield "what it serves is gone until it is started again"
        for name, seen in self._seen.items():
            others = f"{seen.get('RequiredBy', '')} {seen.get('BoundBy', '')}".split()
            if others:
                listed = sanitize(", ".join(dict.fromkeys(others)), limit=_LISTED)
                yield f"what needs {name} is stopped with it: {listed}"
            if starts := seen.get("TriggeredBy", "").split():
                listed = sanitize(", ".join(starts), limit=_LISTED)
                yield f"{name} can be started again by {listed}"

    async def execute(self, step: Step) -> StepOutcome:
        """Ask once, and see that it stays away."""
        sent = await super().execute(step)
        return sent if sent.outcome is not Outcome.DONE else await self._stays_away(step)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether it was stopped, and stays so."""
        found = await super().reconcile(step, before)
        return found if found.outcome is not Outcome.DONE else await self._stays_away(step)

    def came_about(self, seen: Mapping[str, str], before: Mapping[str, str]) -> StepOutcome | str:
        """Whether nothing runs."""
        said = state_said(seen)
        return StepOutcome(Outcome.DONE, said) if seen.get("ActiveState") in _OVER else said

    async def _stays_away(self, step: Step) -> StepOutcome:
        async def look() -> StepOutcome | str:
            seen = await self.seen(step.target)
            state, said = seen.get("ActiveState", ""), state_said(seen)
            if state == "failed":
                said = (
                    f"{said}: nothing runs any more, but it did not end well ({seen.get('Result')})"
                )
            if state in _OVER:
                return StepOutcome(Outcome.DONE, said)
            if state in {"active", "reloading", "activating"}:
                return StepOutcome(Outcome.FAILED, f"{said}: it has been started again")
            return said

        action = self._context.action
        return await settle(
            look,
            self._clock,
            within=action.deadline,
            steady=action.min_healthy,
            quiet=_AGAIN_FOR,
        )

    async def sight(
        self, name: str, seen: Mapping[str, str], before: UnitChange, since: float
    ) -> Sight:
        """The unit, of which nothing is to run."""
        state = State.OK if seen.get("ActiveState") in _OVER else State.DOWN
        return Sight(name, state, state_said(seen))

    def undo(self) -> str:
        """By the other of the two."""
        return "start it: a call with do: start"


def _nothing_to_do(what: str) -> ObserveError:
    return ObserveError(what, remedy="there is nothing to do", code=NOTHING_TO_DO)


def _not_supported(what: str, remedy: str = "") -> ObserveError:
    return ObserveError(what, remedy=remedy or "act on those instead", code="not-supported")
