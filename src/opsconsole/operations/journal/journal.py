"""What was meant, what was done and what came of it: durable, and shared by every console.

Invariant: each change of state is one transaction together with its audit row, on the disk when
the method returns. A side effect happens only after ``step_begins`` returned, and a plan is
performed at most once. Reading never waits for a writer.
"""

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.journal import audit, plan_codec, transitions
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.database import Database
from opsconsole.operations.journal.reader import Intent, JournalReader

_FAIL_CLOSED = frozenset({"intent", "step begins"})


class PlanUsedError(StateError):
    """The plan was performed before."""


class Journal(JournalReader):
    """The journal of one state folder. Safe to use from several threads."""

    def __init__(self, folder: Path, *, sinks: AuditSinks | None = None) -> None:
        self.folder = folder
        self.database = Database(folder)
        self._sinks = sinks or AuditSinks()
        super().__init__(self.database)

    def use_sinks(self, sinks: AuditSinks) -> None:
        """Write audit rows to ``sinks`` as well from here on."""
        self._sinks = sinks

    def close(self) -> None:
        """Give back the database; idempotent."""
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
        """Record the intent. Raises PlanUsedError, or StateError when it cannot be recorded."""
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
            self._audit(connection, intent.operation, "intent", now, _intent_record(intent))

    def advance(
        self,
        operation: str,
        state: OperationState,
        now: float,
        *,
        summary: str | None = None,
        evidence: tuple[str, ...] = (),
        rollback_after: float = 0.0,
    ) -> None:
        """Move an operation to ``state``. Raises TransitionError when that cannot follow.

        ``rollback_after`` seconds later the service is to be rolled back by itself; 0 for not.
        """
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT state, summary, evidence FROM operations WHERE id = ?", (operation,)
            ).fetchone()
            if row is None:
                raise StateError(f"there is no operation {operation}")
            transitions.check(OperationState(row[0]), state)
            text = row[1] if summary is None else summary
            lines = [*json.loads(row[2]), *evidence]
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
            record["evidence"] = lines if state.final else list(evidence)
            if rollback_after > 0:
                due = now + rollback_after
                connection.execute(
                    "INSERT INTO rollbacks (operation, due) VALUES (?, ?)", (operation, due)
                )
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
            if connection.execute("SELECT changes()").fetchone()[0] != 1:
                raise StateError(f"step {ordinal + 1} of {operation} was begun before")
            _touch(connection, operation, now)
            record = {"step": ordinal + 1, "before": dict(before)}
            self._audit(connection, operation, "step begins", now, record)

    def step_ends(
        self, operation: str, ordinal: int, state: str, now: float, detail: str = ""
    ) -> None:
        """Record what became of a step: done, failed, unknown; or waiting, with why."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE steps SET state = ?, detail = ?, ended_at = ?"
                " WHERE operation = ? AND ordinal = ?",
                (state, detail, None if state == "waiting" else now, operation, ordinal),
            )
            _touch(connection, operation, now)
            record = {"step": ordinal + 1, "state": state, "detail": detail}
            self._audit(connection, operation, f"step {state}", now, record)

    def note_step(self, operation: str, ordinal: int, detail: str, now: float) -> None:
        """Say how far a running step is; shown, not audited."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE steps SET detail = ? WHERE operation = ? AND ordinal = ?",
                (detail, operation, ordinal),
            )
            _touch(connection, operation, now)

    def settle_rollback(
        self, operation: str, outcome: str, now: float, who: Mapping[str, object] | None = None
    ) -> bool:
        """Say of an armed rollback what becomes of it; False when that was settled before."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE rollbacks SET outcome = ? WHERE operation = ? AND outcome = ''",
                (outcome, operation),
            )
            if connection.execute("SELECT changes()").fetchone()[0] != 1:
                return False
            _touch(connection, operation, now)
            record = {"outcome": outcome, "who": dict(who or {})}
            self._audit(connection, operation, "automatic rollback", now, record)
        return True

    def tell_rollback(self, operation: str, outcome: str, now: float) -> None:
        """Say how far a rollback that was begun is."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE rollbacks SET outcome = ? WHERE operation = ?", (outcome, operation)
            )
            _touch(connection, operation, now)
            self._audit(connection, operation, "automatic rollback", now, {"outcome": outcome})

    def note(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        """Add an audit row that goes with no change of state."""
        with self.database.transaction() as connection:
            self._audit(connection, operation, event, now, record)

    def _audit(
        self,
        connection: sqlite3.Connection,
        operation: str,
        event: str,
        now: float,
        record: Mapping[str, object],
    ) -> None:
        """Chain one row. What comes before a side effect must reach the second sink as well;
        an outcome is kept although the sink fails, and the sink then shows a gap.
        """
        head = {"operation": operation, "event": event, "at": round(now, 3)}
        row = audit.append(connection, {**head, **record})
        if event in _FAIL_CLOSED:
            self._sinks.write(row)
        else:
            with contextlib.suppress(StateError):
                self._sinks.write(row)


def _touch(connection: sqlite3.Connection, operation: str, now: float) -> None:
    connection.execute("UPDATE operations SET updated_at = ? WHERE id = ?", (now, operation))


def _intent_record(intent: Intent) -> dict[str, object]:
    plan = intent.plan
    return {
        "service": plan.service,
        "kind": plan.kind.value,
        "name": plan.name,
        "environment": plan.environment,
        "plan": plan.id,
        "observed": dict(plan.fingerprint),
        "steps": [step.summary for step in plan.steps],
        "parameters": dict(plan.parameters),
        "reason": intent.reason,
        "who": intent.who.document(),
        "declaration": intent.declaration,
    }
