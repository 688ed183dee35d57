"""After a programming error: one line for the user, a file for the developer.

Invariant: the file holds the stack, never the values of variables, so that no secret can be in it;
it is readable only by its owner. The message of an error is kept only after ``sanitize``,
shortened, without anything that looks like a credential.
"""

import faulthandler
import os
import re
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from opsconsole.text import sanitize

_CREDENTIAL: Final = re.compile(
    r"(?i)((?:bearer|basic|token|password|passwd|secret|api[-_]?key|authorization)\W{1,3})\S+"
    r"|(?<=://)[^/\s@]+@"
)
EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h."""
_remembered: list[Exception] = []
_afterwards: list[Callable[[], object]] = []


def then(act: Callable[[], object]) -> None:
    """Call ``act`` once an error is recorded, to end what may no longer end normally."""
    _afterwards[:] = [act]


def remember(error: Exception) -> None:
    """Record the first error for ``report``."""
    if not _remembered:
        _remembered.append(error)
        for act in _afterwards:
            act()


def redact(text: str) -> str:
    """``text`` without what looks like a credential."""
    return _CREDENTIAL.sub(lambda found: f"{found.group(1) or ''}…", text)


def report(folder: Path | None = None) -> str:
    """Write the recorded error to a file and return the line to show; '' if there is none."""
    if not _remembered:
        return ""
    error = _remembered.pop()
    what = redact(sanitize(str(error), limit=200))
    try:
        path = _write(error, what, folder or crash_folder())
    except OSError as problem:
        return f"opsconsole stopped: {type(error).__name__}: {what} (no crash file: {problem})"
    return f"opsconsole stopped: {type(error).__name__}: {what}; details are in {path}"


def dump_threads(folder: Path | None = None) -> None:
    """Write the stack of every thread to a file; names of functions, no values."""
    try:
        with _create(folder or crash_folder(), "threads") as file:
            faulthandler.dump_traceback(file)
    except OSError:
        return  # the program is ending: a full disk must not delay it


def crash_folder() -> Path:
    """Where crash files go: the XDG state folder, or the temporary one."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(base) / "opsconsole"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        import tempfile  # it imports all compression modules, which would delay the first paint

        return Path(tempfile.gettempdir())
    return folder


def _write(error: Exception, what: str, folder: Path) -> Path:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    with _create(folder, "crash") as file:
        file.write("\n".join([f"{type(error).__name__}: {what}", *lines, ""]))
    return Path(file.name)


def _create(folder: Path, kind: str) -> TextIO:
    """A new file that only its owner can read."""

    def private(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW, 0o600)

    path = folder / f"{kind}-{int(time.time())}-{os.getpid()}.txt"
    return open(path, "x", encoding="utf-8", opener=private)
