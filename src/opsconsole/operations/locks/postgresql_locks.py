"""The locks of a state in PostgreSQL: rows that end by the server's clock (``lease``).

Invariant: as ``Locks`` has it, between all hosts that share the state, within what ``lease`` says
that no lock can close. A row is changed only by who takes it when it is over, and by who names its
token and its key. The key is random: a server that lost its last changes may give a token twice.
"""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.errors import StateError
from opsconsole.operations.database import Row, Transaction, Values
from opsconsole.operations.locks.lease import TERMS, Lease, Terms
from opsconsole.operations.locks.locks import (
    PATIENCE,
    Holder,
    LockKind,
    LockLostError,
    LockName,
    Locks,
    holder_said,
)
from opsconsole.operations.locks.renewing import Line, Renewing

_BETWEEN: Final = 0.2
"""Seconds between two attempts at a lock that another has."""

_TAKE: Final = (
    "INSERT INTO locks (kind, id, token, key, holder, ends_at)"
    " VALUES (?, ?, nextval('opsconsole.lock_tokens'), ?, ?,"
    " clock_timestamp() + make_interval(secs => ?))"
    " ON CONFLICT (kind, id) DO UPDATE SET token = excluded.token, key = excluded.key,"
    " holder = excluded.holder, ends_at = excluded.ends_at"
    " WHERE locks.ends_at <= clock_timestamp() OR locks.key = excluded.key RETURNING token"
)
_RENEW: Final = (
    "UPDATE locks SET ends_at = clock_timestamp() + make_interval(secs => ?)"
    " WHERE kind = ? AND id = ? AND token = ? AND key = ? RETURNING token"
)
_RELEASE: Final = "DELETE FROM locks WHERE kind = ? AND id = ? AND token = ? AND key = ?"
_HOLDER: Final = (
    "SELECT holder FROM locks WHERE kind = ? AND id = ? AND ends_at > clock_timestamp()"
)
_FORGET: Final = "DELETE FROM locks WHERE kind = ? AND id = ? AND ends_at <= clock_timestamp()"
_STANDS: Final = (
    "SELECT token FROM locks WHERE kind = ? AND id = ? AND token = ? AND key = ?"
    " AND ends_at > clock_timestamp() FOR SHARE"
)


@dataclass(frozen=True, slots=True)
class Fence:
    """What a lock is held by. ``operation``: for whose sake, '' for none's."""

    kind: LockKind
    id: str
    token: int
    key: str
    operation: str

    @property
    def values(self) -> tuple[str, str, int, str]:
        """What names it in a statement."""
        return (self.kind.value, self.id, self.token, self.key)


class HeldLease:
    """A lock that this process holds, and renews until it lets go."""

    descriptors: tuple[int, ...] = ()

    def __init__(self, locks: "PostgresqlLocks", fence: Fence, lease: Lease) -> None:
        self._locks, self.fence, self._lease = locks, fence, lease
        self._is_lost = self._is_handed_over = False

    @property
    def grant(self) -> str:
        """The row, and what names its holder."""
        return json.dumps(asdict(self.fence))

    def handed_over(self) -> None:
        """Leave it to a child, which has the whole length of a lease to hold it."""
        self._is_handed_over = True
        with suppress(StateError):
            self.renew(self._locks.line)

    def may_begin(self) -> bool:
        """Whether it is certain still."""
        return not self._is_lost and self._lease.may_begin(boottime())

    def renew(self, line: Line) -> None:
        """Have it last on."""
        asked = boottime()
        values = (self._lease.terms.lasts, *self.fence.values)
        if not line.once(_RENEW, values):
            self._is_lost = True
        else:
            self._lease = self._lease.renewed(asked)

    def release(self) -> None:
        """Let go. Where the server cannot be asked, it ends by itself."""
        if self._locks.let_go(self) and not self._is_handed_over and not self._is_lost:
            with suppress(StateError):
                self._locks.line.once(_RELEASE, self.fence.values)
        self._is_lost = True


