"""A log source with a thread of its own.

Invariant: it reads again and again until it is closed; a defect of ours is reported as trouble and
begun again. ``close`` never waits: the thread is a daemon.
"""

import threading
from abc import abstractmethod
from collections.abc import Iterator
from typing import Final

from opsconsole.sources.logs.base import LogSink, LogSource, Sought, Stretch
from opsconsole.text import sanitize

AFTER_DEFECT: Final = 5.0
"""Seconds before a follower that met a defect of ours begins again."""


class Follower(LogSource):
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

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """What a kind of log says that cannot be read back."""
        yield Stretch(0.0, trouble="what was logged before cannot be read of this kind of log")

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
            except Exception as error:  # noqa: BLE001 - the thread's boundary: reported, begun again
                words = sanitize(str(error), limit=200)
                self.sink.trouble(f"internal error: {type(error).__name__}: {words}")
                self.wait(AFTER_DEFECT)
