"""One lock as an flock(2) on an open file. Raises StateError where that cannot be used.

The descriptor can be handed to a child: the lock then lives as long as either holds it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.state_folder import file_mode


class HeldFlock:
    """A lock that this process holds. ``descriptor`` is -1 once it was let go."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a child inherits."""
        return (self.descriptor,)

    @property
    def grant(self) -> str:
        """Nothing: the descriptor is enough."""
        return ""

    def handed_over(self) -> None:
        """Nothing is to be done: the lock lives as long as any descriptor of it."""

    def may_begin(self) -> bool:
        """Always: it cannot end while it is held."""
        return True

    def release(self) -> None:
        """Let go; a child that was given the descriptor holds on."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def take(path: Path, *, patience: float = 0.0) -> HeldFlock | None:
    """Take the lock at ``path``, or None when another has it after ``patience`` seconds.

    One that was forgotten while it was waited for is no lock any more: the next one is taken.
    """
    while True:
        with reporting(path):
            descriptor = durable.open_file(path, os.O_RDWR, file_mode(path.parent))
        if not durable.lock(descriptor, patience=patience):
            os.close(descriptor)
            return None
        if _lies_at(path, descriptor):
            return HeldFlock(descriptor)
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock at ``path``."""
    with reporting(path):
        try:
            descriptor = durable.open_file(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
    try:
        return not durable.lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _lies_at(path: Path, descriptor: int) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Raise StateError for what the system says of the lock at ``path``."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"cannot use the lock {path}: {error.strerror}",
            remedy="make room on its disk, or remove what lies in its place",
        ) from error
