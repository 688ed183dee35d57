"""Restarting a systemd unit of the system or of the user, by ``systemctl``.

Invariant: the unit is asked for by its full name and never through a shell; ``--no-ask-password``
keeps polkit from asking on a terminal. A unit's ``InvocationID`` changes with every start and
shows whether a restart happened. A fact that changes when a unit restarts by itself pins no plan.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import ClassVar, Final

from opsconsole.config.drivers import SystemdTarget
from opsconsole.config.hosts import HERE
from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.model.operation import Copy, Step
from opsconsole.model.running.machine import Command, End, Failure, Finished, MachineError
from opsconsole.model.running.units import unit_name
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import (
    NOT_UNDONE,
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
    declared,
    not_done,
)
from opsconsole.text import sanitize_bytes

_PROPERTIES: Final = (
    "LoadState,ActiveState,SubState,InvocationID,MainPID,Type,Result,NRestarts,"
    "StateChangeTimestampMonotonic,CanReload,CanStart,CanStop,TriggeredBy,RequiredBy,BoundBy"
)
_STARTED: Final = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"
"""The journal's message that a unit has started: SD_MESSAGE_UNIT_STARTED of sd-messages.h."""

_INVOCATION: Final = re.compile(rb'"INVOCATION_ID"\s*:\s*"([0-9a-f]{32})"')
NOTHING_TO_DO: Final = "nothing-to-do"
"""The code of a refusal of what is so already."""

_LOOK: Final = 10.0
_OUTPUT: Final = 64 * 1024
_SHOWN: Final = 300
_ANSWER: Final = 4096
_CALL: Final = 120.0
_STATES: Final = {
    "active": State.OK,
    "reloading": State.OK,
    "activating": State.UNKNOWN,
    "deactivating": State.UNKNOWN,
    "inactive": State.DOWN,
    "failed": State.DOWN,
}


@dataclass(frozen=True, slots=True)
class UnitChange(Call):
    """Which start of the unit was the last, '' where there was none, and when its state had
    changed last, by systemd's own clock; '' where that was not said."""

    invocation: str
    changed: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """The unit on one host. ``host`` is '' where there is one alone."""

    host: str
    instance: str
    machine: Machine

    def named(self, word: str) -> str:
        """``word`` as this one among several."""
        return f"{word} on {self.host}" if self.host else word


