"""What every log source is, what it is made from, and what receives its lines.

Invariant: a log source reads until it is closed, whatever happens to what it follows;
why it cannot read is reported, and so is that it can again. ``start`` and ``close`` never wait.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opsconsole.config.settings import Docker
from opsconsole.machines.base import Machine
from opsconsole.sources.logs.raw_lines import RawLine


class LogSink(Protocol):
    """What receives a log; every method is called on the source's own thread."""

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        """Lines in their order. ``live``: they came just now, not from the past."""
        ...

    def gap(self, text: str) -> None:
        """Something between the lines that a reader must know:

        a gap, a rotation, another container.
        """
        ...

    def trouble(self, text: str) -> None:
        """Why nothing is read; '' once it is read again."""
        ...


class LogSource(Protocol):
    """One log that is followed; it is made with its sink."""

    @abstractmethod
    def start(self) -> None:
        """Begin; once."""

    @abstractmethod
    def close(self) -> None:
        """End soon; idempotent, from any thread."""


@dataclass(frozen=True, slots=True)
class LogContext:
    """All that a log source is made from beside its name. ``base``: where relative paths start.

    ``engines`` are those that may have the container; () for the one of this host.
    """

    base: Path
    machine: Machine
    engines: tuple[Docker, ...] = ()
