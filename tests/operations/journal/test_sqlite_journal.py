"""The journal in SQLite: whole after any crash, upgraded from what earlier versions left."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.journal import sqlite_database, sqlite_schema
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import LedgerKind, Note, Promise, PromiseKind, Scope
from opsconsole.operations.journal.sqlite_database import begin
from opsconsole.operations.journal.sqlite_journal import SqliteJournal, audit_of
from opsconsole.operations.state_folder import prepare
from tests.clean import is_clean
from tests.operations.journal.samples import intent, op

_S = OperationState

_FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.operations.journal.samples import intent
from opsconsole.errors import StateError
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
journal.submit(intent("before"), 1.0)
room = (Path(sys.argv[1]) / "journal.db-wal").stat().st_size + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    journal.submit(intent("after"), 2.0)
except StateError as error:
    print(error)
"""

_WRITER = """
import sys
from pathlib import Path
from tests.operations.journal.samples import intent, op
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.model.operation import OperationState as S
journal = SqliteJournal(Path(sys.argv[1]))
for number in range(100000):
    name = f"{sys.argv[2]}-{number}"
    journal.submit(intent(name), 1.0)
    journal.advance(op(name), S.DISPATCHED, 2.0)
    journal.step_begins(op(name), 0, 3.0, {"started": "then"})
    print(name, flush=True)
"""


