"""What was intended, what was done and how it ended: durable, and shared by every console.

Invariant: each change of an operation or of a promise is one transaction together with its audit
row, kept when the method returns. A side effect happens only after ``step_begins`` returned, and a
plan is performed at most once. Reading never waits for a writer, and what is read was kept.

The journal is a record and never an order: what is carried out is in ``mandates``.

``SqliteJournal`` and ``MemoryJournal`` are the implementations; one suite of tests holds both.
Every method raises StateError where the journal cannot be used, or a row that was asked for cannot
be understood; from a list such rows are left out, and ``unread`` says so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, Operation, OperationState, Refusal
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.records import (
    Intent,
    LedgerKind,
    LedgerStamp,
    Note,
    Past,
    Promise,
    PromiseKind,
    Scope,
    StepRecord,
)

LedgerRecord = Mapping[str, object]
"""One record of a ledger, as JSON has it; ``{"do": "end", …}`` ends its ledger."""

Decide = Callable[[Sequence[LedgerRecord]], Sequence[LedgerRecord] | Refusal]
"""What to add to a ledger, made of all its records so far."""


class PlanUsedError(StateError):
    """The plan was performed before."""


class LedgerExistsError(StateError):
    """A ledger of that name was begun before."""


class OperationRecords(Protocol):
    """Intents, transitions and steps of operations."""

    def submit(self, intent: Intent, now: float) -> None:
        """Record the intent. Raises PlanUsedError, or StateError when it cannot be recorded."""
        ...

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
        """Move an operation to ``state``. Raises TransitionError when that cannot follow.

        ``rollback_after`` seconds later the service is to be rolled back by itself; 0 for not.
        """
        ...

    def step_begins(
        self, operation: str, ordinal: int, now: float, before: Mapping[str, str]
    ) -> None:
        """Record that a step's side effect is about to happen, and what was there before it."""
        ...

    def step_ends(
        self, operation: str, ordinal: int, state: str, now: float, detail: str = ""
    ) -> None:
        """Record what became of a step: done, failed, unknown; or waiting, with why."""
        ...

    def give_up(self, operation: str, who: str, now: float) -> bool:
        """Ask that verifying an operation ends; False where it has its verdict, or was asked."""
        ...

    def correct(self, operation: str, text: str, now: float) -> None:
        """Say before the summary of a verdict what was seen after it, in a row of its own."""
        ...

    def note(self, operation: str, event: str, now: float, record: Mapping[str, object]) -> None:
        """Add an audit row that goes with no change of state."""
        ...

    def intent(self, operation: str) -> Intent | None:
        """What was recorded at ``submit``."""
        ...

    def step_records(self, operation: str) -> tuple[StepRecord, ...]:
        """The steps of an operation, in order."""
        ...

    def operation(self, operation: str) -> Operation | None:
        """One operation with its steps."""
        ...

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        ...

    def open_operations(self) -> tuple[Operation, ...]:
        """Every operation without a verdict, oldest first."""
        ...

    def since(self, service: str, moment: float) -> tuple[Operation, ...]:
        """Operations of ``service`` open, or begun or ended after ``moment``; newest first."""
        ...

    def later(self, operation: str) -> tuple[Operation, ...]:
        """Operations of the same service that were recorded after this one, whatever the clocks."""
        ...

    def past(self, service: str, kind: ActionKind, name: str) -> tuple[Operation, ...]:
        """The last twenty ended runs of one action, newest first, refused ones left out."""
        ...

    def past_plans(self, service: str) -> tuple[Past, ...]:
        """The last hundred plans performed for ``service``, newest first, refused ones left out.

        How far it looks back bounds what a rollback can know of earlier versions.
        """
        ...


class Promises(Protocol):
    """Ends of degradations, automatic rollbacks, acknowledgements: what follows by itself."""

    def arm(self, promise: Promise, now: float) -> None:
        """Record a promise. An END takes the place of earlier ends of its service."""
        ...

    def settle(
        self,
        operation: str,
        kind: PromiseKind,
        outcome: str,
        now: float,
        who: Mapping[str, object] | None = None,
    ) -> bool:
        """Settle a promise that waits, with its outcome; False when it was settled before."""
        ...

    def set_outcome(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Update the outcome of a promise that was settled when it was begun."""
        ...

    def tried(self, operation: str, kind: PromiseKind, outcome: str, now: float) -> None:
        """Count a failed attempt of a promise that waits."""
        ...

    def promise(self, operation: str, kind: PromiseKind) -> Promise | None:
        """One promise, settled or not."""
        ...

    def promises(self) -> tuple[Promise, ...]:
        """The promises that wait, by when they are due."""
        ...


class People(Protocol):
    """What people wrote down, and what they have seen. A note changes nothing: not audited."""

    def add_note(self, note: Note) -> None:
        """Keep a note whole."""
        ...

    def notes(self, after: int = 0) -> tuple[tuple[int, Note], ...]:
        """The newest ``NOTES_READ`` notes, oldest first, each with a number that grows."""
        ...

    def seen_until(self, user: str) -> float | None:
        """The time of the latest verdict that a user has seen; None where none was recorded.

        In a folder a user is a uid, as a text; where hosts share the state, a name.
        """
        ...

    def see(self, user: str, until: float) -> None:
        """Record that a user has seen the verdicts up to ``until``."""
        ...


class Ledgers(Protocol):
    """The records of one subject each, which only grow: runs of runbooks, incidents, and the like.

    They change nothing in the world: not audited. Of one name there is one ledger for each scope.
    They are reports and never orders: what one says may be made up by anyone who may write.
    """

    def ledgers(self, kind: LedgerKind) -> tuple[LedgerStamp, ...]:
        """Those of ``kind`` that go on, and those that ended last; what moved last is first.

        What is over hides nothing that goes on.
        """
        ...

    def ledger(self, kind: LedgerKind, identity: str) -> tuple[LedgerRecord, ...]:
        """The records of one ledger, in order; none where there is no such ledger."""
        ...

    def begin_ledger(
        self, kind: LedgerKind, identity: str, first: LedgerRecord, now: float
    ) -> None:
        """Record the beginning of a ledger; the oldest ended ones beyond its bound go.

        Raises LedgerExistsError.
        """
        ...

    def extend_ledger(
        self, kind: LedgerKind, identity: str, decide: Decide, now: float
    ) -> Sequence[LedgerRecord] | Refusal:
        """Add what ``decide`` makes of the ledger as it stands; nobody else adds in between.

        Returns what was added, or the refusal.
        """
        ...


class Journal(OperationRecords, Promises, People, Ledgers, Protocol):
    """The journal of one state. Safe to use from several threads."""

    def close(self) -> None:
        """Release what it holds; idempotent."""
        ...

    def use_sinks(self, sinks: AuditSinks) -> None:
        """Write audit rows to ``sinks`` as well from here on."""
        ...

    def use_scope(self, scope: Scope) -> None:
        """Read and keep only what is of ``scope`` from here on; what is asked for by id apart."""
        ...

    def why_not_writable(self) -> str:
        """Why nothing can be recorded, or ''."""
        ...

    def version(self) -> int:
        """A number that differs once another console has changed the journal."""
        ...

    @property
    def unread(self) -> str:
        """Which rows of the latest list could not be understood, or ''."""
        ...

    def audit_rows(self) -> tuple[Row, ...]:
        """The whole audit, oldest first."""
        ...
