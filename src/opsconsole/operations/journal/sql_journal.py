"""The journal of a state folder, in SQLite. Invariant: as ``Journal`` has it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState, Refusal
from opsconsole.operations.journal import entries, plan_codec, transitions
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import (
    Decide,
    Journal,
    LedgerExistsError,
    LedgerRecord,
    PlanUsedError,
)
from opsconsole.operations.journal.ledger_bounds import BOUNDS, checked_id, to_be_dropped
from opsconsole.operations.journal.records import (
    Intent,
    LedgerKind,
    Note,
    Promise,
    PromiseKind,
)
from opsconsole.operations.journal.sqlite_database import Database, read_only
from opsconsole.operations.journal.sqlite_reading import (
    AUDIT,
    LEDGER,
    SqliteReading,
    ledger_records,
    lines_of,
)
from opsconsole.text import sanitize


class SqliteJournal(SqliteReading):
    """Safe to use from several threads."""

    def __init__(self, folder: Path, *, sinks: AuditSinks | None = None) -> None:
        super().__init__(Database(folder))
        self._sinks = sinks or AuditSinks()

    def use_sinks(self, sinks: AuditSinks) -> None:
        """Write audit rows to ``sinks`` as well from here on."""
        self._sinks = sinks

    def close(self) -> None:
        """Release the database; idempotent."""
        self.database.close()

    def why_not_writable(self) -> str:
        """Why nothing can be recorded, or ''."""
        try:
            with self.database.transaction() as connection:
                connection.execute("UPDATE operations SET state = state WHERE id = ''")
        except StateError as error:
            return str(error)
        return self._sinks.why_not_writable()

    def submit(self, intent: Intent, now: float) -> None:
        """Record the intent, as others may read it."""
        intent = replace(intent, plan=plan_codec.published(intent.plan))
        plan = intent.plan
        values = (
            intent.operation, plan.id, plan.service, plan.kind.value, plan.name,
            OperationState.INTENT.value, plan_codec.encode(plan), intent.who.name,
            intent.who.host, json.dumps(intent.who.document()), intent.reason,
            intent.declaration, intent.config_path, intent.base, now, now, plan.ends_at,
        )  # fmt: skip
        with self.database.transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO operations (id, plan_id, service, kind, name, state, plan, who,"
                    " host, asked_by, reason, declaration, config_path, base, started_at,"
                    " updated_at, ends_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    values,
                )
            except sqlite3.IntegrityError as error:
                raise PlanUsedError(
                    "this plan was performed already", remedy="make a new plan"
                ) from error
            connection.executemany(
                "INSERT INTO steps (operation, ordinal, summary, state) VALUES (?,?,?,'waiting')",
                [(intent.operation, n, step.summary) for n, step in enumerate(plan.steps)],
            )
            record = entries.of_intent(intent)
            self._audit(connection, intent.operation, entries.INTENT, now, record)

    def advance(
        self,
        operation: str,
        state: OperationState,
        now: float,
        *,
        summary: str | None = None,
        evidence: tuple[str, ...] = (),
        next_steps: tuple[str, ...] = (),
        rollback_after: float = 0.0,
    ) -> None:
        """Move an operation to ``state``."""
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT state, summary, evidence, service FROM operations WHERE id = ?",
                (operation,),
            ).fetchone()
            if row is None:
                raise StateError(f"there is no operation {operation}")
            transitions.check(OperationState(row[0]), state)
            text = row[1] if summary is None else summary
            offered = [{entries.NEXT: line} for line in next_steps]
            lines = [*lines_of(row[2]), *evidence, *offered]
            connection.execute(
                "UPDATE operations SET state = ?, summary = ?, evidence = ?, updated_at = ?,"
                " ended_at = ? WHERE id = ?",
                (
                    state.value,
                    text,
                    json.dumps(lines),
                    now,
                    now if state.final else None,
                    operation,
                ),
            )
            record: dict[str, object] = {"summary": text}
            record["evidence"] = lines if state.final else [*evidence, *offered]
            if rollback_after > 0:
                due = now + rollback_after
                self._insert(connection, Promise(operation, PromiseKind.ROLLBACK, row[3], due))
                record["rollback_at"] = round(due, 3)
            self._audit(connection, operation, state.value, now, record)

    def step_begins(
        self, operation: str, ordinal: int, now: float, before: Mapping[str, str]
    ) -> None:
        """Record that a step's side effect is about to happen, and what was there before it."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE steps SET state = 'running', before = ?, started_at = ?"
                " WHERE operation = ? AND ordinal = ? AND state = 'waiting'",
                (json.dumps(dict(before)), now, operation, ordinal),
            )
            if not _changed(connection):
                raise StateError(f"step {ordinal + 1} of {operation} was begun before")
            _touch(connection, operation, now)
            record = {"step": ordinal + 1, "before": dict(before)}
            self._audit(connection, operation, entries.STEP_BEGINS, now, record)

    def step_ends(
        self, operation: str, ordinal: int, state: str, now: float, detail: str = ""
    ) -> None:
        """Record what became of a step."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE steps SET state = ?, detail = ?, ended_at = ?"
                " WHERE operation = ? AND ordinal = ?",
                (state, detail, None if state == "waiting" else now, operation, ordinal),
            )
            _touch(connection, operation, now)
            record = {"step": ordinal + 1, "state": state, "detail": detail}
            self._audit(connection, operation, f"step {state}", now, record)

    def give_up(self, operation: str, who: str, now: float) -> bool:
        """Ask that verifying an operation ends."""
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT state, evidence FROM operations WHERE id = ?", (operation,)
            ).fetchone()
            lines = lines_of(row[1]) if row is not None else []
            asked = any(isinstance(line, dict) and entries.GIVEN_UP in line for line in lines)
            if row is None or OperationState(row[0]).final or asked:
                return False
            connection.execute(
                "UPDATE operations SET evidence = ?, updated_at = ? WHERE id = ?",
                (json.dumps([*lines, {entries.GIVEN_UP: who}]), now, operation),
            )
            self._audit(connection, operation, entries.GIVEN_UP, now, {"who": who})
        return True

    def correct(self, operation: str, text: str, now: float) -> None:
        """Say what was seen after a verdict."""
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT evidence FROM operations WHERE id = ?", (operation,)
            ).fetchone()
            lines = json.loads(row[0]) if row is not None else []
            connection.execute(
                "UPDATE operations SET summary = ? || '; ' || summary, evidence = ?,"
                " updated_at = ? WHERE id = ?",
                (text, json.dumps([*lines, {entries.CORRECTED: text}]), now, operation),
            )
            self._audit(connection, operation, entries.CORRECTED, now, {"seen": text})

    def note(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        """Add an audit row that goes with no change of state."""
        with self.database.transaction() as connection:
            self._audit(connection, operation, event, now, record)

    def arm(self, promise: Promise, now: float) -> None:
        """Record a promise."""
        with self.database.transaction() as connection:
            if promise.kind is PromiseKind.END:
                self._replace_ends(connection, promise, now)
            self._insert(connection, promise)
            _touch(connection, promise.operation, now)
            event = entries.PROMISE_EVENTS[promise.kind]
            self._audit(connection, promise.operation, event, now, entries.of_promise(promise))

    def settle(
        self,
        operation: str,
        kind: PromiseKind,
        outcome: str,
        now: float,
        who: Mapping[str, object] | None = None,
    ) -> bool:
        """Settle a promise that waits, with its outcome."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ? AND outcome = ''",
                (outcome, operation, kind.value),
            )
            if not _changed(connection):
                return False
            _touch(connection, operation, now)
            record = {"outcome": outcome, "who": dict(who or {})}
            self._audit(connection, operation, entries.PROMISE_EVENTS[kind], now, record)
        return True

    def set_outcome(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Update the outcome of a promise that was settled when it was begun."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ?",
                (outcome, operation, kind.value),
            )
            _touch(connection, operation, now)
            record = {"outcome": outcome}
            self._audit(connection, operation, entries.PROMISE_EVENTS[kind], now, record)

    def tried(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Count a failed attempt of a promise that waits."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE promises SET attempts = attempts + 1"
                " WHERE operation = ? AND kind = ? AND outcome = ''",
                (operation, kind.value),
            )
            record = {"attempt": outcome}
            self._audit(connection, operation, entries.PROMISE_EVENTS[kind], now, record)

    def add_note(self, note: Note) -> None:
        """Keep a note whole."""
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO notes (at, who, text, service, host, scope) VALUES (?,?,?,?,?,?)",
                (note.at, note.who, note.text, note.service, note.host, self.scope_key),
            )

    def see(self, uid: int, until: float) -> None:
        """Record that a user has seen the verdicts up to ``until``."""
        with self.database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (uid, until))

    def begin_ledger(
        self, kind: LedgerKind, identity: str, first: LedgerRecord, now: float
    ) -> None:
        """Record the beginning of a ledger."""
        checked_id(kind, identity)
        with self.database.transaction() as connection:
            query = "INSERT INTO ledgers (kind, id, scope, moved_at) VALUES (?, ?, ?, ?)"
            try:
                connection.execute(query, (kind.value, identity, self.scope_key, now))
            except sqlite3.IntegrityError as error:
                raise LedgerExistsError(
                    f"there is {BOUNDS[kind].what} {identity} already", remedy="take another name"
                ) from error
            (number,) = connection.execute(LEDGER, self.one_ledger(kind, identity)).fetchone()
            _add_records(connection, number, [first], now)
            connection.execute(
                "DELETE FROM ledgers WHERE kind = ? AND ended = 1 AND number NOT IN (SELECT number"
                " FROM ledgers WHERE kind = ? ORDER BY moved_at DESC, number DESC LIMIT ?)",
                (kind.value, kind.value, BOUNDS[kind].kept),
            )

    def extend_ledger(
        self, kind: LedgerKind, identity: str, decide: Decide, now: float
    ) -> Sequence[LedgerRecord] | Refusal:
        """Add what ``decide`` makes of the ledger as it stands."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT record, ordinal, ledger FROM ledger_records"  # noqa: S608 - our own
                f" WHERE ledger = ({LEDGER}) ORDER BY ordinal",
                self.one_ledger(kind, identity),
            ).fetchall()
            if not rows:
                none = f"there is no {BOUNDS[kind].noun} {sanitize(identity, limit=80)}"
                raise StateError(none, remedy="begin it again")
            decided = decide(ledger_records((record,) for record, *_ in rows))
            if isinstance(decided, Refusal) or not decided:
                return decided
            sizes = [len(record) for record, *_ in rows]
            dropped = to_be_dropped(kind, sizes, [len(_line(each)) for each in decided])
            if isinstance(dropped, Refusal):
                return dropped
            connection.executemany(
                "DELETE FROM ledger_records WHERE ordinal = ? AND ledger = ?",
                [row[1:] for row in rows[:dropped]],
            )
            _add_records(connection, rows[0][2], decided, now)
        return decided

    def _replace_ends(self, connection: sqlite3.Connection, promise: Promise, now: float) -> None:
        """Settle the ends of earlier degradations of a service of the same configuration, each
        with its row."""
        earlier = connection.execute(
            "SELECT operation FROM promises JOIN operations ON operations.id = promises.operation"
            " WHERE promises.service = ? AND promises.kind = ? AND outcome = ''"
            " AND config_path = (SELECT config_path FROM operations WHERE id = ?)",
            (promise.service, promise.kind.value, promise.operation),
        ).fetchall()
        for (operation,) in earlier:
            connection.execute(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ?",
                (promise.operation, operation, promise.kind.value),
            )
            record = {"outcome": promise.operation, "who": {}}
            event = entries.PROMISE_EVENTS[promise.kind]
            self._audit(connection, operation, event, now, record)

    def _insert(self, connection: sqlite3.Connection, promise: Promise) -> None:
        connection.execute(
            "INSERT INTO promises (operation, kind, service, due, boot_id, due_boottime)"
            " VALUES (?,?,?,?,?,?)",
            (
                promise.operation,
                promise.kind.value,
                promise.service,
                promise.due,
                promise.boot_id,
                promise.due_boottime,
            ),
        )

    def _audit(
        self,
        connection: sqlite3.Connection,
        operation: str,
        event: str,
        now: float,
        record: Mapping[str, object],
    ) -> None:
        """Chain one row within the caller's transaction, which holds the write lock."""
        last = connection.execute(
            "SELECT seq, record, prev, hash FROM audit ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        before = Row(*last) if last else None
        row = entries.chained(before, self._sinks, operation, event, now, record)
        connection.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?)", (row.seq, row.record, row.prev, row.hash)
        )