class SystemdRestart(Driver):
    """``systemctl restart`` of one unit; on several hosts at one after another."""

    seen_well = True
    verb: ClassVar[str] = "restart"
    done: ClassVar[str] = "restarted"

    def __init__(self, context: DriverContext) -> None:
        target = declared(context.action.systemd)
        self._context, self._clock = context, context.clock
        self._seen: dict[str, Mapping[str, str]] = {}
        self._unit = unit_name(target.unit)
        self._scope = "--user" if target.user else "--system"
        every, chosen = tuple(_targets(context)), context.request.instances
        meant = [each for each in every if not chosen or each.instance in chosen]
        self._targets = {each.named(self._unit): each for each in meant}
        self._alone = tuple(each.instance for each in every if each.instance)

    async def observe(self) -> Mapping[str, str]:
        """The unit's state and which start of it runs."""
        if not self._targets:
            alone = ", ".join(self._alone)
            raise ObserveError(
                f"{self._unit} is {self.done} as a whole on each host",
                remedy=f"name one of: {alone}" if alone else "leave the instance out",
                code="bad-parameter",
            )
        facts = {"unit": self._unit}
        already: list[ObserveError] = []
        for name, target in self._targets.items():
            seen = await self._show(target)
            if seen.get("LoadState") != "loaded":
                raise ObserveError(
                    f"unit {name} is {seen.get('LoadState') or 'not known'}",
                    remedy="look at its name",
                )
            try:
                self.refuse(name, seen)
                self._seen[name] = seen
            except ObserveError as error:
                if error.code != NOTHING_TO_DO:
                    raise
                already.append(error)
            if seen.get("NRestarts", "0") == "0":
                state = facts[target.named("state")] = seen.get("ActiveState", "")
                if state == "active":
                    facts[target.named("invocation")] = seen.get("InvocationID", "")
        if not self._seen:
            raise already[0]
        return facts

    def refuse(self, name: str, seen: Mapping[str, str]) -> None:
        """Raise ObserveError where that cannot be done to the unit; NOTHING_TO_DO where it is so
        already, which keeps it from no other host."""

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one call, on each host."""
        return tuple(
            Step(
                target.named(f"systemctl {self._scope} {self.verb} {self._unit}"),
                "systemd",
                name,
                _change_of(self._seen[name]).document(),
                instance=target.instance,
            )
            for name, target in self._targets.items()
            if name in self._seen
        )

    async def copies(self) -> tuple[Copy, ...]:
        """Each instance that is alone on its host; of one that cannot be asked nothing is known."""
        found = []
        for name, target in self._targets.items():
            state = State.UNKNOWN
            with suppress(ObserveError):
                state = _state_of(await self._show(target))
            found.append(Copy(target.instance or name, state))
        return tuple(found) if len(self._alone) == len(found) else ()

    async def before(self, step: Step) -> Mapping[str, str]:
        """Which start of the unit runs, and when its state changed last."""
        seen = _change_of(await self.seen(step.target))
        return {"invocation": seen.invocation, "changed": seen.changed}

    async def execute(self, step: Step) -> StepOutcome:
        """Ask systemd, which waits until that is done."""
        started = time.monotonic()
        try:
            finished = await self._change(step)
        except MachineError as error:
            return not_done(error)
        return _outcome(finished, f"{self.done} in {time.monotonic() - started:.1f} s")

    async def _change(self, step: Step) -> Finished:
        """By a program that is not cut where it can be; systemd itself goes on in any case."""
        machine, call = self._targets[step.target].machine, self._command(self.verb)
        name = self._context.name_of(step)
        try:
            return await machine.run_named(name, call, limit=_OUTPUT, deadline=_CALL)
        except MachineError as error:
            if error.begun or error.failure is not Failure.DENIED:
                raise
        return await machine.run(call, limit=_OUTPUT, deadline=_CALL)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """How the call ended where that was kept, else whether the unit is as it was to be."""
        machine, name = self._targets[step.target].machine, self._context.name_of(step)
        call = self._command(self.verb)
        with suppress(MachineError):
            ended = await machine.ended(name, call, limit=_OUTPUT, deadline=_CALL)
            if ended is None:
                return StepOutcome(Outcome.FAILED, "it was never begun")
            return _outcome(ended, self.done)

        async def look() -> StepOutcome | str:
            return self.came_about(await self.seen(step.target), before)

        return await settle(look, self._clock)

    def came_about(self, seen: Mapping[str, str], before: Mapping[str, str]) -> StepOutcome | str:
        """Whether what was seen shows that the call took effect; why that is not known."""
        invocation = seen.get("InvocationID", "")
        if invocation != before.get("invocation") and _state_of(seen) is State.OK:
            return StepOutcome(Outcome.DONE, f"it has started again: {invocation[:12]}")
        return "it has not started again"

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The unit, as it was to be, on each host of ``steps``."""
        before = {step.target: UnitChange.of(step) for step in steps}
        wanted = before or dict.fromkeys(self._targets, UnitChange(""))
        return tuple([await self._look(name, change, since) for name, change in wanted.items()])

    async def _look(self, name: str, before: UnitChange, since: float) -> Sight:
        try:
            seen = await self.seen(name)
        except ObserveError as error:
            return Sight(name, State.UNKNOWN, str(error))
        return await self.sight(name, seen, before, since)

    async def sight(
        self, name: str, seen: Mapping[str, str], before: UnitChange, since: float
    ) -> Sight:
        """The unit, active in another start than before."""
        invocation = seen.get("InvocationID", "")
        if not invocation and _has_worked(seen):
            invocation = await self._journalled(self._targets[name].machine, since)
        detail = f"{state_said(seen)}, {invocation[:12]}"
        changed = invocation != before.invocation
        return Sight(name, _state_of(seen), detail, since_change=changed, run=invocation)

    def undo(self) -> str:
        """A restart has no way back."""
        return NOT_UNDONE

    async def seen(self, name: str) -> Mapping[str, str]:
        """What systemd says of the unit at a step's target. Raises ObserveError."""
        return await self._show(self._targets[name])

    async def _show(self, target: _Target) -> dict[str, str]:
        try:
            seen = await self._systemctl(
                target.machine, "show", f"--property={_PROPERTIES}", limit=_LOOK
            )
        except MachineError as error:
            raise ObserveError(f"cannot run systemctl: {error}") from error
        if not seen.good:
            raise ObserveError(_ended(seen, _LOOK))
        output = sanitize_bytes(seen.output, limit=_ANSWER, multiline=True)
        pairs = (line.partition("=") for line in output.split("\n") if "=" in line)
        return {key: value for key, _, value in pairs}

    async def _journalled(self, machine: Machine, since: float) -> str:
        """The latest start that succeeded since then, by the journal; '' where it knows of none.

        A unit that does its work once is forgotten when it has, with which start it was.
        """
        unit = "--user-unit" if self._scope == "--user" else "--unit"
        argv = (
            "journalctl", f"{unit}={self._unit}", f"--since=@{int(since)}", "--lines=1",
            "--output=json", "--output-fields=INVOCATION_ID", "--no-pager", _STARTED,
        )  # fmt: skip
        try:
            finished = await machine.run(
                Command(argv, inherits=True), limit=_OUTPUT, deadline=_LOOK
            )
        except MachineError:
            return ""
        match = _INVOCATION.search(finished.output) if finished.good else None
        return match[1].decode() if match is not None else ""

    async def _systemctl(
        self, machine: Machine, verb: str, *options: str, limit: float
    ) -> Finished:
        return await machine.run(self._command(verb, *options), limit=_OUTPUT, deadline=limit)

    def _command(self, verb: str, *options: str) -> Command:
        return Command(
            _call(self._scope, verb, *options, self._unit),
            inherits=True,
            together=True,
            privileged=verb == self.verb and self._scope == "--system",
        )


