"""Mandates of one user that processes of the same user carry out on any of several hosts.

Invariant: as ``Mandates`` has it, but that a mandate stands in one of two places: in the shared
state, signed with a key that only this user has, or, where its plan holds a secret, in a file of
this host. A record of the shared state that is not signed with the key, for that state, is nobody's
mandate. Who
keeps a promise holds its lock of the shared state, so another host keeps it once that has lapsed.

What the signature cannot prevent: who may write the shared state can put back a mandate that is
over, and have what this user once confirmed tried again.
"""

from pathlib import Path
from typing import Final

from opsconsole.errors import StateError
from opsconsole.operations.database import Row
from opsconsole.operations.journal import plan_codec
from opsconsole.operations.journal.records import OPERATION_ID, PromiseKind
from opsconsole.operations.locks.locks import Held, LockKind, LockName
from opsconsole.operations.locks.postgresql_locks import PostgresqlLocks
from opsconsole.operations.mandate_key import MandateKey
from opsconsole.operations.mandates import Mandate, Mandates, decoded, encoded

_IDENTITY: Final = "SELECT identity FROM chain"
"""What stands for the state's name, which is another one on each host: made with its tables, and
nobody who acts can change it."""

_OTHERS_FIRST: Final = 60.0
"""Seconds in which another host that has the key would have seen what is due."""

_GIVE: Final = (
    "INSERT INTO mandates (operation, signed_by, record, signature, moved)"
    " VALUES (?, ?, ?, ?, nextval('opsconsole.lock_tokens')) ON CONFLICT (operation) DO NOTHING"
)
_WRITE: Final = (
    "UPDATE mandates SET record = ?, signature = ?, moved = nextval('opsconsole.lock_tokens')"
    " WHERE operation = ? AND signed_by = ?"
)
_ONE: Final = "SELECT operation, record, signature FROM mandates WHERE operation = ?"
_ALL: Final = "SELECT operation, record, signature FROM mandates WHERE signed_by = ?"
_END: Final = "DELETE FROM mandates WHERE operation = ? AND signed_by = ?"
_MOVED: Final = "SELECT COALESCE(SUM(moved), 0) FROM mandates WHERE signed_by = ?"


class HostMandates(Mandates):
    """Mandates in files of this host; who keeps their promises is known to the other hosts."""

    def __init__(self, folder: Path, locks: PostgresqlLocks) -> None:
        super().__init__(folder)
        self._locks = locks

    def take_promise(self, operation: str, kind: PromiseKind) -> Held | None:
        """The right to keep one promise, or None while another process keeps it."""
        return self._locks.take(_lock(operation, kind))

    def is_kept(self, operation: str, kind: PromiseKind) -> bool:
        """Whether a process of any host keeps that promise."""
        return self._locks.is_held(_lock(operation, kind))

    def is_nobodys(self, operation: str, overdue: float) -> bool:
        """Whether no process can carry out any more what is due and has no mandate here.

        Where it is signed, a host that has the key is given time to come first.
        """
        waits = _OTHERS_FIRST if self._locks.line.read(_ONE, (operation,)) else 0.0
        return overdue > waits

    def forget_promise(self, operation: str, kind: PromiseKind) -> None:
        """Nothing: the lock's row goes when it is let go of."""


class SignedMandates(HostMandates):
    """This user's mandates beside the ``locks``, by the key in the file ``key``."""

    def __init__(self, folder: Path, locks: PostgresqlLocks, key: Path) -> None:
        super().__init__(folder, locks)
        self._path = key
        self._state_name = ""

    def get(self, operation: str) -> Mandate | None:
        """The mandate of an operation; None where this user gave none, or it is over."""
        return super().get(operation) or self._shared(operation)

    def all(self) -> tuple[Mandate, ...]:
        """Every mandate of this user's, in the order of their ids."""
        key = self._key()
        rows = self._locks.line.read(_ALL, (key.name,))
        shared = [_checked(key, row, self._name()) for row in rows]
        found = [*super().all(), *(each for each in shared if each is not None)]
        return tuple(sorted(found, key=lambda each: each.intent.operation))

    def end(self, operation: str) -> None:
        """Let nothing more be carried out for an operation."""
        super().end(operation)
        self._locks.ask(_END, (operation, self._key().name))

    def moved_at(self) -> int:
        """A number that differs once a mandate was given, changed or ended."""
        ((moved,),) = self._locks.line.read(_MOVED, (self._key().name,))
        return super().moved_at() + int(moved)

    def _give(self, mandate: Mandate) -> None:
        if not _may_be_shared(mandate):
            super()._give(mandate)
            return
        key, record = self._key(), encoded(mandate, self._name())
        values = (mandate.intent.operation, key.name, record.decode(), key.signature(record))
        self._locks.ask(_GIVE, values)

    def _write(self, mandate: Mandate) -> None:
        operation = mandate.intent.operation
        if super().get(operation) is not None:
            super()._write(mandate)
            return
        key, record = self._key(), encoded(mandate, self._name())
        self._locks.ask(_WRITE, (record.decode(), key.signature(record), operation, key.name))

    def _shared(self, operation: str) -> Mandate | None:
        if not OPERATION_ID.fullmatch(operation):
            return None
        rows = self._locks.line.read(_ONE, (operation,))
        return _checked(self._key(), rows[0], self._name()) if rows else None

    def _key(self) -> MandateKey:
        return MandateKey(self._path)

    def _name(self) -> str:
        if not self._state_name:
            ((self._state_name,),) = self._locks.line.read(_IDENTITY)
        return self._state_name


def _checked(key: MandateKey, row: Row, state: str) -> Mandate | None:
    """The mandate that a row is; None where the key did not sign it for that operation there."""
    operation, record, signature = map(str, row)
    if not key.has_signed(record.encode(), signature):
        return None
    return decoded(record.encode(), operation, state)


def _may_be_shared(mandate: Mandate) -> bool:
    """Whether nothing in it is a secret, which the shared state holds of nobody."""
    plans = (mandate.intent.plan, *(each.plan for each in mandate.then))
    return all(plan_codec.published(plan) == plan for plan in plans)


def _lock(operation: str, kind: PromiseKind) -> LockName:
    if not OPERATION_ID.fullmatch(operation):
        raise StateError(f"{operation[:40]!r} is not the id of an operation")
    return LockName(LockKind.PROMISE, f"{operation}.{kind.value}")
