"""The journal: durable, one performance per plan, whole after any crash."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import (
    ActionKind,
    ConfirmLevel,
    Effect,
    OperationState,
    Plan,
    Step,
)
from opsconsole.operations.journal import database, plan_codec
from opsconsole.operations.journal.audit import verify_folder
from opsconsole.operations.journal.database import begin
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.reader import Intent
from opsconsole.operations.journal.transitions import TransitionError
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.who import whoami

_S = OperationState

_FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.operations.journal.test_journal import intent
from opsconsole.errors import StateError
from opsconsole.operations.journal.journal import Journal
journal = Journal(Path(sys.argv[1]))
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
from tests.operations.journal.test_journal import intent
from opsconsole.operations.journal.journal import Journal
from opsconsole.model.operation import OperationState as S
journal = Journal(Path(sys.argv[1]))
for number in range(100000):
    name = f"{sys.argv[2]}-{number}"
    journal.submit(intent(name), 1.0)
    journal.advance(name, S.DISPATCHED, 2.0)
    journal.step_begins(name, 0, 3.0, {"started": "then"})
    print(name, flush=True)
"""


def plan(identity: str) -> Plan:
    """A plan with one step."""
    step = Step("restart web-1", "docker", "abc", {"name": "web-1", "count": 3}, Effect.CHANGE)
    return Plan(
        identity, "web", ActionKind.RESTART, "", 1.0, "production", "high", (step,),
        {"web-1 id": "abc"}, ConfirmLevel.TYPED_NAME, ("healthy",), "not at all", "why",
        ("one target",), "verified", 12.5, Effect.CHANGE, None, {"to": "3"}, True,
    )  # fmt: skip


def intent(operation: str) -> Intent:
    """An intent to carry out ``plan``."""
    return Intent(operation, plan(f"plan-{operation}"), whoami(), "why", "digest", "/c.yaml", "/")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return prepare(tmp_path / "state", shared=False)


def test_a_plan_comes_back_as_it_was() -> None:
    assert plan_codec.decode(plan_codec.encode(plan("one"))) == plan("one")


def test_what_was_written_is_read_by_another_connection(folder: Path) -> None:
    writer, reader = Journal(folder), Journal(folder)
    version = reader.data_version()
    writer.submit(intent("one"), 1.0)
    assert reader.data_version() != version
    assert reader.intent("one") == intent("one")
    writer.advance("one", _S.DISPATCHED, 2.0)
    writer.step_begins("one", 0, 3.0, {"started": "then"})
    writer.step_ends("one", 0, "done", 4.0, "restarted")
    writer.advance("one", _S.VERIFYING, 5.0)
    writer.advance("one", _S.VERIFIED, 6.0, summary="fine", evidence=("web-1: ok",))
    found = reader.operation("one")
    assert found is not None
    assert (found.state, found.summary, found.evidence) == (_S.VERIFIED, "fine", ("web-1: ok",))
    assert found.usual_duration == 12.5
    assert [(step.state, step.detail) for step in found.steps] == [("done", "restarted")]
    assert reader.step_records("one")[0].before == {"started": "then"}
    assert reader.open_operations() == ()
    writer.close()
    reader.close()


def test_a_plan_is_performed_once(folder: Path) -> None:
    journal = Journal(folder)
    journal.submit(intent("one"), 1.0)
    again = Intent("two", plan("plan-one"), whoami(), "why", "digest", "", "/")
    with pytest.raises(PlanUsedError, match="performed already"):
        journal.submit(again, 2.0)
    assert journal.operation("two") is None
    journal.close()


def test_a_step_is_begun_once_and_a_verdict_is_never_taken_back(folder: Path) -> None:
    journal = Journal(folder)
    journal.submit(intent("one"), 1.0)
    journal.advance("one", _S.DISPATCHED, 2.0)
    journal.step_begins("one", 0, 3.0, {})
    with pytest.raises(StateError, match="begun before"):
        journal.step_begins("one", 0, 4.0, {})
    journal.advance("one", _S.FAILED, 5.0, summary="broken")
    with pytest.raises(TransitionError):
        journal.advance("one", _S.VERIFYING, 6.0)
    found = journal.operation("one")
    assert found is not None
    assert found.summary == "broken"
    journal.close()


def test_a_reader_never_waits_for_a_writer(folder: Path) -> None:
    writer, reader = Journal(folder), Journal(folder)
    writer.submit(intent("one"), 1.0)
    with writer.database.transaction() as connection:
        connection.execute("UPDATE operations SET summary = 'half'")
        found = reader.operation("one")
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
    Journal(folder).close()
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
    monkeypatch.setattr(database, "BUSY", 0.0)
    holder, writer = Journal(folder), Journal(folder)
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
    journal = Journal(folder)
    for name in confirmed:
        found = journal.operation(name)
        assert found is not None, name
        assert found.state is _S.DISPATCHED
        assert found.steps[0].state == "running"
    journal.close()
    assert verify_folder(folder).whole


def test_a_journal_of_another_version_is_refused(folder: Path) -> None:
    Journal(folder).close()
    connection = sqlite3.connect(folder / "journal.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match="schema 99"):
        Journal(folder)


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "journal.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match=r"journal\.db"):
        Journal(folder)


@pytest.mark.parametrize(("mode", "expected"), [(0o700, 0o600), (0o2770, 0o660)])
def test_files_are_as_open_as_their_folder(tmp_path: Path, mode: int, expected: int) -> None:
    folder = prepare(tmp_path / "state", shared=mode == 0o2770)
    assert folder.stat().st_mode & 0o7777 == mode
    Journal(folder).close()
    assert (folder / "journal.db").stat().st_mode & 0o777 == expected


def test_a_folder_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(StateError, match="everybody"):
        prepare(tmp_path / "state", shared=False)


@pytest.mark.parametrize("room", [0, 1000, 5000, 9000, 13000])
def test_a_full_disk_is_said_and_what_was_there_is_whole(folder: Path, room: int) -> None:
    argv = [sys.executable, "-c", _FULL_DISK, str(folder), str(room)]
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=Path.cwd(), check=True)
    assert "make room on its disk" in ended.stdout
    journal = Journal(folder)
    assert journal.operation("before") is not None
    assert journal.operation("after") is None
    journal.submit(intent("after"), 3.0)
    journal.close()
    assert verify_folder(folder).whole
