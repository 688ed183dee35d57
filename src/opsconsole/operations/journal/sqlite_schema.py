"""The tables of the journal's database, and what leads from each version of them to the next.

Invariant: bringing a database up is one transaction: it is as it was, or of ``VERSION`` with all
that it held. What earlier consoles kept in files beside it is taken in once, and left where it is.
"""

import sqlite3
from pathlib import Path
from typing import Final

from opsconsole.operations.journal.sqlite_taking_in import take_in_files

_FIRST: Final = """
CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  plan_id TEXT NOT NULL UNIQUE,
  service TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  plan TEXT NOT NULL,
  who TEXT NOT NULL,
  host TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  declaration TEXT NOT NULL,
  config_path TEXT NOT NULL,
  base TEXT NOT NULL,
  summary TEXT NOT NULL DEFAULT '',
  evidence TEXT NOT NULL DEFAULT '[]',
  started_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  ended_at REAL,
  ends_at REAL
) STRICT;
CREATE INDEX operations_of_service ON operations (service, kind, started_at);
CREATE INDEX operations_by_time ON operations (started_at);
CREATE TABLE steps (
  operation TEXT NOT NULL REFERENCES operations (id),
  ordinal INTEGER NOT NULL,
  summary TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  before TEXT NOT NULL DEFAULT '{}',
  started_at REAL,
  ended_at REAL,
  PRIMARY KEY (operation, ordinal)
) STRICT;
CREATE TABLE ends (
  operation TEXT PRIMARY KEY REFERENCES operations (id),
  service TEXT NOT NULL,
  due_wall REAL NOT NULL,
  boot_id TEXT NOT NULL,
  due_boottime REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  record TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
"""


_ROLLBACKS: Final = """
CREATE TABLE rollbacks (
  operation TEXT PRIMARY KEY REFERENCES operations (id),
  due REAL NOT NULL,
  outcome TEXT NOT NULL DEFAULT ''
) STRICT;
"""

_PROMISES_AND_PEOPLE: Final = """
CREATE TABLE promises (
  operation TEXT NOT NULL REFERENCES operations (id),
  kind TEXT NOT NULL,
  service TEXT NOT NULL,
  due REAL NOT NULL,
  boot_id TEXT NOT NULL DEFAULT '',
  due_boottime REAL NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (operation, kind)
) STRICT;
INSERT INTO promises
  SELECT operation, 'end', service, due_wall, boot_id, due_boottime, attempts, ended_by FROM ends;
INSERT INTO promises
  SELECT operation, 'rollback', service, due, '', 0, 0, outcome
  FROM rollbacks JOIN operations ON operations.id = rollbacks.operation;
DROP TABLE ends;
DROP TABLE rollbacks;
CREATE TABLE notes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  who TEXT NOT NULL,
  host TEXT NOT NULL,
  service TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
  uid INTEGER PRIMARY KEY,
  until REAL NOT NULL
) STRICT;
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  moved_at REAL NOT NULL,
  records INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE run_records (
  run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (run, ordinal)
) STRICT;
"""

_SCOPES: Final = """
ALTER TABLE notes ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN scope TEXT NOT NULL DEFAULT ''
"""

_LEDGERS: Final = """
CREATE TABLE ledgers (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  scope TEXT NOT NULL,
  moved_at REAL NOT NULL,
  records INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, id, scope)
) STRICT;
CREATE TABLE ledger_records (
  ledger INTEGER NOT NULL REFERENCES ledgers (number) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (ledger, ordinal)
) STRICT;
INSERT INTO ledgers (kind, id, scope, moved_at, records, ended)
  SELECT 'runbook', id, scope, moved_at, records, ended FROM runs ORDER BY rowid;
INSERT INTO ledger_records
  SELECT number, ordinal, record FROM run_records JOIN ledgers ON id = run;
DROP TABLE run_records;
DROP TABLE runs
"""

_ENVIRONMENTS: Final = """
ALTER TABLE operations ADD COLUMN environment TEXT NOT NULL DEFAULT '';
UPDATE operations SET environment = coalesce(json_extract(plan, '$.environment'), '')
  WHERE json_valid(plan)
"""

STAGES: Final = (_FIRST, _ROLLBACKS, _PROMISES_AND_PEOPLE, _SCOPES, _LEDGERS, _ENVIRONMENTS)
"""What leads from each schema version to the next, from an empty database on."""

VERSION: Final = len(STAGES)
_IN_FILES: Final = 2
"""The latest version beside which notes, verdicts seen and runs of runbooks were files."""


def bring_up(connection: sqlite3.Connection, folder: Path) -> int:
    """Make the tables that are missing, unless another process did meanwhile; the version then.

    The caller has taken the write lock; the transaction ends here.
    """
    (before,) = connection.execute("PRAGMA user_version").fetchone()
    for stage in STAGES[before:]:
        for statement in filter(str.strip, stage.split(";\n")):
            connection.execute(statement)
    if before <= _IN_FILES:
        take_in_files(connection, folder)
    version = max(int(before), VERSION)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")
    return version