def audit_of(folder: Path) -> tuple[Row, ...]:
    """The audit of a state folder, which is not changed. Raises StateError."""
    return tuple(Row(*row) for row in read_only(folder, AUDIT))


def _changed(connection: sqlite3.Connection) -> bool:
    """Whether the latest UPDATE found its one row."""
    return bool(connection.execute("SELECT changes()").fetchone()[0] == 1)


def _touch(connection: sqlite3.Connection, operation: str, now: float) -> None:
    connection.execute("UPDATE operations SET updated_at = ? WHERE id = ?", (now, operation))


def _line(record: LedgerRecord) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True)


def _add_records(
    connection: sqlite3.Connection, ledger: int, records: Sequence[LedgerRecord], now: float
) -> None:
    """Add to a ledger, whose ``records`` count all that it ever had."""
    query = "SELECT records FROM ledgers WHERE number = ?"
    (count,) = connection.execute(query, (ledger,)).fetchone()
    connection.executemany(
        "INSERT INTO ledger_records VALUES (?,?,?)",
        [(ledger, count + number, _line(record)) for number, record in enumerate(records)],
    )
    ended = any(record.get("do") == "end" for record in records)
    connection.execute(
        "UPDATE ledgers SET moved_at = ?, records = ?, ended = max(ended, ?) WHERE number = ?",
        (now, count + len(records), int(ended), ledger),
    )


def _conforms(journal: SqliteJournal) -> Journal:
    return journal
