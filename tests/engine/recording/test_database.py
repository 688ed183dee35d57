"""A recording that a group shares: its rows are read, and nothing else that is in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from opsconsole.engine.recording.database import connect_reader, connect_writer


def test_no_view_and_no_trigger_of_a_recording_is_run(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    connect_writer(path, 0o600).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TRIGGER t AFTER INSERT ON layouts BEGIN DELETE FROM events; END")
        other.execute("ALTER TABLE watches RENAME TO w2")
        other.execute(
            "CREATE VIEW watches AS WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, i AS begin, i AS end FROM n"
        )
        other.commit()
    reader = connect_reader(path)
    assert reader is not None
    with closing(reader), pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        reader.execute("SELECT begin FROM watches").fetchone()
    with (
        closing(connect_writer(path, 0o600)) as writer,
        pytest.raises(sqlite3.DatabaseError, match="not authorized"),
    ):
        writer.execute("INSERT INTO layouts (fields) VALUES ('[]')")


def test_a_text_that_is_none_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    with closing(connect_writer(path, 0o600)) as writer:
        writer.execute("INSERT INTO layouts (fields) VALUES (CAST(x'ff41' AS TEXT))")
        assert writer.execute("SELECT fields FROM layouts").fetchone() == ("\\xffA",)
