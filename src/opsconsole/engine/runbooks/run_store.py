"""The runs of all consoles that share this state folder, read from their records in the journal.

Invariant: a run only grows; who appends decides on the current run, and no other record is added in
between. A lock says that a console is working on a step; it ends with its holder. Every method
blocks and raises StateError.
"""

from collections.abc import Callable, Sequence

from opsconsole.clock import Clock
from opsconsole.engine.runbooks.run_records import Record, apply, fold
from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runs import RunbookRun
from opsconsole.operations.journal.records import LedgerKind, LedgerStamp, Scope
from opsconsole.operations.locks.locks import Held, LockKind, LockName
from opsconsole.operations.state_place import LateJournal, StatePlace

Decide = Callable[[RunbookRun], Sequence[Record] | Refusal]


class RunStore:
    """One per engine; its journal is opened when it is first needed."""

    def __init__(self, state: StatePlace, clock: Clock, scope: Scope | None = None) -> None:
        self._state = state
        self._clock = clock
        self._journal = LateJournal(state, scope)
        self._seen: dict[LedgerStamp, RunbookRun] = {}

    def runs(self) -> tuple[RunbookRun, ...]:
        """The newest runs, latest change first. Only what changed is read again."""
        if not self._journal.is_there():
            return ()
        journal = self._journal.open()
        found: dict[LedgerStamp, RunbookRun] = {}
        for stamp in journal.ledgers(LedgerKind.RUNBOOK):
            run = self._seen.get(stamp) or fold(journal.ledger(stamp.kind, stamp.id))
            if run is not None:
                found[stamp] = run
        self._seen = found
        return tuple(found.values())

    def create(self, run: str, first: Record, written: str) -> RunbookRun:
        """Begin a run, with which this user's consoles go on as the runbook is ``written`` now."""
        begun = fold([first])
        assert begun is not None, "the first record begins a run"
        journal = self._journal.open()
        self._state.mandates.keep_runbook(run, written)
        journal.begin_ledger(LedgerKind.RUNBOOK, run, first, self._clock.now())
        return begun

    def append(self, run: str, decide: Decide) -> RunbookRun | Refusal:
        """Append the record that ``decide`` returns for the current run. Returns the run after
        it."""
        stood: list[RunbookRun] = []

        def on_records(records: Sequence[Record]) -> Sequence[Record] | Refusal:
            found = fold(records)
            if found is None:
                raise StateError(f"the run {run} has no beginning", remedy="begin it again")
            stood.append(found)
            return decide(found)

        journal, now = self._journal.open(), self._clock.now()
        added = journal.extend_ledger(LedgerKind.RUNBOOK, run, on_records, now)
        if isinstance(added, Refusal):
            return added
        (found,) = stood
        for record in added:
            found = apply(found, record)
        return found

    def hold(self, run: str) -> Held | None:
        """Take the lock on the steps of ``run``; None while another console holds it."""
        self._journal.open()
        return self._state.locks.take(LockName(LockKind.RUNBOOK, run))

    def begin_step(self, run: str, step: str) -> None:
        """Allow this user's consoles to carry out a step, and to continue it after a console's
        end."""
        self._journal.open()
        self._state.mandates.begin_step(run, step)

    def is_at_step(self, run: str, step: str) -> bool:
        """Whether this user has begun a step; records that others may write do not count."""
        return self._state.mandates.is_at_step(run, step)

    def runbook_of(self, run: str) -> str | None:
        """The runbook of a run as this user began it; records that others may write do not
        count."""
        return self._state.mandates.runbook_of(run)

    def end_step(self, run: str) -> None:
        """Forbid any more work on a step of a run."""
        self._state.mandates.end_step(run)

    def close(self) -> None:
        """Close the journal; idempotent."""
        self._journal.close()
