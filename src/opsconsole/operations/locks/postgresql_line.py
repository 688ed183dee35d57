"""A connection to PostgreSQL that is made when it is first needed, and again when it was lost.

Invariant: every question is a transaction of its own, prepared by nobody, so that PgBouncer may
give each to another session. A question that a lost connection left open is asked once more, on a
new one: only what may be asked twice is asked here. An error names neither address nor password.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from opsconsole.errors import StateError


class PostgresqlLine:
    """Safe to use from several threads, one of which asks at a time."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._guard = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def ask(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """The first row of the answer. Raises StateError."""
        with self._guard:
            is_new = self._connection is None
            try:
                return self._asked(query, values)
            except psycopg.Error as error:
                self._drop()
                if is_new:
                    raise _fault(error) from error
            try:
                return self._asked(query, values)
            except psycopg.Error as error:
                self._drop()
                raise _fault(error) from error

    def close(self) -> None:
        """Release the connection; idempotent."""
        with self._guard:
            self._drop()

    def _asked(self, query: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        if self._connection is None:
            self._connection = self._connect()
        row: tuple[Any, ...] | None = self._connection.execute(query.encode(), values).fetchone()
        return row

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _fault(error: psycopg.Error) -> StateError:
    return StateError(
        f"the locks in PostgreSQL cannot be used: {type(error).__name__}",
        remedy="look at the server, and try opsconsole state check",
    )
