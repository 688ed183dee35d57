"""One operation on a service at a time, between all consoles and users of this host.

Invariant: a lock is an flock(2) on an open file, so it ends with the last process that holds the
descriptor, however that process dies; nothing stale is ever left to break. The JSON file beside
it says who holds it and is believed only while the lock is held.

The descriptor can be handed to a child: the lock then lives as long as either holds it.
"""

import json
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.state_folder import file_mode
from opsconsole.text import sanitize

_PATIENCE: Final = 0.05
_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is doing what to a service, since when (Unix seconds)."""

    operation: str
    kind: str
    service: str
    who: str
    login_uid: int | None
    host: str
    tty: str
    since: float

    def sentence(self, now: float) -> str:
        """``ops@bastion-2 (pts/3) is at restart of ai-service (00:12)``."""
        minutes, seconds = divmod(max(0, int(now - self.since)), 60)
        place = f" ({self.tty})" if self.tty else ""
        return (
            f"{self.who}@{self.host}{place} is at {self.kind} of {self.service} "
            f"({minutes:02d}:{seconds:02d})"
        )


class HeldLock:
    """A lock that this process holds. ``descriptor`` may be handed to a child."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Let go; a child that was given the descriptor holds on."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def take(path: Path, *, patience: float = 0.0) -> HeldLock | None:
    """Take the lock at ``path``, or None when another has it after ``patience`` seconds.

    Raises StateError where it cannot be opened, such as when a fifo lies in its place.
    """
    try:
        descriptor = durable.open_file(path, os.O_RDWR, file_mode(path.parent))
    except OSError as error:
        raise _unusable(path, error) from error
    if durable.lock(descriptor, patience=patience):
        return HeldLock(descriptor)
    os.close(descriptor)
    return None


def is_held(path: Path) -> bool:
    """Whether some process holds the lock at ``path``. Raises StateError."""
    try:
        descriptor = durable.open_file(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return not durable.lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def take_service(folder: Path, holder: Holder, *, patience: float = _PATIENCE) -> HeldLock | None:
    """Take the service's lock in the state ``folder`` and say who did; None when it is held.

    It is tried for ``patience`` seconds, because a look by ``holder`` holds it for a moment.
    Raises StateError when that cannot be written; the lock is then free again.
    """
    held = take(_lock_path(folder, holder.service), patience=patience)
    if held is not None:
        try:
            _write(folder, holder)
        except OSError as error:
            held.release()
            raise _unusable(folder / "locks", error) from error
    return held


def holder(folder: Path, service: str) -> Holder | None:
    """Who holds the service's lock, or None when nobody does."""
    if not is_held(_lock_path(folder, service)):
        return None
    return _read(folder, service) or Holder(
        operation="", kind="an operation", service=service, who="somebody", login_uid=None,
        host="this host", tty="", since=time.time(),
    )  # fmt: skip


def runner_lock(folder: Path, operation: str) -> Path:
    """The lock that the runner of ``operation`` holds as long as it lives."""
    return folder / "runners" / f"{operation}.lock"


def keeper_lock(folder: Path, operation: str) -> Path:
    """The lock of the process that waits for the end of a degradation."""
    return folder / "runners" / f"{operation}.keeper"


def rollback_lock(folder: Path, operation: str) -> Path:
    """The lock of the process that counts down to an automatic rollback."""
    return folder / "runners" / f"{operation}.rollback"


def _unusable(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot use the lock {path}: {error.strerror}",
        remedy="make room on its disk, or remove what lies in its place",
    )


def _lock_path(folder: Path, service: str) -> Path:
    return folder / "locks" / f"{service}.lock"


def _write(folder: Path, holder: Holder) -> None:
    """Replace the JSON whole, so that a reader never sees half of it."""
    locks = folder / "locks"
    said = json.dumps(asdict(holder)).encode()
    durable.replace(locks / f"{holder.service}.json", said, file_mode(locks))


def _read(folder: Path, service: str) -> Holder | None:
    try:
        document = json.loads(durable.read(folder / "locks" / f"{service}.json", _LIMIT))
        values = {each.name: document[each.name] for each in fields(Holder)}
        values["since"] = float(values["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    texts = ("operation", "kind", "service", "who", "host", "tty")
    return Holder(**values | {name: sanitize(str(values[name]), limit=200) for name in texts})
