"""Locks in a real PostgreSQL, for tests: where they are, and by which terms."""

from functools import partial
from typing import Any, Final

import psycopg

from opsconsole.operations.locks.lease import TERMS, Terms
from opsconsole.operations.locks.postgresql_line import PostgresqlLine
from opsconsole.operations.locks.postgresql_locks import PostgresqlLocks

QUICK: Final = Terms(renew_every=0.2, lasts=2.0, begins_within=1.0)
"""Terms that lapse while a test waits."""

_SCHEMA: Final = """
CREATE SEQUENCE lock_tokens;
CREATE TABLE locks (
  kind text NOT NULL, id text NOT NULL, token bigint NOT NULL, key text NOT NULL,
  holder text NOT NULL, ends_at timestamptz NOT NULL, PRIMARY KEY (kind, id)
)
"""


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """A connection that is given up soon."""
    return psycopg.connect(
        conninfo, autocommit=True, prepare_threshold=None, connect_timeout=2,
        tcp_user_timeout=2000, keepalives_idle=1, keepalives_interval=1, keepalives_count=2,
    )  # fmt: skip


def prepare_locks(conninfo: str) -> str:
    """Make the tables in a new database."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_SCHEMA.encode())
    return conninfo


def locks_at(conninfo: str, terms: Terms = TERMS) -> PostgresqlLocks:
    """The locks of one process there."""
    return PostgresqlLocks(partial(PostgresqlLine, partial(connect, conninfo)), terms)