class PostgresqlLocks:
    """The locks of the state that ``make_line`` leads to, each time by a line of its own."""

    def __init__(self, make_line: Callable[[], Line], terms: Terms = TERMS) -> None:
        self.line, self._terms = make_line(), terms
        self._renewing = Renewing[HeldLease](make_line, terms)

    def take(self, name: LockName, *, patience: float = 0.0) -> HeldLease | None:
        """Take a lock."""
        operation = name.id if name.kind is LockKind.RUNNER else ""
        return self._take(name, "", operation, patience)

    def take_service(self, holder: Holder, *, patience: float = PATIENCE) -> HeldLease | None:
        """Take a service's lock and say who did."""
        name = LockName(LockKind.SERVICE, holder.lock)
        return self._take(name, json.dumps(asdict(holder)), holder.operation, patience)

    def inherit(self, grants: Sequence[str]) -> tuple[HeldLease, ...]:
        """Hold what was handed over to this process."""
        held: list[HeldLease] = []
        for each in grants:
            document = json.loads(each)
            fence = Fence(**{**document, "kind": LockKind(document["kind"])})
            # It counts from the first renewal here on.
            lease = Lease(fence.token, -self._terms.lasts, self._terms)
            mine = HeldLease(self, fence, lease)
            mine.renew(self.line)
            if not mine.may_begin():
                for other in held:
                    other.release()
                raise lost(fence)
            self._renewing.add(mine)
            held.append(mine)
        return tuple(held)

    def is_held(self, name: LockName) -> bool:
        """Whether some process holds a lock."""
        return bool(self.line.read(_HOLDER, (name.kind.value, name.id)))

    def holder(self, subject: str) -> Holder | None:
        """Who holds a service's lock, or a silence's."""
        name = LockName(LockKind.SERVICE, subject)
        rows = self.line.read(_HOLDER, (name.kind.value, name.id))
        return holder_said(rows[0][0], subject) if rows else None

    def forget(self, name: LockName) -> None:
        """Remove what is over."""
        self.ask(_FORGET, (name.kind.value, name.id))

    def check(self, operation: str, transaction: Transaction) -> None:
        """Keep what this process holds for an operation its own until the transaction ends.

        Raises LockLostError where it holds nothing for it, or no longer.
        """
        mine = [each.fence for each in self._renewing.held() if each.fence.operation == operation]
        if not mine:
            raise LockLostError(
                f"this process holds no lock for operation {operation}", remedy="nothing is begun"
            )
        for fence in mine:
            if not transaction.rows(_STANDS, fence.values):
                raise lost(fence)

    def ask(self, statement: str, values: Values) -> list[Row]:
        """What may be asked twice: the connection may have been lost since the last question."""
        try:
            return self.line.once(statement, values)
        except StateError:
            return self.line.once(statement, values)

    def let_go(self, held: HeldLease) -> bool:
        """Renew it no longer; False where that was so."""
        return self._renewing.remove(held)

    def close(self) -> None:
        """Release the line; what is held is renewed on, by another."""
        self.line.close()

    def __del__(self) -> None:
        self.close()

    def _take(self, name: LockName, said: str, operation: str, patience: float) -> HeldLease | None:
        key = secrets.token_hex(8)
        ends = time.monotonic() + patience
        while True:
            asked = boottime()
            values = (name.kind.value, name.id, key, said, self._terms.lasts)
            rows = self.ask(_TAKE, values)
            if rows:
                fence = Fence(name.kind, name.id, rows[0][0], key, operation)
                held = HeldLease(self, fence, Lease(fence.token, asked, self._terms))
                self._renewing.add(held)
                return held
            if time.monotonic() >= ends:
                return None
            time.sleep(min(_BETWEEN, max(0.0, ends - time.monotonic())))


def lost(fence: Fence) -> LockLostError:
    """That a lock lapsed."""
    return LockLostError(
        f"the {fence.kind} lock of {fence.id} has lapsed",
        remedy="nothing more is begun; look at what was done",
    )


def boottime() -> float:
    """Seconds of a clock that a suspended machine does not stop."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _conforms(locks: PostgresqlLocks) -> Locks:
    return locks
