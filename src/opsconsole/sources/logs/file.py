"""Following a file, also when it is rotated, truncated or created again.

Invariant: what the machine says of the file is passed on in its order; a line that was cut off
by a rotation is passed on as it was, and none is put together from two files.

It starts with the last ``TAIL`` bytes, from a line's beginning.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, assert_never

from opsconsole.model.running.machine import Chunk, Followed, Turn, Unreadable
from opsconsole.sources.logs.base import LogContext, LogSink, Sought, Stretch
from opsconsole.sources.logs.file_past import stretches
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.raw_lines import LineSplitter
from opsconsole.text import sanitize

TAIL: Final = 256 << 10


class FileFollower(Follower):
    """Follows the file ``what``, which need not be there yet."""

    def __init__(self, what: str, context: LogContext, sink: LogSink) -> None:
        self._path = context.base / Path(what).expanduser()
        super().__init__(self._path.name, sink)
        self._machine = context.machine
        self._file = context.machine.follow(self._path, TAIL)
        self._splitter = LineSplitter()

    def close(self) -> None:
        """Let go of the file too."""
        super().close()
        self._file.close()

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """The file back to its beginning, and what it was rotated into."""
        return stretches(self._machine, self._path, sought)

    def follow(self) -> None:
        """Pass on each piece of the file."""
        for each in self._file:
            self._pass_on(each)

    def _pass_on(self, each: Followed) -> None:
        match each:
            case Chunk():
                lines = self._splitter.feed(each.data)
                if lines:
                    self.sink.lines(lines, live=each.live)
            case Turn.TRUNCATED:
                self.sink.lines(self._splitter.flush(), live=True)
                self.sink.gap("the file was truncated")
            case Turn.REPLACED:
                self.sink.lines(self._splitter.flush(), live=True)
            case Turn.RESTING:
                if self._splitter.pending:
                    self.sink.unfinished(self._splitter.so_far)
            case Unreadable():
                shown = sanitize(str(self._path), limit=200)
                self.sink.trouble(f"cannot read {shown}: {each.why}" if each.why else "")
            case _:
                assert_never(each)
