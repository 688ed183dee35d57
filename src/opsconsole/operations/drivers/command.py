"""Changing a service by a program: an argv list, never a shell.

Invariant: the program gets a small environment of its own, no terminal and no input, and runs in
a process group of its own, which is ended as a whole (TERM, 10 s, KILL) at its time limit. A
program that was ended, or whose end was not seen, leaves an UNKNOWN outcome.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from opsconsole.model.operation import Effect, Step
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.placeholders import fill, shown_words, words
from opsconsole.operations.planning.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
)
from opsconsole.text import sanitize, sanitize_bytes

OUTPUT_LIMIT: Final = 64 * 1024
"""Bytes of output that are kept, the last ones; the rest is read and dropped."""

GRACE: Final = 10.0
"""Seconds between TERM and KILL."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SHOWN_LINES: Final = 12
_POLL: Final = 0.02
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
        self._command = command
        self._cwd = context.base / (command.cwd or ".")

    async def observe(self) -> Mapping[str, str]:
        """Which file would be run, and that it is the same one later."""
        program = self._command.argv[0]
        found = shutil.which(program if "/" not in program else str(self._cwd / program), path=PATH)
        if found is None:
            raise ObserveError(
                f"there is no program {sanitize(program, limit=_SHOWN)}",
                remedy=f"install it, or name it by its path; PATH is {PATH}",
            )
        if not self._cwd.is_dir():
            raise ObserveError(f"there is no folder {self._cwd}", remedy="look at cwd")
        status = os.stat(found)
        return {
            "program": found,
            "program file": _file_of(status),
        }

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
        values = words(self._context.request)
        argv = [step.target, *(_argument(each, values) for each in Run.of(step).arguments)]
        started = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=self._cwd,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return StepOutcome(Outcome.FAILED, f"could not be started: {error.strerror}")
        tail = bytearray()
        reading = asyncio.create_task(_keep_tail(process, tail))
        try:
            async with asyncio.timeout(self._command.timeout):
                code = await _exit_code(process)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        except TimeoutError:
            await _end(process)
            detail = f"ended after its limit of {self._command.timeout:g} s"
            return StepOutcome(Outcome.UNKNOWN, detail, _lines(tail))
        finally:
            # A program that has left children holding its output is not waited for.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reading, 1.0)
        took = time.monotonic() - started
        if code == 0:
            return StepOutcome(Outcome.DONE, f"exit 0 in {took:.1f} s", _lines(tail))
        how = f"exit {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
        return StepOutcome(Outcome.FAILED, f"{how} after {took:.1f} s", _lines(tail))

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """A program leaves no sign that could be looked for."""
        return StepOutcome(Outcome.UNKNOWN, "how far the command came cannot be told")

    def undo(self) -> str:
        """As far as it can be known."""
        return "not by the console: the command itself decides"

    def _environment(self) -> dict[str, str]:
        request = self._context.request
        own = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": str(Path.home()),
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


async def _keep_tail(process: asyncio.subprocess.Process, tail: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(16384):
        tail += chunk
        del tail[:-OUTPUT_LIMIT]


async def _exit_code(process: asyncio.subprocess.Process) -> int:
    """The exit code as soon as the program has ended.

    ``Process.wait`` returns only when all that hold its output have closed it as well.
    """
    while process.returncode is None:  # noqa: ASYNC110 - nothing tells of it but this
        await asyncio.sleep(_POLL)
    return process.returncode


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole process group, first kindly."""
    for sent, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_exit_code(process), patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _lines(tail: bytearray) -> tuple[str, ...]:
    """The last lines of the output, sanitised."""
    text = sanitize_bytes(bytes(tail), limit=_SHOWN, multiline=True)
    lines = [line for line in text.split("\n") if line.strip()]
    return tuple(f"output: {line}" for line in lines[-_SHOWN_LINES:])


def _file_of(status: os.stat_result) -> str:
    """What tells a file from one that took its place, for people to read."""
    seconds, fraction = divmod(status.st_mtime_ns, 10**9)
    changed = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{status.st_size} bytes of {changed}.{fraction:09}Z, inode {status.st_ino}"
