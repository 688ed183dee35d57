"""Ledgers in a database. Invariant: as ``Ledgers`` has it."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.operations.database import TakenError, Transaction
from opsconsole.operations.journal.journal import (
    Decide,
    LedgerExistsError,
    LedgerRecord,
    Ledgers,
)
from opsconsole.operations.journal.ledger_bounds import (
    BOUNDS,
    LEDGER_RECORDS,
    checked_id,
    to_be_dropped,
)
from opsconsole.operations.journal.records import LedgerKind, LedgerStamp
from opsconsole.operations.journal.sql_reading import SqlReading, json_of
from opsconsole.text import sanitize

LEDGER: Final = (
    "SELECT number FROM ledgers WHERE kind = ? AND id = ? AND (? = '' OR scope IN ('', ?))"
    " ORDER BY scope DESC LIMIT 1"
)
"""The number of a ledger of one's own scope, or of one that has none."""


class SqlLedgers(SqlReading):
    """Safe to use from several threads."""

    def ledgers(self, kind: LedgerKind) -> tuple[LedgerStamp, ...]:
        """Those of ``kind`` that go on, and those that ended last; what moved last is first."""
        rows = self.database.read(
            "SELECT id, kind, records FROM (SELECT * FROM ledgers"
            " WHERE kind = ? AND (? = '' OR scope IN ('', ?))"
            " ORDER BY ended, moved_at DESC, number DESC LIMIT ?) AS listed"
            " ORDER BY moved_at DESC, number DESC",
            (kind.value, self.scope_key, self.scope_key, BOUNDS[kind].listed),
        )
        return tuple(self.understandable(rows, _stamp))

    def ledger(self, kind: LedgerKind, identity: str) -> tuple[LedgerRecord, ...]:
        """The records of one ledger, in order."""
        rows = self.database.read(
            f"SELECT record FROM ledger_records WHERE ledger = ({LEDGER})"  # noqa: S608 - our own
            " ORDER BY ordinal LIMIT ?",
            (*self._one(kind, identity), LEDGER_RECORDS),
        )
        return _records(rows)

    def _one(self, kind: LedgerKind, identity: str) -> tuple[object, ...]:
        """The values of the statement ``LEDGER``."""
        return kind.value, identity, self.scope_key, self.scope_key

    def begin_ledger(
        self, kind: LedgerKind, identity: str, first: LedgerRecord, now: float
    ) -> None:
        """Record the beginning of a ledger."""
        checked_id(kind, identity)
        with self.database.transaction() as changes:
            query = "INSERT INTO ledgers (kind, id, scope, moved_at) VALUES (?, ?, ?, ?)"
            try:
                changes.change(query, (kind.value, identity, self.scope_key, now))
            except TakenError as error:
                raise LedgerExistsError(
                    f"there is {BOUNDS[kind].what} {identity} already", remedy="take another name"
                ) from error
            ((number,),) = changes.rows(LEDGER, self._one(kind, identity))
            _add_records(changes, number, [first], now)
            changes.change(
                "DELETE FROM ledgers WHERE kind = ? AND ended = 1 AND number NOT IN (SELECT number"
                " FROM ledgers WHERE kind = ? ORDER BY moved_at DESC, number DESC LIMIT ?)",
                (kind.value, kind.value, BOUNDS[kind].kept),
            )

    def extend_ledger(
        self, kind: LedgerKind, identity: str, decide: Decide, now: float
    ) -> Sequence[LedgerRecord] | Refusal:
        """Add what ``decide`` makes of the ledger as it stands."""
        with self.database.transaction() as changes:
            rows = changes.rows(
                "SELECT record, ordinal, ledger FROM ledger_records"  # noqa: S608 - our own
                f" WHERE ledger = ({LEDGER}) ORDER BY ordinal",
                self._one(kind, identity),
            )
            if not rows:
                none = f"there is no {BOUNDS[kind].noun} {sanitize(identity, limit=80)}"
                raise StateError(none, remedy="begin it again")
            decided = decide(_records((record,) for record, *_ in rows))
            if isinstance(decided, Refusal) or not decided:
                return decided
            sizes = [len(record) for record, *_ in rows]
            dropped = to_be_dropped(kind, sizes, [len(_line(each)) for each in decided])
            if isinstance(dropped, Refusal):
                return dropped
            changes.change_each(
                "DELETE FROM ledger_records WHERE ordinal = ? AND ledger = ?",
                [row[1:] for row in rows[:dropped]],
            )
            _add_records(changes, rows[0][2], decided, now)
        return decided


def _stamp(identity: str, kind: str, records: int) -> LedgerStamp:
    found = LedgerKind(kind)
    return LedgerStamp(found, checked_id(found, identity), records)


def _records(rows: Iterable[tuple[str]]) -> tuple[LedgerRecord, ...]:
    """The records of a ledger, without what is none."""
    return tuple(each for (text,) in rows if isinstance(each := json_of(text), dict))


def _line(record: LedgerRecord) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True)


def _add_records(
    changes: Transaction, ledger: int, records: Sequence[LedgerRecord], now: float
) -> None:
    """Add to a ledger, whose ``records`` count all that it ever had."""
    query = "SELECT coalesce(max(ordinal), -1) + 1 FROM ledger_records WHERE ledger = ?"
    ((count,),) = changes.rows(query, (ledger,))
    changes.change_each(
        "INSERT INTO ledger_records (ledger, ordinal, record) VALUES (?,?,?)",
        [(ledger, count + number, _line(record)) for number, record in enumerate(records)],
    )
    ended = any(record.get("do") == "end" for record in records)
    changes.change(
        "UPDATE ledgers SET moved_at = ?, records = ?,"
        " ended = CASE WHEN ? = 1 THEN 1 ELSE ended END WHERE number = ?",
        (now, count + len(records), int(ended), ledger),
    )


def _conforms(ledgers: SqlLedgers) -> Ledgers:
    return ledgers
