"""What follows one log: a thread of its own, and where it tells what it reads.

Invariant: a follower reads for ever until it is closed, whatever happens to what it follows;
why it cannot read is told and untold. ``close`` never waits: the thread is a daemon.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.text import sanitize

AFTER_DEFECT: Final = 5.0
"""Seconds before a follower that met a defect of ours begins again."""


class LogSink(Protocol):
    """Who hears of a log; every method is called on the follower's thread."""

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        """Lines in their order. ``live``: they came just now, not from the past."""
        ...

    def gap(self, text: str) -> None:
        """Something between the lines that one must know: a gap, a rotation, another container."""
        ...

    def trouble(self, text: str) -> None:
        """Why nothing is read; '' once it is read again."""
        ...


class Follower(ABC):
    """Follows one log on a daemon thread; subclasses say how in ``follow``."""

    def __init__(self, name: str, sink: LogSink) -> None:
        self.sink = sink
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"log:{name}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it is to end."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def close(self) -> None:
        """End soon; idempotent, from any thread."""
        self._stopping.set()

    def wait(self, seconds: float) -> bool:
        """Sleep; whether it is to end."""
        return self._stopping.wait(seconds)

    @abstractmethod
    def follow(self) -> None:
        """Read until it breaks or is to end; called again and again."""

    def _run(self) -> None:
        while not self.stopping:
            try:
                self.follow()
            except Exception as error:  # noqa: BLE001 - the thread's boundary: told, begun again
                words = sanitize(str(error), limit=200)
                self.sink.trouble(f"internal error: {type(error).__name__}: {words}")
                self.wait(AFTER_DEFECT)
