"""Asking git, and nothing else: bounded, without a prompt, a pager or a shell.

Invariant: every call ends at its time limit, its process with it. What git says is sanitised.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.machines.base import Machine
from opsconsole.model.running.machine import Command, End, MachineError
from opsconsole.operations.planning.driver import ObserveError
from opsconsole.text import sanitize_bytes

LOOK: Final = 20.0
"""Seconds for a look."""

_OUTPUT_LIMIT: Final = 4 << 20
_SHOWN: Final = 300
_OWN_SETTINGS: Final = (
    *("-c", "versionsort.suffix=-"),
    # What a repository would have run is the repository's: no look and no checkout obeys it.
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
)
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """How git ended: its exit code (None when it was ended), its output, its last complaint."""

    code: int | None
    output: str
    complaint: str


async def ask(machine: Machine, folder: Path, *arguments: str, limit: float = LOOK) -> Answer:
    """Run ``git arguments`` in ``folder``. Raises ObserveError when git cannot be started."""
    argv = ("git", *_OWN_SETTINGS, "-C", str(folder), *arguments)
    command = Command(argv, environment=_ENVIRONMENT)
    try:
        finished = await machine.run(command, limit=_OUTPUT_LIMIT, deadline=limit)
    except MachineError as error:
        if error.begun:
            return Answer(None, "", str(error))
        raise ObserveError(f"git cannot be started: {error}", remedy="install git") from error
    if finished.end is not End.EXITED:
        late = finished.end is End.LATE
        why = f"ended after its limit of {limit:g} s" if late else f"ended: {finished.end}"
        return Answer(None, "", why)
    text = sanitize_bytes(finished.output, limit=_OUTPUT_LIMIT, multiline=True)
    said = sanitize_bytes(finished.complaint.strip()[-_SHOWN:], limit=_SHOWN)
    return Answer(finished.code, text.rstrip("\n"), said)


async def look(machine: Machine, folder: Path, *arguments: str) -> str:
    """The output of a call that must succeed. Raises ObserveError with what git complained of."""
    answer = await ask(machine, folder, *arguments)
    if answer.code != 0:
        raise ObserveError(
            f"git {arguments[0]} in {folder}: {answer.complaint or f'exit {answer.code}'}",
            remedy="look at the checkout by hand",
        )
    return answer.output
