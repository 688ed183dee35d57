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
from dataclasses import asdict, dataclass
from typing import Final

from opsconsole.errors import StateError
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
    " VALUES (%s, %s, nextval('lock_tokens'), %s, %s,"
    " clock_timestamp() + make_interval(secs => %s))"
    " ON CONFLICT (kind, id) DO UPDATE SET token = excluded.token, key = excluded.key,"
    " holder = excluded.holder, ends_at = excluded.ends_at"
    " WHERE locks.ends_at <= clock_timestamp() OR locks.key = excluded.key RETURNING token"
)
_RENEW: Final = (
    "UPDATE locks SET ends_at = clock_timestamp() + make_interval(secs => %s)"
    " WHERE kind = %s AND id = %s AND token = %s AND key = %s RETURNING token"
)
_RELEASE: Final = (
    "DELETE FROM locks WHERE kind = %s AND id = %s AND token = %s AND key = %s RETURNING token"
)
_HOLDER: Final = (
    "SELECT holder FROM locks WHERE kind = %s AND id = %s AND ends_at > clock_timestamp()"
)
_FORGET: Final = (
    "DELETE FROM locks WHERE kind = %s AND id = %s AND ends_at <= clock_timestamp() RETURNING token"
)
STANDS: Final = (
    "SELECT 1 FROM locks WHERE kind = %s AND id = %s AND token = %s AND key = %s"
    " AND ends_at > clock_timestamp() FOR SHARE"
)
"""Whether a lock is its holder's, and stays so until the transaction that asks ends."""


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
        if line.ask(_RENEW, values) is None:
            self._is_lost = True
        else:
            self._lease = self._lease.renewed(asked)

    def release(self) -> None:
        """Let go. Where the server cannot be asked, it ends by itself."""
        if self._locks.let_go(self) and not self._is_handed_over and not self._is_lost:
            with suppress(StateError):
                self._locks.line.ask(_RELEASE, self.fence.values)
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
        return self.line.ask(_HOLDER, (name.kind.value, name.id)) is not None

    def holder(self, subject: str) -> Holder | None:
        """Who holds a service's lock, or a silence's."""
        name = LockName(LockKind.SERVICE, subject)
        row = self.line.ask(_HOLDER, (name.kind.value, name.id))
        return None if row is None else holder_said(row[0], subject)

    def forget(self, name: LockName) -> None:
        """Remove what is over."""
        self.line.ask(_FORGET, (name.kind.value, name.id))

    def fences(self, operation: str) -> tuple[Fence, ...]:
        """What this process holds for an operation. Raises LockLostError when that is nothing."""
        fences = tuple(
            each.fence for each in self._renewing.held() if each.fence.operation == operation
        )
        if not fences:
            raise LockLostError(f"this process holds no lock for operation {operation}")
        return fences

    def let_go(self, held: HeldLease) -> bool:
        """Renew it no longer; False where that was so."""
        return self._renewing.remove(held)

    def close(self) -> None:
        """Release the line; what is held is renewed on, by another."""
        self.line.close()

    def _take(self, name: LockName, said: str, operation: str, patience: float) -> HeldLease | None:
        key = secrets.token_hex(8)
        ends = time.monotonic() + patience
        while True:
            asked = boottime()
            values = (name.kind.value, name.id, key, said, self._terms.lasts)
            row = self.line.ask(_TAKE, values)
            if row is not None:
                fence = Fence(name.kind, name.id, row[0], key, operation)
                held = HeldLease(self, fence, Lease(row[0], asked, self._terms))
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
