"""Reading the journal: operations, steps and audit as the model has them.

Invariant: what is returned was committed. A reader never waits for a writer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.model.operation import ActionKind, Operation, OperationState, Plan, StepResult
from opsconsole.operations.journal import plan_codec
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.database import Database
from opsconsole.operations.planning.driver import Past
from opsconsole.operations.who import Who

OPERATION_LIMIT: Final = 1000

_OPEN: Final = tuple(state.value for state in OperationState if not state.final)


@dataclass(frozen=True, slots=True)
class Intent:
    """All that a runner needs to carry out an operation. ``declaration`` is a digest."""

    operation: str
    plan: Plan
    who: Who
    reason: str
    declaration: str
    config_path: str
    base: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as journalled; ``before`` is what was observed of its target before the call."""

    ordinal: int
    state: str
    detail: str
    started_at: float | None
    before: Mapping[str, str]


class JournalReader:
    """What the journal says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def data_version(self) -> int:
        """A number that differs once another connection has changed the database."""
        return int(self._database.read("PRAGMA data_version")[0][0])

    def intent(self, operation: str) -> Intent | None:
        """What was recorded at ``submit``."""
        rows = self._database.read(
            "SELECT plan, asked_by, reason, declaration, config_path, base FROM operations"
            " WHERE id = ?",
            (operation,),
        )
        if not rows:
            return None
        plan, asked_by, reason, declaration, config_path, base = rows[0]
        who = Who(**json.loads(asked_by))
        decoded = plan_codec.decode(plan)
        return Intent(operation, decoded, who, reason, declaration, config_path, base)

    def step_records(self, operation: str) -> tuple[StepRecord, ...]:
        """The steps of an operation, in order."""
        rows = self._database.read(
            "SELECT ordinal, state, detail, started_at, before FROM steps WHERE operation = ?"
            " ORDER BY ordinal",
            (operation,),
        )
        return tuple(StepRecord(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows)

    def operation(self, operation: str) -> Operation | None:
        """One operation with its steps."""
        return next(iter(self._operations("WHERE id = ?", (operation,))), None)

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        limit = max(0, min(limit, OPERATION_LIMIT))
        return self._operations("ORDER BY started_at DESC, rowid DESC LIMIT ?", (limit,))

    def open_operations(self) -> tuple[Operation, ...]:
        """Every operation without a verdict, oldest first."""
        marks = ",".join("?" * len(_OPEN))
        return self._operations(f"WHERE state IN ({marks}) ORDER BY started_at", _OPEN)

    def since(self, service: str, moment: float) -> tuple[Operation, ...]:
        """Operations of ``service`` open, or begun or ended after ``moment``; newest first."""
        return self._operations(
            "WHERE service = ? AND (ended_at IS NULL OR ended_at >= ? OR started_at >= ?)"
            " ORDER BY started_at DESC",
            (service, moment, moment),
        )

    def past(self, service: str, kind: ActionKind, name: str) -> tuple[Operation, ...]:
        """The last twenty ended runs of one action, newest first, refused ones left out."""
        return self._operations(
            "WHERE service = ? AND kind = ? AND name = ? AND ended_at IS NOT NULL"
            " AND state != 'refused' ORDER BY started_at DESC LIMIT 20",
            (service, kind.value, name),
        )

    def past_plans(self, service: str) -> tuple[Past, ...]:
        """The last plans that were performed for ``service``, newest first, refused ones left out.

        How far it looks back bounds what a rollback can know of earlier versions.
        """
        rows = self._database.read(
            "SELECT plan, state FROM operations WHERE service = ? AND state != 'refused'"
            " AND kind NOT IN ('test', 'call', 'backup') ORDER BY started_at DESC, rowid DESC"
            " LIMIT 100",
            (service,),
        )
        return tuple(Past(plan_codec.decode(row[0]), OperationState(row[1])) for row in rows)

    def armed_rollbacks(self) -> tuple[str, ...]:
        """The operations whose service is to be rolled back by itself, and has not been yet."""
        rows = self._database.read("SELECT operation FROM rollbacks WHERE outcome = ''")
        return tuple(row[0] for row in rows)

    def audit_rows(self) -> tuple[Row, ...]:
        """The whole audit, oldest first."""
        rows = self._database.read("SELECT seq, record, prev, hash FROM audit ORDER BY seq")
        return tuple(Row(*row) for row in rows)

    def _operations(self, where: str, values: tuple[object, ...]) -> tuple[Operation, ...]:
        rows = self._database.read(
            "SELECT id, plan_id, service, kind, name, state, who, host, started_at, updated_at,"  # noqa: S608
            " reason, summary, evidence, ended_at, ends_at, plan,"
            " (SELECT due FROM rollbacks WHERE operation = operations.id AND outcome = ''),"
            " (SELECT outcome FROM rollbacks WHERE operation = operations.id)"
            f" FROM operations {where}",
            values,
        )
        steps = self._steps([row[0] for row in rows])
        return tuple(_operation(row, steps.get(row[0], ())) for row in rows)

    def _steps(self, operations: list[str]) -> dict[str, tuple[StepResult, ...]]:
        found: dict[str, list[StepResult]] = {}
        for start in range(0, len(operations), 500):
            some = operations[start : start + 500]
            marks = ",".join("?" * len(some))
            for row in self._database.read(
                "SELECT operation, summary, state, detail, started_at, ended_at FROM steps"  # noqa: S608
                f" WHERE operation IN ({marks}) ORDER BY ordinal",
                tuple(some),
            ):
                found.setdefault(row[0], []).append(StepResult(*row[1:]))
        return {operation: tuple(results) for operation, results in found.items()}


def _operation(row: tuple[Any, ...], steps: tuple[StepResult, ...]) -> Operation:
    return Operation(
        id=row[0],
        plan_id=row[1],
        service=row[2],
        kind=ActionKind(row[3]),
        name=row[4],
        state=OperationState(row[5]),
        who=row[6],
        host=row[7],
        started_at=row[8],
        updated_at=row[9],
        reason=row[10],
        summary=row[11],
        steps=steps,
        evidence=tuple(json.loads(row[12])),
        ended_at=row[13],
        ends_at=row[14],
        usual_duration=plan_codec.usual_duration(row[15]),
        rollback_at=row[16],
        rollback=row[17] or "",
    )
