"""What is asked of a database that keeps state, whichever it is.

Statements are written once, for SQLite and PostgreSQL alike: ``?`` stands for a value, tables have
their plain names, and nothing rests on a session. Every method raises StateError where the
database cannot be used.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from opsconsole.errors import StateError

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Sequence[object]


class TakenError(StateError):
    """A row with that key is there already; the transaction cannot go on."""

    def __init__(self) -> None:
        super().__init__("the journal has that row already", remedy="look at who wrote it")


class Transaction(Protocol):
    """What is done in one order with all other writers, whole or not at all."""

    def rows(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows that a statement gives."""
        ...

    def change(self, statement: str, values: Values = ()) -> int:
        """How many rows a statement changed. Raises TakenError."""
        ...

    def change_each(self, statement: str, many: Iterable[Values]) -> None:
        """Run a statement once for each of ``many``. Raises TakenError."""
        ...

    def write(self, statement: str, values: Values = ()) -> None:
        """Change what nobody asks about: it may be sent with what comes next."""
        ...


class Database(Protocol):
    """One database, which several threads may use in turn."""

    def read(self, statement: str, values: Values = ()) -> list[Row]:
        """The rows of a SELECT; it never waits for a writer."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Keep out all other writers; what was written is durable once the block has ended."""
        ...

    def try_writing(self) -> None:
        """Return where a transaction could be made; nothing is changed."""
        ...

    def version(self) -> int:
        """A number that differs once another process has changed the database."""
        ...

    def close(self) -> None:
        """Release what it holds; idempotent."""
        ...
