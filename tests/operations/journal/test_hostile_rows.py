"""Rows that no console wrote: whatever they hold, the others are read, and nothing crashes.

Who shares a state may write any value into any column, and views and triggers into the schema.
"""

import math
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from opsconsole.clock import SystemClock
from opsconsole.engine.runbooks.run_records import fold
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.journal import sqlite_database
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import LedgerKind, Note, Promise, PromiseKind, Scope
from opsconsole.operations.journal.sqlite_journal import SqliteJournal, audit_of
from opsconsole.operations.promises.promising import lasting
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.state_place import FolderPlace
from tests.operations.journal.samples import intent, op

FORGED, SOUND = op("forged"), op("sound")

VALUES: Final[dict[str, object]] = {
    "nothing": "",
    "an empty object": "{}",
    "an empty list": "[]",
    "null": "null",
    "a number": "1",
    "not a number": "NaN",
    "a NUL": "a\0b",
    "a sequence for the terminal": "\x1b]52;c;AA\x07",
    "half a pair": '"\\ud800"',
    "bytes that are no text": b"\xff\xfe",
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "keys twice": '{"kind":"restart","kind":[],"service":{},"steps":{},"usual_duration":NaN}',
    "a plan of another shape": (
        '{"usual_duration":1e999,"service":[],"kind":"restart","parameters":[1]}'
    ),
    "many digits": "1" + "0" * 5000,
    "a long text": "x" * 3_000_000,
    "no end": math.inf,
    "before all": -math.inf,
    "a negative number": -1e300,
    "a large number": 1e300,
    "the largest whole number": 2**63 - 1,
}

