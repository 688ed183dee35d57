"""What every log source is, what it is made from, and what receives its lines.

Invariant: a log source reads until it is closed, whatever happens to what it follows;
why it cannot read is reported, and so is that it can again. ``start`` and ``close`` never wait.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from opsconsole.config.http import HttpConfig
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.machines.base import Machine
from opsconsole.sources.logs.raw_lines import RawLine


class LogSink(Protocol):
    """What receives a log; every method is called on the source's own thread."""

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        """Lines in their order. ``live``: they came just now, not from the past."""
        ...

    def unfinished(self, line: RawLine) -> None:
        """A last line that may never get its line feed; if it does, ``lines`` has it whole."""
        ...

    def gap(self, text: str) -> None:
        """Something between the lines that a reader must know:

        a gap, a rotation, another container.
        """
        ...

    def trouble(self, text: str) -> None:
        """Why nothing is read; '' once it is read again."""
        ...


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for in a log's past.

    ``since`` is in Unix seconds, None for all of it. ``needle`` is in lower case and stands in
    every line that is wanted, in either case; b"" where nothing is known of the lines.
    """

    since: float | None = None
    needle: bytes = b""

    def may_hold(self, data: bytes) -> bool:
        """Whether a wanted line may be in ``data``."""
        return self.needle in data.lower()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a log's past, its lines in their order. The stretches of a log come newest first.

    ``written`` is when its last line was, in Unix seconds: the time of lines without one. Taking
    ``batches`` reads it, and raises OSError where that goes wrong. ``read`` counts bytes.
    ``trouble`` says why there is nothing to take.
    """

    written: float
    batches: Iterator[list[RawLine]] = field(default_factory=lambda: iter(()))
    read: int = 0
    trouble: str = ""


class LogSource(Protocol):
    """One log that is followed; it is made with its sink."""

    @abstractmethod
    def past(self, sought: Sought) -> Iterator[Stretch]:
        """What was logged up to this moment; blocks, and needs no ``start``."""

    @abstractmethod
    def start(self) -> None:
        """Begin; once."""

    @abstractmethod
    def close(self) -> None:
        """End soon; idempotent, from any thread."""


@dataclass(frozen=True, slots=True)
class LogContext:
    """All that a log source is made from beside its name. ``base``: where relative paths start.

    ``settings`` have the engines and clusters that it may be read from; ``engine`` names the one,
    None for each. ``url`` is of the server that keeps it, where one does, asked as ``http`` says.
    """

    base: Path
    machine: Machine
    settings: Settings = field(default_factory=Settings)
    engine: str | None = None
    url: str = ""
    http: HttpConfig = field(default_factory=HttpConfig)
