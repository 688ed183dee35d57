"""The journal's connection, which several threads use."""

import threading
from pathlib import Path

from opsconsole.operations.journal.sqlite_database import SqliteDatabase
from opsconsole.operations.state_folder import prepare
from tests.patience import until

SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    " SELECT count(*) FROM n"
)


def test_it_is_not_closed_under_a_thread_that_reads(tmp_path: Path) -> None:
    database = SqliteDatabase(prepare(tmp_path / "state", shared=False))
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend(database.read(SLOW)))
    reader.start()
    until(database._lock.locked, every=0.0001)
    database.close()
    reader.join()
    assert found == [(300000,)]
