"""Reading the journal from a database: rows as the model has them.

Invariant: a row is checked and its texts are made safe where it is read. One that cannot be
understood is a StateError where it was asked for, and is left out of a list, which says so.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, TypeVar

from opsconsole.errors import StateError
from opsconsole.model.operation import (
    ActionKind,
    Operation,
    OperationState,
    StepResult,
)
from opsconsole.operations.database import Database
from opsconsole.operations.journal import plan_codec
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.entries import CORRECTED, GIVEN_UP, NEXT
from opsconsole.operations.journal.records import (
    NOTES_READ,
    OPERATION_ID,
    OPERATION_LIMIT,
    STEPS_READ,
    Intent,
    Note,
    Past,
    Promise,
    PromiseKind,
    Scope,
    StepRecord,
    checked,
)
from opsconsole.operations.who import Who
from opsconsole.text import sanitize

_OPEN: Final = tuple(state.value for state in OperationState if not state.final)
_SHOWN: Final = 40
_ABOUT: Final = 120
_LINES: Final = 1000
_LAST_MOMENT: Final = 253_370_764_800.0
"""9999-01-01T00:00:00Z."""

_PROMISES: Final = (
    "SELECT operation, kind, service, due, boot_id, due_boottime, attempts, outcome FROM promises"
)

_Steps: TypeAlias = dict[str, list[tuple[Any, ...]]]

T = TypeVar("T")


class SqlReading:
    """What the journal says."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._unread = ""
        self._scope: Scope | None = None

    def use_scope(self, scope: Scope) -> None:
        """Read and keep only what is of ``scope`` from here on."""
        self._scope = scope

    @property
    def scope_key(self) -> str:
        """What notes and ledgers are marked with."""
        return self._scope.key if self._scope is not None else ""

    def _mine(self) -> tuple[str, tuple[object, ...]]:
        """The condition on rows of operations, with its values."""
        scope = self._scope
        if scope is None:
            return "TRUE", ()
        marks = ",".join("?" * len(scope.environments))
        if scope.config_path is None:
            return f"environment IN ({marks})", scope.environments
        condition = f"(config_path = ? AND environment IN ({marks}))"
        return condition, (scope.config_path, *scope.environments)

    def _apart(self) -> str:
        """The column by which the operations of different fleets differ."""
        return "environment" if self._scope and self._scope.config_path is None else "config_path"

    def version(self) -> int:
        """A number that differs once another console has changed the journal."""
        return self.database.version()

    @property
    def unread(self) -> str:
        """Which rows of the latest list could not be understood, or ''."""
        return self._unread

    def intent(self, operation: str) -> Intent | None:
        """What was recorded at ``submit``."""
        rows = self.database.read(
            "SELECT plan, asked_by, reason, declaration, config_path, base FROM operations"
            " WHERE id = ?",
            (operation,),
        )
        return _understood(operation, _intent, (operation, *rows[0])) if rows else None

    def step_records(self, operation: str) -> tuple[StepRecord, ...]:
        """The steps of an operation, in order."""
        rows = self.database.read(
            "SELECT ordinal, state, detail, started_at, before FROM steps WHERE operation = ?"
            " ORDER BY ordinal",
            (operation,),
        )
        return tuple(_understood(operation, _step_record, row) for row in rows)

    def operation(self, operation: str) -> Operation | None:
        """One operation with its steps."""
        rows = self._rows("WHERE id = ?", (operation,))
        steps = self._steps([operation])
        made = (_understood(operation, _operation, (row, steps)) for row in rows)
        return next(made, None)

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        limit = max(0, min(limit, OPERATION_LIMIT))
        mine, values = self._mine()
        order = "ORDER BY started_at DESC, rowid DESC LIMIT ?"
        return self._list(f"WHERE {mine} {order}", (*values, limit))

    def open_operations(self) -> tuple[Operation, ...]:
        """Every operation without a verdict, oldest first."""
        marks = ",".join("?" * len(_OPEN))
        order = "ORDER BY started_at LIMIT ?"
        return self._list(f"WHERE state IN ({marks}) {order}", (*_OPEN, OPERATION_LIMIT))

    def since(self, service: str, moment: float) -> tuple[Operation, ...]:
        """Operations of ``service`` open, or begun or ended after ``moment``; newest first."""
        mine, values = self._mine()
        return self._list(
            "WHERE service = ? AND (ended_at IS NULL OR ended_at >= ? OR started_at >= ?)"
            f" AND {mine} ORDER BY started_at DESC LIMIT ?",
            (service, moment, moment, *values, OPERATION_LIMIT),
        )

    def later(self, operation: str) -> tuple[Operation, ...]:
        """Operations of the same service that were recorded after this one, of any scope: the
        locks of services are shared too."""
        return self._list(
            "WHERE rowid > (SELECT rowid FROM operations WHERE id = ?)"
            " AND service = (SELECT service FROM operations WHERE id = ?) ORDER BY rowid LIMIT ?",
            (operation, operation, OPERATION_LIMIT),
        )

    def past(self, service: str, kind: ActionKind, name: str) -> tuple[Operation, ...]:
        """The last twenty ended runs of one action, newest first, refused ones left out."""
        mine, values = self._mine()
        return self._list(
            "WHERE service = ? AND kind = ? AND name = ? AND ended_at IS NOT NULL"
            f" AND state != 'refused' AND {mine} ORDER BY started_at DESC LIMIT 20",
            (service, kind.value, name, *values),
        )

    def past_plans(self, service: str) -> tuple[Past, ...]:
        """The last plans that were performed for ``service``, newest first."""
        mine, values = self._mine()
        rows = self.database.read(
            "SELECT id, plan, state, who FROM operations WHERE service = ? AND state != 'refused'"  # noqa: S608 - our own
            f" AND kind NOT IN ('test', 'call', 'backup') AND {mine}"
            " ORDER BY started_at DESC, rowid DESC LIMIT 100",
            (service, *values),
        )
        return tuple(self.understandable(rows, _past))

    def promise(self, operation: str, kind: PromiseKind) -> Promise | None:
        """One promise, settled or not."""
        rows = self.database.read(
            f"{_PROMISES} WHERE operation = ? AND kind = ?", (operation, kind.value)
        )
        return _understood(operation, _promise, rows[0]) if rows else None

    def promises(self) -> tuple[Promise, ...]:
        """The promises that wait, by when they are due."""
        mine, values = self._mine()
        others = f"SELECT id FROM operations WHERE NOT {mine}"  # noqa: S608 - our own
        query = (
            f"{_PROMISES} WHERE outcome = '' AND operation NOT IN ({others}) ORDER BY due LIMIT ?"
        )
        rows = self.database.read(query, (*values, OPERATION_LIMIT))
        return tuple(self.understandable(rows, _promise))

    def notes(self, after: int = 0) -> tuple[tuple[int, Note], ...]:
        """The newest notes, oldest first, each with a number that grows."""
        rows = self.database.read(
            "SELECT * FROM (SELECT number, at, who, text, service, host FROM notes"
            " WHERE number > ? AND (? = '' OR scope IN ('', ?))"
            " ORDER BY number DESC LIMIT ?) AS newest ORDER BY number",
            (after, self.scope_key, self.scope_key, NOTES_READ),
        )
        return tuple(self.understandable(rows, _note))

    def seen_until(self, user: str) -> float | None:
        """The time of the latest verdict that a user has seen."""
        rows = self.database.read("SELECT until FROM seen WHERE uid = ?", (user,))
        return _understood("seen", _moment, rows[0]) if rows else None

    def audit_rows(self) -> tuple[Row, ...]:
        """The whole audit, oldest first."""
        return tuple(Row(*row) for row in self.database.read(AUDIT))

    def _list(self, where: str, values: tuple[object, ...]) -> tuple[Operation, ...]:
        """What no console can have written guides nobody and keeps nobody from anything."""
        rows = self._rows(where, values)
        steps = self._steps([row[0] for row in rows])
        return tuple(self.understandable([(row, steps) for row in rows], _operation))

    def understandable(
        self, rows: Iterable[tuple[Any, ...]], make: Callable[..., T]
    ) -> Iterator[T]:
        """What is made of rows, as far as that can be done."""
        self._unread = ""
        for row in rows:
            try:
                yield make(*row)
            except _NOT_UNDERSTOOD as error:
                first = row[0][0] if isinstance(row[0], tuple) else row[0]
                self._unread = str(_error(str(first), error))

    def _rows(self, where: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self.database.read(
            "SELECT id, plan_id, service, kind, name, state, who, host, started_at, updated_at,"  # noqa: S608
            " reason, summary, evidence, ended_at, ends_at, plan,"
            " (SELECT due FROM promises WHERE operation = operations.id AND kind = 'rollback'"
            "  AND outcome = ''),"
            " (SELECT outcome FROM promises WHERE operation = operations.id AND kind = 'rollback')"
            f" FROM operations {where}",
            values,
        )

    def _steps(self, operations: list[str]) -> _Steps:
        found: _Steps = {}
        for start in range(0, len(operations), 500):
            some = operations[start : start + 500]
            marks = ",".join("?" * len(some))
            for operation, *said in self.database.read(
                "SELECT operation, summary, state, detail, started_at, ended_at FROM steps"  # noqa: S608
                f" WHERE operation IN ({marks}) ORDER BY ordinal LIMIT ?",
                (*some, STEPS_READ),
            ):
                found.setdefault(operation, []).append(tuple(said))
        return found


AUDIT: Final = "SELECT seq, record, prev, hash FROM audit ORDER BY seq"

_NOT_UNDERSTOOD: Final = (
    ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, StateError,
)  # fmt: skip


def _understood(identity: object, make: Callable[..., T], row: tuple[Any, ...]) -> T:
    try:
        return make(*row)
    except _NOT_UNDERSTOOD as error:
        raise _error(str(identity), error) from error


def _error(identity: str, error: Exception) -> StateError:
    return StateError(
        f"the journal's row {sanitize(identity, limit=_SHOWN)} cannot be understood: "
        f"{sanitize(str(error), limit=_SHOWN * 4)}",
        remedy="use the version of the console that wrote it, or look at who did",
    )


def _intent(
    operation: str,
    plan: str,
    asked_by: str,
    reason: str,
    declaration: str,
    config_path: str,
    base: str,
) -> Intent:
    who = Who(**json.loads(asked_by))
    said = map(sanitize, (reason, declaration, config_path, base))
    return Intent(operation, plan_codec.decode(plan), who, *said)


def _step_record(
    ordinal: int, state: str, detail: str, started_at: float | None, before: str
) -> StepRecord:
    said = sanitize(state), sanitize(detail), _moment_or_none(started_at)
    observed = {sanitize(key): sanitize(str(value)) for key, value in json.loads(before).items()}
    return StepRecord(ordinal, *said, observed)


def _note(number: int, at: float, *said: str) -> tuple[int, Note]:
    return number, Note(_moment(at), *map(sanitize, said))


def _moment(value: float) -> float:
    """A time that every clock and calendar can show. Raises ValueError."""
    if 0.0 <= value < _LAST_MOMENT:
        return float(value)
    raise ValueError(f"{value:g} is no time")


def _moment_or_none(value: float | None) -> float | None:
    return None if value is None else _moment(value)


def _past(operation: str, plan: str, state: str, who: str) -> Past:
    identity = checked(operation, OPERATION_ID, "an operation")
    return Past(plan_codec.decode(plan), OperationState(state), identity, sanitize(who))


def _promise(
    operation: str,
    kind: str,
    service: str,
    due: float,
    boot_id: str,
    due_boottime: float,
    attempts: int,
    outcome: str,
) -> Promise:
    times = _moment(due), sanitize(boot_id), _moment(due_boottime)
    return Promise(
        operation, PromiseKind(kind), sanitize(service), *times, attempts, sanitize(outcome)
    )


def json_of(text: str) -> object:
    """What a text of the journal says; None for what nobody can read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def lines_of(evidence: str) -> list[object]:
    """The lines of an operation's evidence, as far as they can be read."""
    lines = json_of(evidence)
    return lines[:_LINES] if isinstance(lines, list) else []


def _step_result(
    summary: str, state: str, detail: str, started_at: float | None, ended_at: float | None
) -> StepResult:
    said = sanitize(summary), sanitize(state), sanitize(detail)
    return StepResult(*said, _moment_or_none(started_at), _moment_or_none(ended_at))


def _operation(row: tuple[Any, ...], steps: _Steps) -> Operation:
    lines = json.loads(row[12])[:_LINES]
    return Operation(
        id=checked(row[0], OPERATION_ID, "an operation"),
        plan_id=sanitize(row[1]),
        service=sanitize(row[2]),
        kind=ActionKind(row[3]),
        name=sanitize(row[4]),
        state=OperationState(row[5]),
        who=sanitize(row[6]),
        host=sanitize(row[7]),
        started_at=_moment(row[8]),
        updated_at=_moment(row[9]),
        reason=sanitize(row[10]),
        summary=sanitize(row[11]),
        steps=tuple(_step_result(*step) for step in steps.get(row[0], ())),
        evidence=tuple(sanitize(str(line)) for line in lines if not isinstance(line, dict)),
        ended_at=_moment_or_none(row[13]),
        ends_at=_moment_or_none(row[14]),
        usual_duration=plan_codec.usual_duration(row[15]),
        rollback_at=_moment_or_none(row[16]),
        rollback=sanitize(row[17] or ""),
        next_steps=_marked(lines, NEXT),
        given_up=next(iter(_marked(lines, GIVEN_UP)), ""),
        corrected=next(iter(_marked(lines, CORRECTED)), ""),
        by_promise=plan_codec.by_promise(row[15]),
        about=sanitize(plan_codec.about(row[15]), limit=_ABOUT),
        subject=plan_codec.subject(row[15]),
        group=plan_codec.group(row[15]),
    )


def _marked(lines: list[Any], key: str) -> tuple[str, ...]:
    """What stands under ``key`` among lines of evidence."""
    return tuple(
        sanitize(str(line[key])) for line in lines if isinstance(line, dict) and key in line
    )