def _changed(folder: Path, *statements: str) -> None:
    """Change the database as somebody with a shell would."""
    connection = sqlite3.connect(folder / "journal.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# ---- crashes ----


def test_a_reader_never_waits_for_a_writer(folder: Path) -> None:
    writer, reader = SqliteJournal(folder), SqliteJournal(folder)
    writer.submit(intent("one"), 1.0)
    with writer.database.transaction() as changes:
        changes.change("UPDATE operations SET summary = 'half'")
        found = reader.operation(op("one"))
        assert found is not None
        assert found.summary == ""
    writer.close()
    reader.close()


class _Beset(sqlite3.Connection):
    """Finds ``rival`` writing whenever it asks for the write lock, ``times`` times in a row."""

    rival: sqlite3.Connection
    times = 0
    moves = True

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE" and self.times:
            self.times -= 1
            if self.moves and self.rival.in_transaction:
                self.rival.execute("PRAGMA user_version = 7")
                self.rival.execute("COMMIT")
            if not self.rival.in_transaction:
                self.rival.execute("BEGIN IMMEDIATE")
        elif sql == "BEGIN IMMEDIATE":
            self.rival.execute("ROLLBACK")
        return super().execute(sql, *values)


@pytest.mark.parametrize("moves", [True, False])
def test_a_writer_waits_for_others_as_long_as_they_get_on(folder: Path, moves: bool) -> None:
    SqliteJournal(folder).close()
    path = folder / "journal.db"
    rival = sqlite3.connect(path, isolation_level=None)
    writer = sqlite3.connect(path, isolation_level=None, timeout=0, factory=_Beset)
    writer.rival, writer.moves, writer.times = rival, moves, 9
    rival.execute("BEGIN IMMEDIATE")
    if moves:
        begin(writer)
        assert writer.times == 0
        assert writer.in_transaction
    else:
        with pytest.raises(sqlite3.OperationalError):
            begin(writer)
        assert writer.times == 8
    writer.close()
    rival.close()


def test_who_does_not_get_on_is_told_and_no_disk_is_blamed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY", 0.0)
    holder, writer = SqliteJournal(folder), SqliteJournal(folder)
    with holder.database.transaction(), pytest.raises(StateError, match="another process") as told:
        writer.submit(intent("one"), 1.0)
    assert "disk" not in str(told.value)
    holder.close()
    writer.close()


@pytest.mark.parametrize("round_", range(5))
def test_killed_writers_leave_all_that_they_had_confirmed(folder: Path, round_: int) -> None:
    argv = [sys.executable, "-c", _WRITER, str(folder)]
    writers = [
        subprocess.Popen([*argv, name], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
        for name in ("ann", "bob")
    ]
    confirmed = []
    for writer in writers:
        assert writer.stdout is not None
        confirmed += [writer.stdout.readline().strip() for _ in range(5 + round_)]
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        confirmed += rest.split("\n")[:-1]
    journal = SqliteJournal(folder)
    for name in confirmed:
        found = journal.operation(op(name))
        assert found is not None, name
        assert found.state is _S.DISPATCHED
        assert found.steps[0].state == "running"
    journal.close()
    assert verify(audit_of(folder)).whole


@pytest.mark.parametrize("room", [0, 1000, 5000, 9000, 13000])
def test_a_full_disk_is_said_and_what_was_there_is_whole(folder: Path, room: int) -> None:
    argv = [sys.executable, "-c", _FULL_DISK, str(folder), str(room)]
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=Path.cwd(), check=True)
    assert "make room on its disk" in ended.stdout
    journal = SqliteJournal(folder)
    assert journal.operation(op("before")) is not None
    assert journal.operation(op("after")) is None
    journal.submit(intent("after"), 3.0)
    journal.close()
    assert verify(audit_of(folder)).whole


# ---- the file ----


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "journal.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match=r"journal\.db"):
        SqliteJournal(folder)
    with pytest.raises(StateError, match=r"journal\.db"):
        audit_of(folder)


@pytest.mark.parametrize(("mode", "expected"), [(0o700, 0o600), (0o2770, 0o660)])
def test_files_are_as_open_as_their_folder(tmp_path: Path, mode: int, expected: int) -> None:
    folder = prepare(tmp_path / "state", shared=mode == 0o2770)
    assert folder.stat().st_mode & 0o7777 == mode
    SqliteJournal(folder).close()
    assert (folder / "journal.db").stat().st_mode & 0o777 == expected


def test_an_audit_that_may_not_be_read_is_not_called_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteJournal(folder).close()

    def denied(self: Path, **_: object) -> os.stat_result:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    with monkeypatch.context() as context:
        context.setattr(Path, "stat", denied)
        with pytest.raises(StateError, match="Permission denied"):
            audit_of(folder)
    assert audit_of(folder) == ()


def _removed(folder: Path) -> None:
    for path in folder.glob("journal.db*"):
        path.unlink()


def _restored(folder: Path) -> None:
    shutil.copy(folder / "journal.db", folder / "copy")
    _removed(folder)
    (folder / "copy").rename(folder / "journal.db")


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


_TOUCHES: tuple[Callable[[Journal], object], ...] = (
    lambda journal: journal.operations(),
    lambda journal: journal.version(),
    lambda journal: journal.submit(intent("two"), 2.0),
)


@pytest.mark.parametrize("touch", _TOUCHES)
@pytest.mark.parametrize("happens", [_removed, _restored])
def test_a_file_that_was_taken_away_while_open_is_said_at_once(
    folder: Path, happens: Callable[[Path], None], touch: Callable[[Journal], object]
) -> None:
    journal = SqliteJournal(folder)
    journal.submit(intent("one"), 1.0)
    version = journal.version()
    happens(folder)
    with pytest.raises(StateError, match="removed or replaced"):
        touch(journal)
    assert journal.version() != version
    journal.submit(intent("three"), 3.0)
    assert len(SqliteJournal(folder).audit_rows()) == len(journal.audit_rows()) > 0
    journal.close()


def test_a_folder_that_is_gone_is_an_error_and_nothing_is_made(folder: Path) -> None:
    journal = SqliteJournal(folder)
    _gone(folder)
    for _ in range(2):
        with pytest.raises(StateError):
            journal.operations()
    assert not folder.exists()
    assert "journal" in journal.why_not_writable()
    journal.close()


# ---- rows of others ----

_ODD_ROWS = {
    "a kind": "UPDATE operations SET kind = 'fry'",
    "a state": "UPDATE operations SET state = 'perhaps'",
    "an id": "UPDATE operations SET id = '../../../tmp/x'",
    "evidence": "UPDATE operations SET evidence = 'none'",
    "a plan": "UPDATE operations SET plan = '{'",
}


@pytest.mark.parametrize("name", _ODD_ROWS)
def test_a_row_that_cannot_be_understood_costs_itself_and_is_told(folder: Path, name: str) -> None:
    journal = SqliteJournal(folder)
    for each in ("odd", "sound"):
        journal.submit(intent(each, service=each), 1.0)
    assert journal.unread == ""
    statement = f"{_ODD_ROWS[name]} WHERE id = '{op('odd')}'"
    _changed(folder, "PRAGMA foreign_keys = OFF", statement)
    assert [each.id for each in journal.operations()] == [op("sound")]
    assert "cannot be understood" in journal.unread
    assert is_clean(journal.unread)
    assert journal.since("odd", 0.0) == ()
    assert "cannot be understood" in journal.unread
    assert [each.id for each in journal.since("sound", 0.0)] == [op("sound")]
    journal.close()


def test_what_a_row_says_of_an_intent_is_checked_where_it_is_read(folder: Path) -> None:
    journal = SqliteJournal(folder)
    journal.submit(intent("one"), 1.0)
    _changed(folder, "UPDATE operations SET asked_by = '{}'")
    with pytest.raises(StateError, match="cannot be understood"):
        journal.intent(op("one"))
    journal.arm(Promise(op("one"), PromiseKind.END, "web", 5.0), 2.0)
    _changed(folder, "UPDATE promises SET kind = 'fry'")
    assert journal.promises() == ()
    assert "fry" in journal.unread
    journal.close()


def test_no_text_of_a_row_reaches_a_terminal_as_it_is(folder: Path) -> None:
    journal = SqliteJournal(folder)
    journal.submit(intent("one"), 1.0)
    journal.add_note(Note(1.0, "\x1b]0;x\x07", "\x9b31mred", "\u202eweb", "here"))
    texts = ("service", "name", "who", "host", "reason", "summary")
    _changed(
        folder,
        *(f"UPDATE operations SET {each} = char(27) || '[2J' || {each}" for each in texts),
        "UPDATE operations SET evidence = json_array(char(27) || ']52;c;eA==')",
        "UPDATE steps SET summary = char(8238) || summary, detail = char(155) || '1m'",
    )
    (found,) = journal.operations()
    step = found.steps[0]
    said = [getattr(found, each) for each in texts]
    assert all(is_clean(each) for each in (*said, *found.evidence, step.summary, step.detail))
    assert "[2J" in found.summary
    ((_, note),) = journal.notes()
    assert all(map(is_clean, (note.who, note.text, note.service)))
    journal.close()


# ---- earlier versions ----

_EARLIER = Path(__file__).with_name("state_of_schema_2")
"""What version 0.1 left: a dump of its database, and the files that it had beside it."""


def _op(number: int) -> str:
    return f"{number:015x}a"


@pytest.fixture
def earlier(folder: Path) -> Path:
    """A state folder as version 0.1 left it."""
    shutil.copytree(_EARLIER, folder, dirs_exist_ok=True)
    connection = sqlite3.connect(folder / "journal.db")
    connection.executescript((folder / "journal.sql").read_text())
    connection.close()
    return folder


def test_operations_of_an_earlier_version_are_as_they_were(earlier: Path) -> None:
    journal = SqliteJournal(earlier)
    found = {each.id: each for each in journal.operations()}
    assert journal.unread == ""
    assert len(found) == 7
    first = found[_op(1)]
    assert (first.state, first.summary, first.evidence) == (
        _S.VERIFIED, "healthy for 10.0 s", ("web-1: ok",),
    )  # fmt: skip
    assert first.steps[0].detail == "answered 200"
    assert [each.id for each in journal.open_operations()] == [_op(100)]
    assert journal.step_records(_op(100))[0].before == {"uptime": "500"}
    read = journal.intent(_op(100))
    assert read is not None
    assert (read.who.name, read.plan.steps[0].instance) == ("kim", "web-1")
    assert len(journal.past_plans("web")) == 7
    assert found[_op(80)].rollback == "stopped by kim@bastion-1"
    assert found[_op(90)].rollback_at == 1_790_000_000.0 + 94 + 30
    rows = journal.audit_rows()
    journal.close()
    assert verify(rows).whole
    assert len(rows) == len(audit_of(earlier)) > 20


def test_promises_of_an_earlier_version_are_taken_over(earlier: Path) -> None:
    journal = SqliteJournal(earlier)
    waiting = {(each.operation, each.kind): each for each in journal.promises()}
    assert set(waiting) == {
        (_op(60), PromiseKind.END),
        (_op(90), PromiseKind.ROLLBACK),
        (_op(1), PromiseKind.WATCH),
    }
    end = waiting[_op(60), PromiseKind.END]
    assert (end.service, end.attempts, end.due_boottime) == ("web", 2, 123.5)
    ended = journal.promise(_op(20), PromiseKind.END)
    assert ended is not None
    assert ended.outcome == _op(40)
    journal.close()


def test_what_an_earlier_version_kept_in_files_is_taken_in_once(earlier: Path) -> None:
    for _ in range(2):
        journal = SqliteJournal(earlier)
        assert [note.text for _, note in journal.notes()] == [
            "deployed v2", "looking at the database",
        ]  # fmt: skip
        assert journal.seen_until("1000") == 1_790_000_070.0
        (stamp,) = journal.ledgers(LedgerKind.RUNBOOK)
        records = journal.ledger(stamp.kind, stamp.id)
        assert [record["do"] for record in records] == ["begin", "start", "result"]
        journal.close()
    assert (earlier / "notes.jsonl").read_bytes() == (_EARLIER / "notes.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["notes.jsonl", "seen/1000.json", "runbooks/1-0000000a.jsonl"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"at": 1e999, "until": NaN}\n7\n{}\n'],
)
def test_files_that_hold_something_else_stop_nothing(
    folder: Path, name: str, content: bytes
) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    journal = SqliteJournal(folder)
    assert journal.notes() == ()
    assert journal.seen_until("1000") is None
    journal.close()


@pytest.mark.parametrize("version", range(sqlite_schema.VERSION + 1))
def test_any_earlier_schema_is_brought_up(folder: Path, version: int) -> None:
    connection = sqlite3.connect(folder / "journal.db")
    for stage in sqlite_schema.STAGES[:version]:
        connection.executescript(stage)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    for _ in range(2):
        journal = SqliteJournal(folder)
        assert (journal.operations(), journal.promises(), journal.notes()) == ((), (), ())
        assert journal.database.read("PRAGMA user_version") == [(sqlite_schema.VERSION,)]
        journal.close()


def test_runs_that_had_tables_of_their_own_are_ledgers(folder: Path) -> None:
    connection = sqlite3.connect(folder / "journal.db")
    for stage in sqlite_schema.STAGES[:4]:
        connection.executescript(stage)
    for number, scope in enumerate(("", "/c.yaml\nproduction", "/d.yaml\nproduction")):
        run = f"{number}-0000000a"
        connection.execute("INSERT INTO runs VALUES (?, ?, 2, ?, ?)", (run, 9.0, number, scope))
        for ordinal, does in enumerate(("begin", "end")):
            record = f'{{"do": "{does}", "run": "{run}"}}'
            connection.execute("INSERT INTO run_records VALUES (?, ?, ?)", (run, ordinal, record))
    connection.execute("PRAGMA user_version = 4")
    connection.commit()
    connection.close()
    journal = SqliteJournal(folder)
    journal.use_scope(Scope("/c.yaml", ("production",)))
    found = journal.ledgers(LedgerKind.RUNBOOK)
    assert [each.id for each in found] == ["1-0000000a", "0-0000000a"]
    for stamp in found:
        assert journal.ledger(stamp.kind, stamp.id) == tuple(
            {"do": does, "run": stamp.id} for does in ("begin", "end")
        )
    assert journal.ledger(LedgerKind.RUNBOOK, "2-0000000a") == ()
    journal.close()


def test_a_later_one_is_refused_and_left_as_it_is(folder: Path) -> None:
    SqliteJournal(folder).close()
    _changed(folder, f"PRAGMA user_version = {sqlite_schema.VERSION + 1}")
    with pytest.raises(StateError, match="this console knows"):
        SqliteJournal(folder)
    connection = sqlite3.connect(folder / "journal.db")
    found = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    assert found == (sqlite_schema.VERSION + 1,)


def test_sqlite_stands_in_the_files_of_this_journal_alone() -> None:
    source = Path(sqlite_database.__file__).parents[1]
    speaking = {
        path.name for path in source.rglob("*.py") if "sqlite3" in path.read_text(encoding="utf-8")
    }
    assert speaking == {"sqlite_database.py", "sqlite_schema.py", "sqlite_taking_in.py"}


def test_a_kind_of_the_model_is_a_kind_of_the_table(folder: Path) -> None:
    journal = SqliteJournal(folder)
    for kind in ActionKind:
        journal.submit(intent(kind.value, kind), 1.0)
    assert {each.kind for each in journal.operations()} == set(ActionKind)
    journal.close()
