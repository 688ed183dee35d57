"""A journal that is kept in memory: it keeps the protocol honest, and needs no folder.

Invariant: as ``Journal`` has it, for as long as its store lives; a change that raises changes
nothing.
"""

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import (
    BY_PROMISE,
    ActionKind,
    Operation,
    OperationState,
    StepResult,
)
from opsconsole.operations.journal import entries, transitions
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.records import (
    NOTES_READ,
    OPERATION_LIMIT,
    Intent,
    Note,
    Past,
    Promise,
    PromiseKind,
    Scope,
    StepRecord,
)
from tests.operations.journal.memory_ledgers import LedgerStore, MemoryLedgers

_NOT_CHANGES: Final = frozenset({ActionKind.TEST, ActionKind.CALL, ActionKind.BACKUP})


@dataclass(slots=True)
class _Kept:
    """One operation as it is kept."""

    operation: Operation
    intent: Intent
    steps: list[StepResult]
    before: dict[int, Mapping[str, str]] = field(default_factory=dict)


class MemoryStore:
    """What every journal on it shares."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self.operations: dict[str, _Kept] = {}
        self.promises: dict[tuple[str, PromiseKind], Promise] = {}
        self.audit: list[Row] = []
        self.notes: list[tuple[str, Note]] = []
        self.seen: dict[str, float] = {}
        self.ledgers = LedgerStore()


class MemoryJournal(MemoryLedgers):
    """One console's view of a store. Safe to use from several threads."""

    unread: str = ""

    def __init__(self, store: MemoryStore, *, sinks: AuditSinks | None = None) -> None:
        super().__init__(store.ledgers, store.lock)
        self._store = store
        self._sinks = sinks or AuditSinks()
        self._scope: Scope | None = None

    def use_scope(self, scope: Scope) -> None:
        """Read and keep only what is of ``scope`` from here on; what is asked for by id apart."""
        self._scope = scope
        self._key = scope.key

    def _is_mine(self, kept: _Kept) -> bool:
        scope, intent = self._scope, kept.intent
        return scope is None or (
            scope.config_path in {None, intent.config_path}
            and intent.plan.environment in scope.environments
        )

    def _fleet(self, kept: _Kept) -> str:
        everywhere = self._scope is not None and self._scope.config_path is None
        return kept.intent.plan.environment if everywhere else kept.intent.config_path

    def close(self) -> None:
        """Nothing is held."""

    def use_sinks(self, sinks: AuditSinks) -> None:
        """Write audit rows to ``sinks`` as well from here on."""
        self._sinks = sinks

    def why_not_writable(self) -> str:
        """Why nothing can be recorded, or ''."""
        return self._sinks.why_not_writable()

    def version(self) -> int:
        """A number that differs once another console has changed the journal."""
        return self._store.version

    def audit_rows(self) -> tuple[Row, ...]:
        """The whole audit, oldest first."""
        return tuple(self._store.audit)

    # ---- operations ----

    def submit(self, intent: Intent, now: float) -> None:
        """Record the intent."""
        plan = intent.plan
        with self._store.lock:
            if any(
                intent.operation == each.operation.id or plan.id == each.operation.plan_id
                for each in self._store.operations.values()
            ):
                raise PlanUsedError("this plan was performed already", remedy="make a new plan")
            self._audit(intent.operation, entries.INTENT, now, entries.of_intent(intent))
            operation = Operation(
                intent.operation, plan.id, plan.service, plan.kind, plan.name,
                OperationState.INTENT, intent.who.name, intent.who.host, now, now, intent.reason,
                ends_at=plan.ends_at, usual_duration=plan.usual_duration,
                by_promise=BY_PROMISE in plan.parameters,
                subject=subject_of(plan.service, plan.kind, plan.parameters), group=plan.group,
            )  # fmt: skip
            steps = [StepResult(step.summary, "waiting") for step in plan.steps]
            self._store.operations[intent.operation] = _Kept(operation, intent, steps)

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
        with self._store.lock:
            kept = self._kept(operation)
            found = kept.operation
            transitions.check(found.state, state)
            text = found.summary if summary is None else summary
            lines = (*found.evidence, *evidence)
            record: dict[str, object] = {"summary": text}
            offered = [{"next": line} for line in next_steps]
            record["evidence"] = [*(lines if state.final else evidence), *offered]
            if rollback_after > 0:
                due = now + rollback_after
                record["rollback_at"] = round(due, 3)
            self._audit(operation, state.value, now, record)
            kept.operation = replace(
                found, state=state, summary=text, evidence=lines, updated_at=now,
                next_steps=(*found.next_steps, *next_steps),
                ended_at=now if state.final else None,
            )  # fmt: skip
            if rollback_after > 0:
                promise = Promise(operation, PromiseKind.ROLLBACK, found.service, due)
                self._store.promises[operation, promise.kind] = promise

    def give_up(self, operation: str, who: str, now: float) -> bool:
        """Ask that verifying an operation ends."""
        with self._store.lock:
            kept = self._store.operations.get(operation)
            if kept is None or kept.operation.state.final or kept.operation.given_up:
                return False
            self._audit(operation, entries.GIVEN_UP, now, {"who": who})
            kept.operation = replace(kept.operation, given_up=who, updated_at=now)
        return True

    def correct(self, operation: str, text: str, now: float) -> None:
        """Say what was seen after a verdict."""
        with self._store.lock:
            kept = self._kept(operation)
            self._audit(operation, entries.CORRECTED, now, {"seen": text})
            summary = f"{text}; {kept.operation.summary}"
            kept.operation = replace(
                kept.operation, summary=summary, corrected=text, updated_at=now
            )

    def step_begins(
        self, operation: str, ordinal: int, now: float, before: Mapping[str, str]
    ) -> None:
        """Record that a step's side effect is about to happen, and what was there before it."""
        with self._store.lock:
            kept = self._kept(operation)
            if kept.steps[ordinal].state != "waiting":
                raise StateError(f"step {ordinal + 1} of {operation} was begun before")
            record = {"step": ordinal + 1, "before": dict(before)}
            self._audit(operation, entries.STEP_BEGINS, now, record)
            kept.steps[ordinal] = replace(kept.steps[ordinal], state="running", started_at=now)
            kept.before[ordinal] = dict(before)
            self._touch(operation, now)

    def step_ends(
        self, operation: str, ordinal: int, state: str, now: float, detail: str = ""
    ) -> None:
        """Record what became of a step."""
        with self._store.lock:
            kept = self._kept(operation)
            record = {"step": ordinal + 1, "state": state, "detail": detail}
            self._audit(operation, f"step {state}", now, record)
            ended = None if state == "waiting" else now
            step = replace(kept.steps[ordinal], state=state, detail=detail, ended_at=ended)
            kept.steps[ordinal] = step
            self._touch(operation, now)

    def note(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        """Add an audit row that goes with no change of state."""
        with self._store.lock:
            self._audit(operation, event, now, record)

    def intent(self, operation: str) -> Intent | None:
        """What was recorded at ``submit``."""
        found = self._store.operations.get(operation)
        return found.intent if found else None

    def step_records(self, operation: str) -> tuple[StepRecord, ...]:
        """The steps of an operation, in order."""
        found = self._store.operations.get(operation)
        if found is None:
            return ()
        return tuple(
            StepRecord(n, step.state, step.detail, step.started_at, found.before.get(n, {}))
            for n, step in enumerate(found.steps)
        )

    def operation(self, operation: str) -> Operation | None:
        """One operation with its steps."""
        found = self._store.operations.get(operation)
        return self._told(found) if found else None

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        newest = self._newest(filter(self._is_mine, self._store.operations.values()))
        return tuple(newest[: max(0, min(limit, OPERATION_LIMIT))])

    def open_operations(self) -> tuple[Operation, ...]:
        """Every operation without a verdict, oldest first."""
        newest = self._newest(self._store.operations.values())
        return tuple(each for each in reversed(newest) if not each.state.final)

    def since(self, service: str, moment: float) -> tuple[Operation, ...]:
        """Operations of ``service`` open, or begun or ended after ``moment``; newest first."""
        return tuple(
            each
            for each in self._newest(self._of(service))
            if each.ended_at is None or max(each.ended_at, each.started_at) >= moment
        )

    def later(self, operation: str) -> tuple[Operation, ...]:
        """Operations of the same service that were recorded after this one."""
        found = self._store.operations.get(operation)
        if found is None:
            return ()
        order = list(self._store.operations)
        after = set(order[order.index(operation) + 1 :])
        kept = [self._store.operations[each] for each in order if each in after]
        same = found.operation.service
        return tuple(self._told(each) for each in kept if each.operation.service == same)

    def past(self, service: str, kind: ActionKind, name: str) -> tuple[Operation, ...]:
        """The last twenty ended runs of one action, newest first, refused ones left out."""
        found = (
            each
            for each in self._newest(self._of(service))
            if (each.kind, each.name) == (kind, name)
            and each.ended_at is not None
            and each.state is not OperationState.REFUSED
        )
        return tuple(itertools.islice(found, 20))

    def past_plans(self, service: str) -> tuple[Past, ...]:
        """The last plans that were performed for ``service``, newest first."""
        plans = {each.operation.id: each.intent.plan for each in self._of(service)}
        found = (
            Past(plans[each.id], each.state, each.id, each.who)
            for each in self._newest(self._of(service))
            if each.kind not in _NOT_CHANGES and each.state is not OperationState.REFUSED
        )
        return tuple(itertools.islice(found, 100))

    # ---- promises ----

    def arm(self, promise: Promise, now: float) -> None:
        """Record a promise."""
        with self._store.lock:
            self._kept(promise.operation)
            if promise.kind is PromiseKind.END:
                kept = self._store.operations
                mine = self._fleet(kept[promise.operation])
                for each in self.promises():
                    same = self._fleet(kept[each.operation]) == mine
                    if same and (each.kind, each.service) == (promise.kind, promise.service):
                        self.settle(each.operation, each.kind, promise.operation, now)
            event = entries.PROMISE_EVENTS[promise.kind]
            self._audit(promise.operation, event, now, entries.of_promise(promise))
            self._store.promises[promise.operation, promise.kind] = promise
            self._touch(promise.operation, now)

    def settle(
        self,
        operation: str,
        kind: PromiseKind,
        outcome: str,
        now: float,
        who: Mapping[str, object] | None = None,
    ) -> bool:
        """Say of a promise that waits what becomes of it."""
        with self._store.lock:
            found = self._store.promises.get((operation, kind))
            if found is None or found.outcome:
                return False
            self._tell(found, outcome, now, {"outcome": outcome, "who": dict(who or {})})
        return True

    def set_outcome(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Say how far a promise is that was settled by being begun."""
        with self._store.lock:
            found = self._store.promises[operation, kind]
            self._tell(found, outcome, now, {"outcome": outcome})

    def tried(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Count a failed attempt of a promise that waits."""
        with self._store.lock:
            self._audit(operation, entries.PROMISE_EVENTS[kind], now, {"attempt": outcome})
            found = self._store.promises.get((operation, kind))
            if found is not None and not found.outcome:
                tried = replace(found, attempts=found.attempts + 1)
                self._store.promises[operation, kind] = tried

    def promise(self, operation: str, kind: PromiseKind) -> Promise | None:
        """One promise, settled or not."""
        return self._store.promises.get((operation, kind))

    def promises(self) -> tuple[Promise, ...]:
        """The promises that wait, by when they are due."""
        waiting = (
            each
            for each in self._store.promises.values()
            if not each.outcome
            and (
                each.operation not in self._store.operations
                or self._is_mine(self._store.operations[each.operation])
            )
        )
        return tuple(sorted(waiting, key=lambda each: each.due))

    # ---- people ----

    def add_note(self, note: Note) -> None:
        """Keep a note whole."""
        with self._store.lock:
            self._store.notes.append((self._key, note))

    def notes(self, after: int = 0) -> tuple[tuple[int, Note], ...]:
        """The newest notes, oldest first, each with a number that grows."""
        numbered = [
            (number, note)
            for number, (scope, note) in enumerate(self._store.notes, 1)
            if number > after and (not self._key or scope in {"", self._key})
        ]
        return tuple(numbered[-NOTES_READ:])

    def seen_until(self, user: str) -> float | None:
        """The time of the latest verdict that a user has seen."""
        return self._store.seen.get(user)

    def see(self, user: str, until: float) -> None:
        """Record that a user has seen the verdicts up to ``until``."""
        self._store.seen[user] = until

    def _kept(self, operation: str) -> _Kept:
        found = self._store.operations.get(operation)
        if found is None:
            raise StateError(f"there is no operation {operation}")
        return found

    def _of(self, service: str) -> list[_Kept]:
        kept = self._store.operations.values()
        mine = filter(self._is_mine, kept)
        return [each for each in mine if each.operation.service == service]

    def _newest(self, kept: Iterable[_Kept]) -> list[Operation]:
        order = {name: number for number, name in enumerate(self._store.operations)}
        told = map(self._told, kept)
        return sorted(told, key=lambda each: (each.started_at, order[each.id]), reverse=True)

    def _told(self, kept: _Kept) -> Operation:
        found = self._store.promises.get((kept.operation.id, PromiseKind.ROLLBACK))
        waits = found is not None and not found.outcome
        return replace(
            kept.operation,
            steps=tuple(kept.steps),
            rollback_at=found.due if found is not None and waits else None,
            rollback=found.outcome if found is not None else "",
        )

    def _touch(self, operation: str, now: float) -> None:
        kept = self._kept(operation)
        kept.operation = replace(kept.operation, updated_at=now)
        self._store.version += 1

    def _tell(
        self, promise: Promise, outcome: str, now: float, record: Mapping[str, object]
    ) -> None:
        self._audit(promise.operation, entries.PROMISE_EVENTS[promise.kind], now, record)
        told = replace(promise, outcome=outcome)
        self._store.promises[promise.operation, promise.kind] = told
        self._touch(promise.operation, now)

    def _audit(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        last = self._store.audit[-1] if self._store.audit else None
        row = entries.chained(last, self._sinks, operation, event, now, record)
        self._store.audit.append(row)
        self._store.version += 1


def _conforms(journal: MemoryJournal) -> Journal:
    return journal
