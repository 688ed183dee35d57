"""Saves lines of a log to a file of the user.

Invariant: nothing that exists is overwritten, no symlink is followed, and the file is complete or
absent. Its text is what the screen shows: sanitised.
"""

from collections.abc import Iterable
from pathlib import Path

from opsconsole import durable
from opsconsole.model.logs import LogLine
from opsconsole.zones import exported


def save(lines: Iterable[LogLine], folder: Path, name: str) -> Path:
    """Write ``lines`` to the new file ``name`` in ``folder``. Raises OSError, ValueError."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not a plain file name: it is saved in {folder}")
    target = folder / name
    text = "".join(f"{as_text(line)}\n" for line in lines)
    durable.create(target, text.encode(), 0o600)
    return target


def as_text(line: LogLine) -> str:
    """A line as it is saved: time in UTC, level, whose it is, words."""
    return f"{exported(line.at)} {line.level.name:8} {line.writer} {line.text}"
