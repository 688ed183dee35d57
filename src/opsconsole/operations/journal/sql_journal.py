"""The journal in a database; its statements stand once. Invariant: as ``Journal`` has it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.database import Database, TakenError, Transaction
from opsconsole.operations.journal import entries, plan_codec, transitions
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.records import Intent, Note, Promise, PromiseKind
from opsconsole.operations.journal.sql_ledgers import SqlLedgers
from opsconsole.operations.journal.sql_reading import lines_of


class Fence(Protocol):
    """Locks that may have lapsed by the time that a step is to begin."""

    def check(self, operation: str, transaction: Transaction) -> None:
        """Keep what this process holds for an operation its own until the transaction ends.

        Raises StateError where it holds nothing for it, or no longer.
        """
        ...


class SqlJournal(SqlLedgers):
    """Safe to use from several threads. ``fence``: without it nothing is known to be held."""

    def __init__(
        self, database: Database, *, sinks: AuditSinks | None = None, fence: Fence | None = None
    ) -> None:
        super().__init__(database)
        self._fence = fence
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
            self.database.try_writing()
        except StateError as error:
            return str(error)
        return self._sinks.why_not_writable()

    def submit(self, intent: Intent, now: float) -> None:
        """Record the intent, as others may read it."""
        intent = replace(intent, plan=plan_codec.published(intent.plan))
        plan = intent.plan
        values = (
            intent.operation, plan.id, plan.service, plan.kind.value, plan.name, plan.environment,
            OperationState.INTENT.value, plan_codec.encode(plan), intent.who.name,
            intent.who.host, json.dumps(intent.who.document()), intent.reason,
            intent.declaration, intent.config_path, intent.base, now, now, plan.ends_at,
        )  # fmt: skip
        with self.database.transaction() as changes:
            try:
                changes.change(
                    "INSERT INTO operations (id, plan_id, service, kind, name, environment, state,"
                    " plan, who, host, asked_by, reason, declaration, config_path, base,"
                    " started_at, updated_at, ends_at)"
                    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    values,
                )
            except TakenError as error:
                raise PlanUsedError(
                    "this plan was performed already", remedy="make a new plan"
                ) from error
            for number, step in enumerate(plan.steps):
                changes.write(
                    "INSERT INTO steps (operation, ordinal, summary, state)"
                    " VALUES (?, ?, ?, 'waiting')",
                    (intent.operation, number, step.summary),
                )
            record = entries.of_intent(intent)
            self._audit(changes, intent.operation, entries.INTENT, now, record)

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
        with self.database.transaction() as changes:
            rows = changes.rows(
                "SELECT state, summary, evidence, service FROM operations WHERE id = ?",
                (operation,),
            )
            if not rows:
                raise StateError(f"there is no operation {operation}")
            (row,) = rows
            transitions.check(OperationState(row[0]), state)
            text = row[1] if summary is None else summary
            offered = [{entries.NEXT: line} for line in next_steps]
            lines = [*lines_of(row[2]), *evidence, *offered]
            changes.write(
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
                self._insert(changes, Promise(operation, PromiseKind.ROLLBACK, row[3], due))
                record["rollback_at"] = round(due, 3)
            self._audit(changes, operation, state.value, now, record)

    def step_begins(
        self, operation: str, ordinal: int, now: float, before: Mapping[str, str]
    ) -> None:
        """Record that a step's side effect is about to happen, and what was there before it."""
        with self.database.transaction() as changes:
            if self._fence is not None:
                self._fence.check(operation, changes)
            begun = changes.change(
                "UPDATE steps SET state = 'running', before = ?, started_at = ?"
                " WHERE operation = ? AND ordinal = ? AND state = 'waiting'",
                (json.dumps(dict(before)), now, operation, ordinal),
            )
            if not begun:
                raise StateError(f"step {ordinal + 1} of {operation} was begun before")
            _touch(changes, operation, now)
            record = {"step": ordinal + 1, "before": dict(before)}
            self._audit(changes, operation, entries.STEP_BEGINS, now, record)

    def step_ends(
        self, operation: str, ordinal: int, state: str, now: float, detail: str = ""
    ) -> None:
        """Record what became of a step."""
        with self.database.transaction() as changes:
            changes.write(
                "UPDATE steps SET state = ?, detail = ?, ended_at = ?"
                " WHERE operation = ? AND ordinal = ?",
                (state, detail, None if state == "waiting" else now, operation, ordinal),
            )
            _touch(changes, operation, now)
            record = {"step": ordinal + 1, "state": state, "detail": detail}
            self._audit(changes, operation, f"step {state}", now, record)

    def give_up(self, operation: str, who: str, now: float) -> bool:
        """Ask that verifying an operation ends."""
        with self.database.transaction() as changes:
            rows = changes.rows("SELECT state, evidence FROM operations WHERE id = ?", (operation,))
            lines = lines_of(rows[0][1]) if rows else []
            asked = any(isinstance(line, dict) and entries.GIVEN_UP in line for line in lines)
            if not rows or OperationState(rows[0][0]).final or asked:
                return False
            changes.write(
                "UPDATE operations SET evidence = ?, updated_at = ? WHERE id = ?",
                (json.dumps([*lines, {entries.GIVEN_UP: who}]), now, operation),
            )
            self._audit(changes, operation, entries.GIVEN_UP, now, {"who": who})
        return True

    def correct(self, operation: str, text: str, now: float) -> None:
        """Say what was seen after a verdict."""
        with self.database.transaction() as changes:
            for summary, evidence in changes.rows(
                "SELECT summary, evidence FROM operations WHERE id = ?", (operation,)
            ):
                lines = [*lines_of(evidence), {entries.CORRECTED: text}]
                changes.write(
                    "UPDATE operations SET summary = ?, evidence = ?, updated_at = ? WHERE id = ?",
                    (f"{text}; {summary}", json.dumps(lines), now, operation),
                )
            self._audit(changes, operation, entries.CORRECTED, now, {"seen": text})

    def note(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        """Add an audit row that goes with no change of state."""
        with self.database.transaction() as changes:
            self._audit(changes, operation, event, now, record)

    def arm(self, promise: Promise, now: float) -> None:
        """Record a promise."""
        with self.database.transaction() as changes:
            if promise.kind is PromiseKind.END:
                self._replace_ends(changes, promise, now)
            self._insert(changes, promise)
            _touch(changes, promise.operation, now)
            event = entries.PROMISE_EVENTS[promise.kind]
            self._audit(changes, promise.operation, event, now, entries.of_promise(promise))

    def settle(
        self,
        operation: str,
        kind: PromiseKind,
        outcome: str,
        now: float,
        who: Mapping[str, object] | None = None,
    ) -> bool:
        """Settle a promise that waits, with its outcome."""
        with self.database.transaction() as changes:
            settled = changes.change(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ? AND outcome = ''",
                (outcome, operation, kind.value),
            )
            if not settled:
                return False
            _touch(changes, operation, now)
            record = {"outcome": outcome, "who": dict(who or {})}
            self._audit(changes, operation, entries.PROMISE_EVENTS[kind], now, record)
        return True

    def set_outcome(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Update the outcome of a promise that was settled when it was begun."""
        with self.database.transaction() as changes:
            changes.write(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ?",
                (outcome, operation, kind.value),
            )
            _touch(changes, operation, now)
            record = {"outcome": outcome}
            self._audit(changes, operation, entries.PROMISE_EVENTS[kind], now, record)

    def tried(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Count a failed attempt of a promise that waits."""
        with self.database.transaction() as changes:
            changes.write(
                "UPDATE promises SET attempts = attempts + 1"
                " WHERE operation = ? AND kind = ? AND outcome = ''",
                (operation, kind.value),
            )
            record = {"attempt": outcome}
            self._audit(changes, operation, entries.PROMISE_EVENTS[kind], now, record)

    def add_note(self, note: Note) -> None:
        """Keep a note whole."""
        with self.database.transaction() as changes:
            changes.write(
                "INSERT INTO notes (at, who, text, service, host, scope) VALUES (?,?,?,?,?,?)",
                (note.at, note.who, note.text, note.service, note.host, self.scope_key),
            )

    def see(self, user: str, until: float) -> None:
        """Record that a user has seen the verdicts up to ``until``."""
        with self.database.transaction() as changes:
            changes.write(
                "INSERT INTO seen (uid, until) VALUES (?, ?)"
                " ON CONFLICT (uid) DO UPDATE SET until = excluded.until",
                (user, until),
            )

    def _replace_ends(self, changes: Transaction, promise: Promise, now: float) -> None:
        """Settle the ends of earlier degradations of the same service, each with its row."""
        apart = self._apart()
        earlier = changes.rows(
            "SELECT operation FROM promises JOIN operations ON operations.id = promises.operation"  # noqa: S608
            " WHERE promises.service = ? AND promises.kind = ? AND outcome = ''"
            f" AND {apart} = (SELECT {apart} FROM operations WHERE id = ?)",
            (promise.service, promise.kind.value, promise.operation),
        )
        for (operation,) in earlier:
            changes.write(
                "UPDATE promises SET outcome = ? WHERE operation = ? AND kind = ?",
                (promise.operation, operation, promise.kind.value),
            )
            record = {"outcome": promise.operation, "who": {}}
            event = entries.PROMISE_EVENTS[promise.kind]
            self._audit(changes, operation, event, now, record)

    def _insert(self, changes: Transaction, promise: Promise) -> None:
        changes.write(
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
        changes: Transaction,
        operation: str,
        event: str,
        now: float,
        record: Mapping[str, object],
    ) -> None:
        """Chain one row within the caller's transaction, which holds the write lock."""
        last = changes.rows("SELECT seq, record, prev, hash FROM audit ORDER BY seq DESC LIMIT 1")
        before = Row(*last[0]) if last else None
        row = entries.chained(before, self._sinks, operation, event, now, record)
        changes.write(
            "INSERT INTO audit (seq, record, prev, hash) VALUES (?, ?, ?, ?)",
            (row.seq, row.record, row.prev, row.hash),
        )


def _touch(changes: Transaction, operation: str, now: float) -> None:
    changes.write("UPDATE operations SET updated_at = ? WHERE id = ?", (now, operation))


def _conforms(journal: SqlJournal) -> Journal:
    return journal
