"""Changing a service by a program: an argv list, never a shell.

Invariant: the program gets a small environment of its own, no terminal and no input, and runs in
a process group of its own, which is ended as a whole (TERM, 10 s, KILL) at its time limit. A
program that was ended, or whose end nobody saw, leaves an UNKNOWN outcome.
"""

import hashlib
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from opsconsole.config.secrets.patterns import redacted
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Effect, Step
from opsconsole.model.running.machine import (
    Command,
    End,
    Failure,
    FileKind,
    FileStatus,
    Finished,
    MachineError,
)
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.placeholders import fill, refuse_lacking, shown_words, words
from opsconsole.operations.drivers.program_file import find_program
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
    not_done,
)
from opsconsole.text import sanitize, sanitize_bytes
from opsconsole.zones import in_calendar

OUTPUT_LIMIT: Final = 64 * 1024
"""Bytes of output that are kept, the last ones; the rest is read and dropped."""

GRACE: Final = 10.0
"""Seconds between TERM and KILL."""

_SHOWN_LINES: Final = 12
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Run(Call):
    """The arguments, whose words are not filled in yet."""

    arguments: tuple[str, ...]


class CommandDriver(Driver):
    """Runs the declared command once."""

    def __init__(self, context: DriverContext) -> None:
        command = declared(context.action.command)
        self._context = context
        self._machine = context.machine
        self._command = command
        self._cwd = context.start / (command.cwd or ".")

    async def observe(self) -> Mapping[str, str]:
        """Which file would be run, and that it is the same one later."""
        refuse_lacking(self._command.argv, words(self._context.request))
        chosen = self._context.request.instance
        if chosen and not any("{instance}" in argument for argument in self._command.argv):
            raise ObserveError(
                f"the command does not take an instance, so not {chosen} alone",
                remedy="write {instance} into its arguments, or leave the instance out",
            )
        if "," in chosen:
            raise ObserveError(
                "the command takes one instance at a time",
                remedy="name one, or leave the instance out",
            )
        if not await self._is_folder():
            raise ObserveError(f"there is no folder {self._cwd}", remedy="look at cwd")
        program, status = await find_program(self._machine, self._command.argv[0], self._cwd)
        return {"program": str(program), "program file": _file_of(status)}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one call, its words filled in."""
        values = shown_words(self._context.request)
        rest = [fill(argument, values) for argument in self._command.argv[1:]]
        shown = sanitize(" ".join((self._command.argv[0], *rest)), limit=_SHOWN)
        step = Step(
            summary=f"run {shown}",
            driver="command",
            target=facts["program"],
            call=Run(self._command.argv[1:]).document(),
            effect=Effect(self._context.action.effect),
        )
        return (step,)

    async def execute(self, step: Step) -> StepOutcome:
        """Run it to its end or to its time limit."""
        name, started = self._context.name_of(step), time.monotonic()
        try:
            finished = await self._machine.run_named(
                name, self._filled(step), limit=OUTPUT_LIMIT, deadline=self._command.timeout
            )
        except MachineError as error:
            return not_done(error)
        return self._outcome(finished, time.monotonic() - started)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """How it ended, where its machine kept that."""
        name, limit = self._context.name_of(step), self._command.timeout
        try:
            finished = await self._machine.ended(
                name, self._filled(step), limit=OUTPUT_LIMIT, deadline=limit
            )
        except MachineError as error:
            return not_done(error)
        if finished is None:
            return StepOutcome(Outcome.FAILED, "it was never begun")
        return self._outcome(finished)

    def undo(self) -> str:
        """As far as it can be known."""
        return "it cannot be undone from here"

    def _filled(self, step: Step) -> Command:
        values = words(self._context.request)
        arguments = (_argument(each, values) for each in Run.of(step).arguments)
        return Command(
            (step.target, *arguments),
            cwd=str(self._cwd),
            environment=self._environment(),
            together=True,
            grace=GRACE,
        )

    def _outcome(self, finished: Finished, took: float | None = None) -> StepOutcome:
        """``took``: seconds, where they are known."""
        lines = _lines(finished.output)
        if finished.end is not End.EXITED:
            detail = f"ended after its limit of {self._command.timeout:g} s"
            return StepOutcome(Outcome.UNKNOWN, detail, lines)
        code, seconds = finished.code, "" if took is None else f"{took:.1f} s"
        if code == 0:
            return StepOutcome(Outcome.DONE, f"exit 0 in {seconds}" if seconds else "exit 0", lines)
        how = f"exit {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
        return StepOutcome(Outcome.FAILED, f"{how} after {seconds}" if seconds else how, lines)

    async def _is_folder(self) -> bool:
        try:
            return (await self._machine.stat(self._cwd)).kind is FileKind.FOLDER
        except MachineError as error:
            if error.failure in {Failure.NOT_FOUND, Failure.DENIED}:
                return False
            raise ObserveError(f"cannot look at {error.what}", remedy=error.remedy) from error

    def _environment(self) -> dict[str, str]:
        request = self._context.request
        own = {
            "OPS_SERVICE": request.service,
            "OPS_ACTION": request.kind.value,
            "OPS_REASON": request.reason,
        }
        parameters = {f"OPS_{key.upper()}": value for key, value in request.parameters.items()}
        return {**own, **parameters, **self._command.env}


def _argument(template: str, values: Mapping[str, str]) -> str:
    """One argument; what is filled in can never become an option of the program."""
    filled = fill(template, values)
    injected = filled.startswith("-") and not template.startswith("-")
    return f" {filled}" if injected else filled


def _lines(output: bytes) -> tuple[str, ...]:
    """The last lines of the output, sanitised and without what looks like a secret."""
    text = redacted(sanitize_bytes(output, limit=_SHOWN, multiline=True))
    lines = [line for line in text.split("\n") if line.strip()]
    return tuple(f"output: {line}" for line in lines[-_SHOWN_LINES:])


def _file_of(status: FileStatus) -> str:
    """What distinguishes a file from one that took its place: for people its size and time, and a
    mark of all that differs, whose parts mean nothing to them."""
    seconds = in_calendar(status.changed / 10**9)
    changed = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    whole = repr((status.size, status.changed, status.identity))
    mark = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return f"{status.size} bytes of {changed}Z, mark {mark}"
