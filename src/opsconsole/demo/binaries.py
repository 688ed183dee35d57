"""Where the real servers' programs are: unpacked beside the project, or on the machine.

Invariant: looking never runs, installs or downloads anything. A folder that someone else
could have written is not looked in, for a server found there is run, perhaps as root.

The unpacked folder holds one tree per group of Debian packages (``monitoring``, ``docker``,
``fonts``), each laid out like a file system's root: ``.servers/docker/usr/sbin/dockerd``.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

FOLDER_VARIABLE = "OPSCONSOLE_SERVERS"
FOLDER_NAME = ".servers"

_PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin")
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find(name: str) -> Path | None:
    """The program called ``name``, or None: the unpacked folders first, then the machine's."""
    for folder in _unpacked_program_folders():
        candidate = folder / name
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which(name, path=_machine_path())
    return Path(found) if found else None


def find_file(pattern: str) -> Path | None:
    """The first unpacked file that matches ``pattern`` below a group, in order of name.

    ``find_file("usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")``.
    """
    for group in _groups():
        for path in sorted(group.glob(pattern)):
            return path
    return None


def environment() -> dict[str, str]:
    """This process's environment with what unpacked programs need to find each other.

    ``PATH`` leads to the unpacked programs, ``LD_LIBRARY_PATH`` to their shared libraries and
    ``XTABLES_LIBDIR`` to the extensions of iptables; all else is kept as it is.
    """
    programs = [str(folder) for folder in _unpacked_program_folders()]
    libraries = [
        str(folder)
        for group in _groups()
        for pattern in ("usr/lib/*-linux-gnu", "lib/*-linux-gnu")
        for folder in sorted(group.glob(pattern))
    ]
    result = dict(os.environ)
    result["PATH"] = os.pathsep.join([*programs, _machine_path()])
    if libraries:
        inherited = [path for path in [os.environ.get("LD_LIBRARY_PATH")] if path]
        result["LD_LIBRARY_PATH"] = os.pathsep.join([*libraries, *inherited])
    extensions = find_file("usr/lib/*-linux-gnu/xtables")
    if extensions:
        result["XTABLES_LIBDIR"] = str(extensions)
    return result


def _machine_path() -> str:
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*path, *(f for f in _SYSTEM_FOLDERS if f not in path)])


def _unpacked_program_folders() -> Iterator[Path]:
    for group in _groups():
        for name in _PROGRAM_FOLDERS:
            if (group / name).is_dir():
                yield group / name


def _groups() -> Iterator[Path]:
    for folder in _server_folders():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _server_folders() -> Iterator[Path]:
    candidates = [Path.cwd() / FOLDER_NAME]
    if os.environ.get(FOLDER_VARIABLE):
        candidates.insert(0, Path(os.environ[FOLDER_VARIABLE]))
    project = Path(__file__).resolve().parents[3]
    if (project / "pyproject.toml").is_file():
        candidates.append(project / FOLDER_NAME)
    seen: set[Path] = set()
    for candidate in candidates:
        folder = candidate.resolve()
        if folder not in seen and _is_ours(folder):
            seen.add(folder)
            yield folder


def _is_ours(folder: Path) -> bool:
    """Whether ``folder`` exists and only this user or root can have put programs in it."""
    try:
        status = folder.stat()
    except OSError:
        return False
    writable_by_others = bool(status.st_mode & stat.S_IWOTH)
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid in (0, os.getuid())
        and (not writable_by_others)
    )
