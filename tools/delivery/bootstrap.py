"""The beginning of the single file: it unpacks itself once, then runs the program from there.

Invariant: what runs is a virtual environment of the very Python that was asked, in a folder that
only this user and root can change; it is whole or absent. So compiled parts can be loaded, and
whatever the program starts by ``sys.executable`` is of the same environment. Nothing is fetched.

Inside of the file: ``any/`` for every Python, ``cpython-311-x86_64-linux-gnu/`` and its like for
one, ``share/`` with the manual and the completion, and ``contents.json``. Read by old Pythons too,
to which it says that they are too old.
"""

import json
import os
import shlex
import shutil
import stat
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path

FILE = Path(__file__).absolute().parent
EX_USAGE = 64
EX_UNAVAILABLE = 69
KEPT = 30 * 86400.0
"""Seconds that another version stays unpacked after it was last started."""

ABANDONED = 86400.0
"""Seconds after which what was being unpacked never will be."""


class CannotRunError(Exception):
    """Why it cannot be run here, and what to do."""


def main() -> None:
    """Unpack what is not unpacked, and become the program. ``--unpack FOLDER`` goes no further."""
    arguments = sys.argv[1:]
    try:
        contents = json.loads(zipfile.ZipFile(str(FILE)).read("contents.json").decode())
        python = sysconfig.get_config_var("SOABI") or "an unknown Python"
        if python not in contents["pythons"]:
            names = ", ".join(contents["pythons"])
            other = f"name another one, as in: python3.11 {FILE}"
            raise CannotRunError(f"{FILE.name} is for {names}, and this is {python}; {other}")
        if arguments[:1] == ["--unpack"]:
            if len(arguments) != 2:
                sys.stderr.write(f"usage: {FILE.name} --unpack FOLDER\n")
                sys.exit(EX_USAGE)
            install(Path(arguments[1]).absolute(), python)
            return
        program = str(unpacked(contents["digest"], python) / "bin" / "python3")
    except CannotRunError as error:
        sys.stderr.write(f"opsconsole: {error}\n")
        sys.exit(EX_UNAVAILABLE)
    except OSError as error:
        sys.stderr.write(f"opsconsole: cannot unpack {FILE}: {error}\n")
        sys.exit(EX_UNAVAILABLE)
    os.execv(program, [program, "-P", "-m", "opsconsole", *arguments])


def install(folder: Path, python: str) -> None:
    """Make ``folder`` an installation for every user: the program, its manual, its completion."""
    if folder.exists():
        raise CannotRunError(f"{folder} is there already; name a new folder")
    _require_own(folder.parent)
    os.umask(0o022)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        beside.chmod(0o755)
        fill(beside, python)
        command = beside / "bin" / "opsconsole"
        started = shlex.quote(str(folder / "bin" / "python3"))
        command.write_text(f'#!/bin/sh\nexec {started} -P -m opsconsole "$@"\n')
        command.chmod(0o755)
        os.sync()
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    print(f"unpacked; the program is {folder / 'bin' / 'opsconsole'}")


def unpacked(digest: str, python: str) -> Path:
    """The folder from which this file's program runs, made now if it is not there."""
    cache = private_cache()
    started_by = os.path.realpath(sys.executable)
    name = "-".join((digest, python, started_by.strip("/").replace("/", "-")))
    home = cache / name
    if not (home / "pyvenv.cfg").exists():
        _clear(cache)
        os.umask(0o077)
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
        try:
            fill(beside, python)
            # A loss of power must not leave empty files under a name that says they are whole.
            os.sync()
            beside.rename(home)
        except FileExistsError:  # another one was quicker
            shutil.rmtree(beside)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            if not (home / "pyvenv.cfg").exists():
                raise
    _require_own(home)
    os.utime(home)
    return home


def private_cache() -> Path:
    """The first folder for caches that is safe, made where it is not there."""
    refusals = []
    for base in _bases():
        folder = base / "opsconsole"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _require_own(folder)
            if os.statvfs(folder).f_flag & os.ST_NOEXEC:
                raise CannotRunError(f"{folder} is on a file system mounted noexec")
            if not os.access(folder, os.W_OK):
                raise CannotRunError(f"{folder} cannot be written")
        except OSError as error:
            refusals.append(f"{folder}: {error.strerror}")
        except CannotRunError as error:
            refusals.append(str(error))
        else:
            return folder
    raise CannotRunError(
        "found no folder to unpack in that is this user's alone; set XDG_CACHE_HOME to one\n  "
        + "\n  ".join(refusals)
    )


def _bases() -> "list[Path]":  # quoted for Pythons that are too old
    """Where caches are kept: as systemd says, as the user says, at home."""
    named = [os.environ.get("CACHE_DIRECTORY", "").split(":")[0], os.environ.get("XDG_CACHE_HOME")]
    bases = [Path(each) for each in named if each and each.startswith("/")]
    try:
        bases.append(Path.home() / ".cache")
    except RuntimeError as error:
        if not bases:
            raise CannotRunError(f"{error}; set XDG_CACHE_HOME to a folder of your own") from error
    return bases


def _require_own(path: Path) -> None:
    """Raise CannotRunError where others could change what is at ``path``."""
    sys.path.insert(0, str(FILE / "any"))
    try:
        from opsconsole.ownership import looseness
    finally:
        sys.path.pop(0)
    loose = looseness(path)
    if loose is not None:
        raise CannotRunError(f"{loose.how}; {loose.remedy}")


def fill(folder: Path, python: str) -> None:
    """Make ``folder`` a virtual environment of this Python, with all that the file has for it."""
    version = ".".join(map(str, sys.version_info[:2]))
    places = {
        "any": folder / "lib" / f"python{version}" / "site-packages",
        "share": folder / "share",
    }
    places[python] = places["any"]
    with zipfile.ZipFile(FILE) as archive:
        for entry in archive.infolist():
            part, _, name = entry.filename.partition("/")
            if part not in places or not name:
                continue
            target = places[part] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    started_by = Path(os.path.realpath(sys.executable))
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to(started_by)
    settings = f"home = {started_by.parent}\ninclude-system-site-packages = false\n"
    (folder / "pyvenv.cfg").write_text(f"{settings}version = {version}\n")


def _clear(cache: Path) -> None:
    """Remove what was left half unpacked, and versions that nobody has run for long."""
    now = time.time()
    for each in cache.iterdir():
        found = each.lstat()
        limit = ABANDONED if each.name.startswith(".new-") else KEPT
        if not stat.S_ISDIR(found.st_mode) or found.st_mtime > now - limit or _is_run(each):
            continue
        shutil.rmtree(each, ignore_errors=True)


def _is_run(home: Path) -> bool:
    """Whether a process that can be seen was started from ``home``."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes().startswith(bytes(home) + b"/"):
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    main()
