"""Ending a process before each of its calls to the system that change a disk, one run for each.

Invariant: ``run_to`` runs ``work`` in a child that is killed (SIGKILL) before its ``point``-th
such call, counted from 1; it is True once the child outlived all of them.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

CHANGING = (
    "open", "write", "fsync", "fchmod", "fchown", "ftruncate", "replace", "rename", "link",
    "unlink", "symlink", "mkdir", "close",
)  # fmt: skip


def counted(before: Callable[[str], None]) -> None:
    """Call ``before(name)`` ahead of each call of this process that may change a disk."""
    for name in CHANGING:
        plain = getattr(os, name)

        def call(*args: Any, _plain: Any = plain, _name: str = name, **given: Any) -> Any:
            before(_name)
            return _plain(*args, **given)

        setattr(os, name, call)


def run_to(point: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a child up to its ``point``-th call; whether it came to its end."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the work itself failed"
        return os.WIFEXITED(status)
    count = 0
    die, leave = os.kill, os._exit

    def before(_name: str) -> None:
        nonlocal count
        count += 1
        if count == point:
            die(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        counted(before)
        work()
        code = 0
    finally:
        leave(code)


def calls_of(work: Callable[[], None]) -> list[str]:
    """The names of the calls that ``work`` makes, in their order."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        plain = os.write

        def say(name: str) -> None:
            plain(writing, f"{name}\n".encode())

        counted(say)
        try:
            work()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        names = said.read().split()
    os.waitpid(child, 0)
    return names