WHERE: Final = {
    "operations": f"id = '{FORGED}'",
    "steps": f"operation = '{FORGED}'",
    "promises": f"operation = '{FORGED}'",
    "notes": "text = 'forged'",
    "seen": "1",
    "ledgers": "id = '1-aaaaaaaa'",
    "ledger_records": "ledger = 1",
    "audit": "seq = (SELECT max(seq) FROM audit)",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of two operations, one of which is about to be changed by somebody else."""
    folder = prepare(tmp_path_factory.mktemp("journal") / "state", shared=False)
    journal = SqliteJournal(folder)
    for number, name in enumerate(("forged", "sound")):
        journal.submit(intent(name), 1.0 + number)
        journal.arm(Promise(op(name), PromiseKind.ROLLBACK, "web", 9e9), 3.0)
        journal.add_note(Note(1.0, "kim", name))
        journal.begin_ledger(LedgerKind.RUNBOOK, f"{number + 1}-aaaaaaaa", _BEGIN, 1.0)
    journal.see("0", 1.0)
    journal.close()
    return folder / "journal.db"


_UNSAFE: Final = re.compile(r"(?<!\\)\\x[01][0-9a-f]|=-?inf|\\ud800'")
"""A control, a time without end or half a pair, as ``repr`` shows them; not what it quoted."""

_READ_TO_WRITE: Final = ("operations", "ledger_records", "audit")
_BEGIN: Final = {"do": "begin", "at": 1.0, "steps": [], "run": "web"}


@contextmanager
def opened(folder: Path, written: Path, *statements: tuple[str, object]) -> Iterator[SqliteJournal]:
    """The journal with the changes that SQLite itself lets one make."""
    shutil.rmtree(folder, ignore_errors=True)
    prepare(folder, shared=False)
    shutil.copy(written, folder / "journal.db")
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for statement, value in statements:
            with suppress(sqlite3.IntegrityError):
                connection.execute(statement, () if value is None else (value,))
        connection.commit()
    journal = SqliteJournal(folder)
    try:
        yield journal
    finally:
        journal.close()


def columns(written: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(written)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


@pytest.mark.parametrize("table", WHERE)
def test_no_value_of_a_row_costs_another_row_or_ends_a_console(
    tmp_path: Path, written: Path, table: str
) -> None:
    for column in columns(written, table):
        for name, value in VALUES.items():
            mark = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
            change = f"UPDATE {table} SET {column} = {mark} WHERE {WHERE[table]}"
            with opened(tmp_path / "state", written, (change, value)) as journal:
                what = f"{name} as {column} of {table}"
                others_are_read(journal, what)
                all_that_is_said_can_be_shown(journal, what)
                _so_can_what_is_read_of_the_folder(tmp_path / "state", what)
                if table in _READ_TO_WRITE:
                    more_can_be_written(journal, what)


def others_are_read(journal: Journal, what: str) -> None:
    assert SOUND in {each.id for each in journal.operations()}, what
    assert SOUND in {each.id for each in journal.open_operations()}, what
    assert SOUND in {each.id for each in journal.since("web", 0.0)}, what
    assert SOUND in {each.operation for each in journal.promises()}, what
    assert SOUND in {each.operation for each in journal.past_plans("web")}, what
    assert "sound" in {note.text for _, note in journal.notes()}, what


def all_that_is_said_can_be_shown(journal: Journal, what: str) -> None:
    """What cannot be understood is an error of the console's own kind; the rest is clean."""
    _clean(
        what,
        lambda: journal.operation(FORGED),
        lambda: journal.intent(FORGED),
        lambda: journal.step_records(FORGED),
        lambda: journal.promise(FORGED, PromiseKind.ROLLBACK),
        lambda: journal.past("web", ActionKind.RESTART, ""),
        lambda: journal.later(FORGED),
        lambda: journal.seen_until("0"),
        lambda: lasting(journal),
        lambda: journal.unread,
        lambda: journal.ledgers(LedgerKind.RUNBOOK),
        lambda: fold(journal.ledger(LedgerKind.RUNBOOK, "1-aaaaaaaa")),
        lambda: verify(journal.audit_rows()).whole,
    )


def _so_can_what_is_read_of_the_folder(folder: Path, what: str) -> None:
    runs = RunStore(FolderPlace(folder), SystemClock())
    _clean(what, lambda: verify(audit_of(folder)).whole, runs.runs)
    runs.close()


def _clean(what: str, *uses: Callable[[], object]) -> None:
    for use in uses:
        with suppress(StateError):
            said = repr(use())
            assert not _UNSAFE.search(said), what


def _end(records: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    return [{"do": "end", "after": len(records)}]


def more_can_be_written(journal: Journal, what: str) -> None:
    uses: tuple[Callable[[], object], ...] = (
        lambda: journal.submit(intent("third"), 5.0),
        lambda: journal.advance(FORGED, OperationState.DISPATCHED, 3.0),
        lambda: journal.give_up(FORGED, "kim", 3.0),
        lambda: journal.extend_ledger(LedgerKind.RUNBOOK, "1-aaaaaaaa", _end, 4.0),
    )
    for use in uses:
        with suppress(StateError, ValueError) if "state" in what else suppress(StateError):
            use()


@pytest.mark.parametrize("plan", ["{}", "[]", "{", '{"kind":"restart"}'])
@pytest.mark.parametrize("scope", [None, Scope("/c.yaml", ("production",))])
def test_an_open_row_without_a_plan_keeps_nobody_from_anything(
    tmp_path: Path, written: Path, plan: str, scope: Scope | None
) -> None:
    change = f"UPDATE operations SET plan = ? WHERE {WHERE['operations']}"
    with opened(tmp_path / "state", written, (change, plan)) as journal:
        if scope is not None:
            journal.use_scope(scope)
        for found in (journal.operations(), journal.open_operations(), journal.since("web", 0.0)):
            assert [each.id for each in found] == [SOUND]
        if scope is None:
            assert "cannot be understood" in journal.unread


ENDLESS: Final = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


SCHEMAS: Final = {
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN UPDATE operations SET who = 'root'; END",
    ),
    "an endless trigger": (
        "CREATE TRIGGER t AFTER INSERT ON notes"
        f" BEGIN SELECT ({ENDLESS} SELECT max(i) FROM n); END",
    ),
    "a view": (
        "ALTER TABLE notes RENAME TO n2",
        "CREATE VIEW notes AS SELECT * FROM n2, operations",
    ),
    "an endless view": (
        "ALTER TABLE notes RENAME TO n2",
        f"CREATE VIEW notes AS {ENDLESS}"
        " SELECT i AS number, i AS at, i AS who, i AS text, i AS service, i AS host, '' AS scope"
        " FROM n",
    ),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_nothing_of_the_schema_is_run(tmp_path: Path, written: Path, name: str) -> None:
    changes = ((each, None) for each in SCHEMAS[name])
    with opened(tmp_path / "state", written, *changes) as journal:
        note = Note(1.0, "kim", "hello")
        use = partial(journal.add_note, note) if "trigger" in name else journal.notes
        with pytest.raises(StateError, match="holds what no console writes"):
            use()
        assert {each.who for each in journal.operations()} == {"kim"}


def test_a_row_without_measure_is_an_error_that_says_so(
    tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "LONGEST", 100_000)
    row = f"UPDATE operations SET reason = ? WHERE {WHERE['operations']}"
    with (
        opened(tmp_path / "state", written, (row, "x" * 200_000)) as journal,
        pytest.raises(StateError, match="holds what no console writes"),
    ):
        journal.operations()


def test_more_rows_than_fit_are_an_error_that_says_so(
    tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "MOST", 100_000)
    row = f"UPDATE operations SET reason = ? WHERE {WHERE['operations']}"
    with (
        opened(tmp_path / "state", written, (row, "x" * 200_000)) as journal,
        pytest.raises(StateError, match="more than can be read at once"),
    ):
        journal.operations()
