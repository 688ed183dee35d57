"""The file that a declared program's name means, and that nobody else could change it.

Invariant: what is found is what will be run, in the machine's PATH; a program, or a folder that it
runs in, which another user could change is refused before anything is planned on it.
"""

from pathlib import Path, PurePath
from typing import Final

from opsconsole.machines.base import Machine
from opsconsole.model.running.machine import Failure, FileKind, FileStatus, MachineError
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.programs import PATH
from opsconsole.text import sanitize

_SHOWN: Final = 300


async def find_program(machine: Machine, name: str, cwd: Path) -> tuple[PurePath, FileStatus]:
    """Where the program is. Raises ObserveError when it is not there or others could change it."""
    places = [cwd / name]
    if "/" not in name:
        places = [Path(folder) / name for folder in PATH.split(":")]
    for place in places:
        try:
            status = await machine.stat(place)
        except MachineError as error:
            if error.failure in {Failure.NOT_FOUND, Failure.DENIED}:
                continue
            raise ObserveError(f"cannot look at {error.what}", remedy=error.remedy) from error
        if status.kind is FileKind.FILE and status.mode & 0o111:
            break
    else:
        raise ObserveError(
            f"there is no program {sanitize(name, limit=_SHOWN)}",
            remedy=f"install it, or name it by its path; PATH is {PATH}",
        )
    await _refuse_loose(machine, place, "the program")
    await _refuse_loose(machine, cwd, "the folder that it runs in")
    return place, status


async def _refuse_loose(machine: Machine, path: PurePath, what: str) -> None:
    try:
        loose = await machine.looseness(path)
    except MachineError as error:
        raise ObserveError(f"cannot look at {what}: {error}") from error
    if loose is not None:
        raise ObserveError(
            f"{what} is not safe to use: {sanitize(loose.how, limit=_SHOWN)}",
            remedy=sanitize(loose.remedy, limit=_SHOWN),
            code="others-may-write",
        )
