"""The audit's chain: edits, deletions and swaps are found and named."""

import socket
import sqlite3
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import OperationState
from opsconsole.operations.journal.audit import Row, canonical, link, verify
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.sqlite_journal import SqliteJournal, audit_of
from opsconsole.operations.state_folder import prepare
from tests.operations.journal.samples import intent, op


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder with six audited events."""
    made = prepare(tmp_path / "state", shared=False)
    journal = SqliteJournal(made)
    for name in ("one", "two"):
        journal.submit(intent(name), 1.0)
        journal.advance(op(name), OperationState.DISPATCHED, 2.0)
        journal.advance(op(name), OperationState.FAILED, 3.0, summary="broken")
    journal.close()
    return made


def _tamper(folder: Path, *statements: str) -> tuple[str, ...]:
    connection = sqlite3.connect(folder / "journal.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    report = verify(audit_of(folder))
    assert not report.whole
    return report.lines


def test_a_chain_that_nobody_touched_is_whole(folder: Path) -> None:
    report = verify(audit_of(folder))
    assert report.whole
    assert "6 rows" in report.lines[0]
    assert any("cannot be seen" in line for line in report.lines)


def test_an_edit_is_found(folder: Path) -> None:
    edit = "UPDATE audit SET record = replace(record, 'broken', 'fine') WHERE seq = 3"
    assert "row 3: its record was edited" in _tamper(folder, edit)


def test_a_deletion_is_found(folder: Path) -> None:
    lines = _tamper(folder, "DELETE FROM audit WHERE seq = 4")
    assert any(line.startswith("row 5: row 4 was expected") for line in lines)


def test_a_deletion_that_is_renumbered_is_found(folder: Path) -> None:
    lines = _tamper(
        folder, "DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5"
    )
    assert "row 4: holds the record of another row" in lines


def test_a_swap_is_found(folder: Path) -> None:
    lines = _tamper(
        folder,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    )
    assert any(line.startswith("row 2:") for line in lines)


def test_every_single_bit_matters() -> None:
    record = canonical({"seq": 1, "event": "intent"})
    row = Row(1, record, "0" * 64, link("0" * 64, record))
    assert verify([row]).whole
    for place in range(len(record)):
        for bit in range(7):
            flipped = chr(ord(record[place]) ^ (1 << bit))
            edited = record[:place] + flipped + record[place + 1 :]
            assert not verify([Row(1, edited, row.prev, row.hash)]).whole


def _flood(sinks: AuditSinks, row: Row) -> None:
    for _ in range(100_000):
        sinks.write(row)


def test_the_system_log_takes_each_row_and_never_hangs(tmp_path: Path) -> None:
    place = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as logger:
        logger.bind(str(place))
        sinks = AuditSinks(syslog=place)
        assert sinks.why_not_writable() == ""
        record = canonical({"seq": 1, "event": "intent"})
        row = Row(1, record, "0" * 64, link("0" * 64, record))
        sinks.write(row)
        assert row.hash.encode() in logger.recv(65536)
        with pytest.raises(StateError, match="does not take the audit"):
            _flood(sinks, row)
    place.unlink()
    assert "no system log" in sinks.why_not_writable()
    with pytest.raises(StateError, match="does not take the audit"):
        sinks.write(row)
