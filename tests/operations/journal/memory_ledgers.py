"""Ledgers that are kept in memory. Invariant: as ``Ledgers`` has it."""

import itertools
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.journal import (
    Decide,
    LedgerExistsError,
    LedgerRecord,
    Ledgers,
)
from opsconsole.operations.journal.ledger_bounds import (
    BOUNDS,
    checked_id,
    to_be_dropped,
)
from opsconsole.operations.journal.records import LedgerKind, LedgerStamp


@dataclass(slots=True)
class _Ledger:
    moved: int
    records: list[LedgerRecord]
    count: int = 1
    ended: bool = False


Name = tuple[LedgerKind, str, str]
"""Kind, id and scope of a ledger."""


@dataclass(slots=True)
class LedgerStore:
    """What every journal on it shares."""

    all: dict[Name, _Ledger] = field(default_factory=dict)
    ticks: Iterator[int] = field(default_factory=itertools.count)


class MemoryLedgers:
    """One console's view of a store of ledgers."""

    def __init__(self, store: LedgerStore, lock: threading.RLock) -> None:
        self._kept_ledgers, self._lock = store, lock
        self._key = ""
        """The key of the scope; '' for all."""

    def _ledgers(self, kind: LedgerKind) -> list[tuple[Name, _Ledger]]:
        """Those of ``kind`` of this scope, newest first."""
        mine = (
            (name, ledger)
            for name, ledger in self._kept_ledgers.all.items()
            if name[0] is kind and (not self._key or name[2] in {"", self._key})
        )
        return sorted(mine, key=lambda item: -item[1].moved)

    def _ledger(self, kind: LedgerKind, identity: str) -> _Ledger | None:
        named = [(name[2], found) for name, found in self._ledgers(kind) if name[1] == identity]
        return max(named, key=lambda item: item[0])[1] if named else None

    def ledgers(self, kind: LedgerKind) -> tuple[LedgerStamp, ...]:
        """Those of ``kind`` that go on, and those that ended last; what moved last is first."""
        listed = sorted(self._ledgers(kind), key=lambda item: item[1].ended)[: BOUNDS[kind].listed]
        newest = sorted(listed, key=lambda item: -item[1].moved)
        return tuple(LedgerStamp(kind, name[1], ledger.count) for name, ledger in newest)

    def ledger(self, kind: LedgerKind, identity: str) -> tuple[LedgerRecord, ...]:
        """The records of one ledger, in order."""
        found = self._ledger(kind, identity)
        return tuple(found.records) if found else ()

    def begin_ledger(
        self, kind: LedgerKind, identity: str, first: LedgerRecord, now: float
    ) -> None:
        """Record the beginning of a ledger."""
        del now
        name = (kind, checked_id(kind, identity), self._key)
        ledgers = self._kept_ledgers.all
        with self._lock:
            if name in ledgers:
                raise LedgerExistsError(f"there is {identity} already", remedy="try again")
            ledgers[name] = _Ledger(next(self._kept_ledgers.ticks), [_copied(first)])
            of_kind = [each for each in ledgers if each[0] is kind]
            newest = sorted(of_kind, key=lambda each: -ledgers[each].moved)
            for each in newest[BOUNDS[kind].kept :]:
                if ledgers[each].ended:
                    del ledgers[each]

    def extend_ledger(
        self, kind: LedgerKind, identity: str, decide: Decide, now: float
    ) -> Sequence[LedgerRecord] | Refusal:
        """Add what ``decide`` makes of the ledger as it stands."""
        del now
        with self._lock:
            found = self._ledger(kind, identity)
            if found is None:
                none = f"there is no {BOUNDS[kind].noun} {identity}"
                raise StateError(none, remedy="begin it again")
            decided = decide(tuple(found.records))
            if isinstance(decided, Refusal) or not decided:
                return decided
            dropped = to_be_dropped(kind, _sizes(found.records), _sizes(decided))
            if isinstance(dropped, Refusal):
                return dropped
            found.records[:] = [*found.records[dropped:], *map(_copied, decided)]
            found.moved = next(self._kept_ledgers.ticks)
            found.count += len(decided)
            found.ended |= any(record.get("do") == "end" for record in decided)
        return decided


def _sizes(records: Iterable[LedgerRecord]) -> list[int]:
    return [len(json.dumps(record, separators=(",", ":"))) for record in records]


def _copied(record: LedgerRecord) -> LedgerRecord:
    """As it would be read back."""
    copied: LedgerRecord = json.loads(json.dumps(record))
    return copied


def _conforms(ledgers: MemoryLedgers) -> Ledgers:
    return ledgers