def _targets(context: DriverContext) -> Iterator[_Target]:
    """The one host, or each of several with the instance that alone is there."""
    settings, service = context.settings, context.service
    hosts = settings.hosts_of(service, context.action)
    several = len(hosts) > 1
    config = settings.services.get(service)
    instances = config.instances if config is not None and several else ()
    names = settings.instance_names(service) if instances else ()
    for name, host in hosts.items():
        there = [
            called
            for called, each in zip(names, instances, strict=True)
            if (each.host or HERE) == name
        ]
        alone = there[0] if len(there) == 1 else ""
        yield _Target(name if several else "", alone, context.machines.of(host))


def call_of(target: SystemdTarget) -> tuple[str, ...]:
    """What is done to a unit of the system, as ``sudo`` is to allow it on another host."""
    return _call("--system", target.verb, unit_name(target.unit))


def state_said(seen: Mapping[str, str]) -> str:
    """Its state and what that is called in detail: ``active (running)``."""
    return f"{seen.get('ActiveState')} ({seen.get('SubState')})"


def _change_of(seen: Mapping[str, str]) -> UnitChange:
    return UnitChange(seen.get("InvocationID", ""), seen.get("StateChangeTimestampMonotonic", ""))


def _call(scope: str, verb: str, *rest: str) -> tuple[str, ...]:
    return ("systemctl", scope, "--no-ask-password", "--no-pager", verb, *rest)


def _state_of(seen: Mapping[str, str]) -> State:
    """A unit that does its work once, and has, is well though it is not active."""
    if _has_worked(seen):
        return State.OK
    return _STATES.get(seen.get("ActiveState", ""), State.UNKNOWN)


def _has_worked(seen: Mapping[str, str]) -> bool:
    """Whether it does its work once, and has."""
    once = seen.get("Type") == "oneshot" and seen.get("ActiveState") == "inactive"
    return once and seen.get("Result") == "success"


def _outcome(finished: Finished, done: str) -> StepOutcome:
    """What became of a call, which is ``done`` where it is."""
    if finished.good:
        return StepOutcome(Outcome.DONE, done)
    outcome = Outcome.FAILED if finished.end is End.EXITED else Outcome.UNKNOWN
    return StepOutcome(outcome, _ended(finished, _CALL))


def _ended(finished: Finished, limit: float) -> str:
    """How a call ended that was not good."""
    if finished.end is End.LATE:
        return f"systemctl had not ended after {limit:g} s"
    output = sanitize_bytes(finished.output, limit=_SHOWN, multiline=True).strip()
    return f"systemctl ended with code {finished.code}: {output}"
