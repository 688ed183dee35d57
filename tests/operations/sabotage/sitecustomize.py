"""Kills a runner from within, where a test says; on a runner's PYTHONPATH, never imported here.

``KILL_AT=N``: at the N-th boundary, which are the moments before and after each of the journal's
transactions. ``KILL_AFTER=S``: S seconds after it detached. Only a first runner is killed, never
the one that takes up what it left.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

_count = 0


def _is_first_runner() -> bool:
    return sys.argv[1:2] == ["run"]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _boundary() -> None:
    global _count
    _count += 1
    if _is_first_runner() and _count == int(os.environ["KILL_AT"]):
        _die()


def _kill_at_a_boundary() -> None:
    from opsconsole.operations.journal.sqlite_database import SqliteDatabase

    plain = SqliteDatabase.transaction

    @contextlib.contextmanager
    def transaction(self: SqliteDatabase) -> Iterator[Any]:
        _boundary()
        with plain(self) as connection:
            yield connection
        _boundary()

    SqliteDatabase.transaction = transaction  # type: ignore[method-assign]


def _kill_after_a_while() -> None:
    if _is_first_runner():
        timer = threading.Timer(float(os.environ["KILL_AFTER"]), _die)
        timer.daemon = True
        timer.start()


if "KILL_AT" in os.environ:
    _kill_at_a_boundary()
if "KILL_AFTER" in os.environ:
    os.register_at_fork(after_in_child=_kill_after_a_while)
