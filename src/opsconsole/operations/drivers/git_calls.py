"""Asking git, and nothing else: bounded, without a prompt, a pager or a shell.

Invariant: every call ends at its time limit, its process with it. What git says is sanitised. What
a repository would have git run is the repository's, and its writers are seldom this user alone: no
hook, no ``core.fsmonitor``, no fetch of what a partial clone lacks and no submodule is run or gone
into, and where its own configuration names a filter, nothing that would run one is asked.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.model.running.machine import Command, End, Failure, Finished, MachineError
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.text import sanitize_bytes

LOOK: Final = 20.0
"""Seconds for a look."""

_OUTPUT_LIMIT: Final = 4 << 20
_COMPLAINT: Final = 16 * 1024
_SHOWN: Final = 300
_OWN_SETTINGS: Final = (
    *("-c", "versionsort.suffix=-"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "submodule.recurse=false"),
)
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    # A partial clone fetches what it lacks, with whatever program its remote names.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
}
_FILTERS: Final = (
    *("config", "--show-scope", "--null", "--name-only"),
    *("--get-regexp", r"^filter\..*\.(clean|smudge|process)$"),
)
_THE_REPOSITORYS: Final = frozenset({"local", "worktree"})
_NO_SUCH_KEY: Final = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """How git ended: its exit code (None when it was ended), its output, its last complaint."""

    code: int | None
    output: str
    complaint: str


async def ask(machine: Machine, folder: Path, *arguments: str) -> Answer:
    """Run ``git arguments`` in ``folder``. Raises ObserveError when git cannot be started."""
    command = _command(folder, arguments)
    try:
        finished = await machine.run(command, limit=_OUTPUT_LIMIT, deadline=LOOK)
    except MachineError as error:
        return _not_asked(error)
    return _answer(finished, LOOK)


async def change(
    machine: Machine, name: str, folder: Path, *arguments: str, limit: float
) -> Answer:
    """Run ``git arguments``, which change something, as the program ``name``, which is not cut.

    Raises ObserveError when git cannot be started.
    """
    command = _command(folder, arguments)
    try:
        finished = await machine.run_named(name, command, limit=_COMPLAINT, deadline=limit)
    except MachineError as error:
        return _not_asked(error)
    return _answer(replace(finished, output=b"", complaint=finished.output), limit)


async def wait(machine: Machine, name: str, folder: Path, limit: float) -> None:
    """Return once what ``change`` began as ``name`` is over, as far as anybody knows."""
    with suppress(MachineError):
        await machine.ended(name, _command(folder, ()), limit=_COMPLAINT, deadline=limit)


def _command(folder: Path, arguments: tuple[str, ...]) -> Command:
    argv = ("git", *_OWN_SETTINGS, "-C", str(folder), *arguments)
    return Command(argv, environment=_ENVIRONMENT)


def _not_asked(error: MachineError) -> Answer:
    if error.begun:
        return Answer(None, "", str(error))
    remedy = "install git" if error.failure is Failure.NOT_FOUND else error.remedy
    raise ObserveError(f"git cannot be started: {error.what}", remedy=remedy) from error


def _answer(finished: Finished, limit: float) -> Answer:
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
        raise _complained(folder, arguments[0], answer)
    return answer.output


def _complained(folder: Path, command: str, answer: Answer) -> ObserveError:
    said = answer.complaint or f"exit {answer.code}"
    return ObserveError(f"git {command} in {folder}: {said}", remedy="look at the checkout by hand")


async def refuse_programs(machine: Machine, folder: Path) -> None:
    """Nothing where no filter of the repository's own configuration would be run on its files.

    Git has no switch for filters. Those that this user or the system set up, such as Git LFS
    installed for all, are theirs. Raises ObserveError.
    """
    answer = await ask(machine, folder, *_FILTERS)
    if answer.code not in {0, _NO_SUCH_KEY}:
        raise _complained(folder, "config", answer)
    words = answer.output.split("\u2400")
    named = zip(words[::2], words[1::2], strict=False)
    found = sorted(name for scope, name in named if scope in _THE_REPOSITORYS)
    if found:
        raise ObserveError(
            f"the configuration of the checkout {folder} has git run a program: {found[0]}",
            remedy="set it up for this user instead (git lfs install), and unset it there",
        )


async def refuse_elsewhere(machine: Machine, folder: Path) -> None:
    """Nothing where the files of the repository are where ``folder`` is. Raises ObserveError.

    ``core.worktree`` would have a checkout write anywhere.
    """
    inside = await look(machine, folder, "rev-parse", "--is-inside-work-tree")
    top = await look(machine, folder, "rev-parse", "--show-toplevel") if inside == "true" else ""
    try:
        await machine.stat(Path(top) / ".git", follow=False)
    except MachineError:
        inside = "false"
    if inside != "true":
        raise ObserveError(
            f"the repository at {folder} has its files in another folder: {top or 'core.worktree'}",
            remedy="look at core.worktree in its configuration, and at who set it",
        )
