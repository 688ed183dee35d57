"""The tables of a state in PostgreSQL, what leads from each version to the next, and who may what.

Invariant: a stage only adds, so that consoles of two neighbouring versions work side by side: the
database says of which version it is, and which is the oldest that may use it. Making the tables is
one transaction; a stage is never changed once it was released. A console may be granted to look or
to act, and may so after an upgrade; nobody but the owner of the tables can change or remove a row
of the audit, or what was meant by an operation.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from opsconsole.errors import StateError
from opsconsole.operations.postgresql.link import SCHEMA, Link, unusable

_MIB: Final = 1024 * 1024


def _text(name: str, most: int = 65_536, default: str = "") -> str:
    """A column of text that nobody can fill without measure."""
    return f"{name} TEXT NOT NULL {default} CHECK (octet_length({name}) <= {most})"


_FIRST: Final = f"""
CREATE TABLE chain (
  one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  identity TEXT NOT NULL DEFAULT gen_random_uuid()::text,
  version BIGINT NOT NULL
);
INSERT INTO chain (version) VALUES (1);
CREATE TABLE operations (
  rowid BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
  {_text("id", 16)} PRIMARY KEY,
  {_text("plan_id")} UNIQUE,
  {_text("service")},
  {_text("kind")},
  {_text("name")},
  {_text("environment")},
  {_text("state")},
  {_text("plan", 4 * _MIB)},
  {_text("who")},
  {_text("host")},
  {_text("asked_by")},
  {_text("reason")},
  {_text("declaration")},
  {_text("config_path")},
  {_text("base")},
  {_text("summary", _MIB, "DEFAULT ''")},
  {_text("evidence", 4 * _MIB, "DEFAULT '[]'")},
  started_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL,
  ended_at DOUBLE PRECISION,
  ends_at DOUBLE PRECISION
);
CREATE INDEX operations_of_service ON operations (service, kind, started_at);
CREATE INDEX operations_by_time ON operations (started_at);
CREATE TABLE steps (
  operation TEXT NOT NULL REFERENCES operations (id),
  ordinal BIGINT NOT NULL,
  {_text("summary")},
  {_text("state")},
  {_text("detail", _MIB, "DEFAULT ''")},
  {_text("before", _MIB, "DEFAULT '{}'")},
  started_at DOUBLE PRECISION,
  ended_at DOUBLE PRECISION,
  PRIMARY KEY (operation, ordinal)
);
CREATE TABLE promises (
  operation TEXT NOT NULL REFERENCES operations (id),
  {_text("kind")},
  {_text("service")},
  due DOUBLE PRECISION NOT NULL,
  {_text("boot_id", default="DEFAULT ''")},
  due_boottime DOUBLE PRECISION NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  {_text("outcome", default="DEFAULT ''")},
  PRIMARY KEY (operation, kind)
);
CREATE TABLE notes (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at DOUBLE PRECISION NOT NULL,
  {_text("who")},
  {_text("host")},
  {_text("service")},
  {_text("text")},
  {_text("scope")}
);
CREATE TABLE seen (
  {_text("uid", 200)} PRIMARY KEY,
  until DOUBLE PRECISION NOT NULL
);
CREATE TABLE ledgers (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  {_text("kind", 80)},
  {_text("id", 200)},
  {_text("scope", 8192)},
  moved_at DOUBLE PRECISION NOT NULL,
  records BIGINT NOT NULL DEFAULT 0,
  ended BIGINT NOT NULL DEFAULT 0,
  UNIQUE (kind, id, scope)
);
CREATE TABLE ledger_records (
  ledger BIGINT NOT NULL REFERENCES ledgers (number) ON DELETE CASCADE,
  ordinal BIGINT NOT NULL,
  {_text("record", 4 * _MIB)},
  PRIMARY KEY (ledger, ordinal)
);
CREATE TABLE audit (
  seq BIGINT PRIMARY KEY,
  {_text("record", 8 * _MIB)},
  {_text("prev", 64)},
  {_text("hash", 64)}
);
CREATE TABLE mandates (
  {_text("operation", 16)} PRIMARY KEY,
  {_text("signed_by", 64)},
  {_text("record", 4 * _MIB)},
  {_text("signature", 64)},
  moved BIGINT NOT NULL
);
CREATE INDEX mandates_of_key ON mandates (signed_by);
CREATE SEQUENCE lock_tokens;
CREATE TABLE locks (
  {_text("kind", 80)},
  {_text("id", 200)},
  token BIGINT NOT NULL,
  {_text("key", 200)},
  {_text("holder")},
  ends_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (kind, id)
)
"""  # noqa: S608 - our own

_RECORDINGS: Final = f"""
CREATE TABLE recordings (
  {_text("id", 64)} PRIMARY KEY,
  {_text("environment", 400)},
  {_text("seen_by", 800)},
  keep DOUBLE PRECISION NOT NULL CHECK (keep BETWEEN 1 AND 1e10),
  joined_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE recorded (
  recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
  {_text("kind", 20)},
  number BIGINT NOT NULL,
  starts_at DOUBLE PRECISION NOT NULL,
  ends_at DOUBLE PRECISION NOT NULL,
  more BIGINT NOT NULL,
  {_text("hash", 64)},
  data BYTEA NOT NULL CHECK (octet_length(data) <= {64 * _MIB}),
  sent_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (recording, kind, number, ends_at)
);
ALTER TABLE recorded ALTER data SET STORAGE EXTERNAL;
CREATE INDEX recorded_by_time ON recorded (recording, sent_at)
"""

STAGES: Final = (_FIRST, _RECORDINGS)
"""What leads from each version to the next, from an empty schema on."""

VERSION: Final = len(STAGES)

OLDEST: Final = 1
"""The oldest console that may use the tables as this one makes them."""

ACTING: Final[Mapping[str, str]] = {
    "chain": "SELECT, UPDATE (version)",
    "operations": "SELECT, INSERT, UPDATE (state, summary, evidence, updated_at, ended_at)",
    "steps": "SELECT, INSERT, UPDATE (state, detail, before, started_at, ended_at)",
    "promises": "SELECT, INSERT, UPDATE (outcome, attempts)",
    "notes": "SELECT, INSERT",
    "seen": "SELECT, INSERT, UPDATE",
    "ledgers": "SELECT, INSERT, UPDATE (moved_at, records, ended), DELETE",
    "ledger_records": "SELECT, INSERT, DELETE",
    "audit": "SELECT, INSERT",
    "mandates": "SELECT, INSERT, UPDATE, DELETE",
    "locks": "SELECT, INSERT, UPDATE, DELETE",
    "recordings": "SELECT, INSERT, UPDATE (keep), DELETE",
    "recorded": "SELECT, INSERT, DELETE",
    "versions": "SELECT",
}
"""What a role that may act is granted, by table; one that may look is granted SELECT."""

_VERSIONS: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.versions (
  one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  version BIGINT NOT NULL,
  oldest BIGINT NOT NULL
);
INSERT INTO {SCHEMA}.versions (version, oldest) VALUES (0, 0) ON CONFLICT DO NOTHING
"""  # noqa: S608 - our own


def version_of(link: Link) -> tuple[int, int] | None:
    """The version of the tables, and the oldest console that may use them; None for no tables."""
    there = link.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.versions",)).fetchone()
    if there is None or there[0] is None:
        return None
    row = link.execute(_own("SELECT version, oldest FROM {schema}.versions")).fetchone()
    return None if row is None else (row[0], row[1])


def prepare(link: Link, *, may_make: bool = True) -> None:
    """Make or upgrade the tables where that is necessary and may be done. Raises StateError."""
    try:
        found = version_of(link)
        if may_make and (found is None or found[0] < VERSION):
            _upgrade(link)
            found = version_of(link)
    except psycopg.Error as error:
        raise unusable(error) from error
    check(found)


def check(found: tuple[int, int] | None) -> None:
    """Return where this console may use tables of such a version. Raises StateError."""
    if found is None:
        raise StateError(
            "the database has no tables of opsconsole",
            remedy="let the owner of the database make them: opsconsole state prepare",
        )
    version, oldest = found
    if version < VERSION:
        raise StateError(
            f"the state in PostgreSQL has schema {version}, this console needs {VERSION}",
            remedy="let the owner of its tables upgrade them: opsconsole state prepare",
        )
    if oldest > VERSION:
        raise StateError(
            f"the state in PostgreSQL has schema {version}, this console knows {VERSION}",
            remedy="use a later version of the console",
        )


def grant(link: Link, role: str, *, acting: bool) -> None:
    """Let ``role`` look, or act as well; what it had before goes. Raises StateError."""
    name = sql.Identifier(role)
    try:
        with link.transaction():
            link.execute(_own("GRANT USAGE ON SCHEMA {schema} TO {role}", role=name))
            for all_of in ("TABLES", "SEQUENCES"):
                text = f"REVOKE ALL ON ALL {all_of} IN SCHEMA {{schema}} FROM {{role}}"
                link.execute(_own(text, role=name))
            _grant(link, name, acting=acting)
    except psycopg.Error as error:
        raise unusable(error) from error


def _grant(link: Link, role: sql.Identifier, *, acting: bool) -> None:
    for table, rights in ACTING.items():
        text = f"GRANT {rights if acting else 'SELECT'} ON {{schema}}.{table} TO {{role}}"
        link.execute(_own(text, role=role))
    if acting:
        text = "GRANT USAGE ON SEQUENCE {schema}.lock_tokens TO {role}"
        link.execute(_own(text, role=role))


def _grant_again(link: Link) -> None:
    """Let every role that may look or act do so in the tables of this version as well."""
    granted = link.execute(
        "SELECT grantee, bool_or(privilege_type = 'INSERT')"
        " FROM information_schema.role_table_grants"
        " WHERE table_schema = %s AND table_name = 'notes' AND grantee NOT IN (grantor, 'PUBLIC')"
        " GROUP BY grantee",
        (SCHEMA,),
    )
    for role, acting in granted.fetchall():
        _grant(link, sql.Identifier(role), acting=acting)


def _upgrade(link: Link) -> None:
    """Nothing for who may not."""
    with suppress(psycopg.errors.InsufficientPrivilege), link.transaction():
        link.execute("SET LOCAL statement_timeout = '60s'")
        # Two consoles that are opened at once; the lock ends with the transaction.
        link.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (SCHEMA,))
        link.execute(_VERSIONS.encode())
        link.execute(_own("SET LOCAL search_path = {schema}"))
        (before,) = link.execute("SELECT version FROM versions").fetchall()[0]
        for stage in STAGES[before:]:
            link.execute(stage.encode())
        if before < VERSION:
            link.execute("UPDATE versions SET version = %s, oldest = %s", (VERSION, OLDEST))
            _grant_again(link)


def _own(text: str, **names: sql.Identifier) -> sql.Composed:
    """A statement of the console's own, with the name of the schema."""
    return sql.SQL(text).format(schema=sql.Identifier(SCHEMA), **names)
