"""Locks in a real PostgreSQL, for tests: where they are, and by which terms."""

from functools import partial
from typing import Final

from opsconsole.operations.locks.lease import TERMS, Terms
from opsconsole.operations.locks.postgresql_locks import PostgresqlLocks
from opsconsole.operations.postgresql.database import PostgresqlDatabase

QUICK: Final = Terms(renew_every=0.2, lasts=2.0, begins_within=1.0)
"""Terms that lapse while a test waits."""


def locks_at(conninfo: str, terms: Terms = TERMS) -> PostgresqlLocks:
    """The locks of one process there."""
    return PostgresqlLocks(partial(PostgresqlDatabase, conninfo), terms)
