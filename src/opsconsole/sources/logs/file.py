"""Following a file, also when it is rotated, truncated or made anew.

Invariant: what the machine says of the file is told in its order; a line that was cut off by a
rotation is told as it was, and none is put together from two files.

It starts with the last ``TAIL`` bytes, from a line's beginning.
"""

from pathlib import PurePath
from typing import Final, assert_never

from opsconsole.machines.base import Machine
from opsconsole.model.machine import Chunk, Followed, Turn, Unreadable
from opsconsole.sources.logs.follower import Follower, LogSink
from opsconsole.sources.logs.raw_lines import LineSplitter
from opsconsole.text import sanitize

TAIL: Final = 256 << 10


class FileFollower(Follower):
    """Follows the file at ``path``, which need not be there yet."""

    def __init__(self, path: PurePath, machine: Machine, sink: LogSink) -> None:
        super().__init__(path.name, sink)
        self._path = path
        self._file = machine.follow(path, TAIL)
        self._splitter = LineSplitter()

    def close(self) -> None:
        """Let go of the file too."""
        super().close()
        self._file.close()

    def follow(self) -> None:
        """Tell what comes of the file."""
        for each in self._file:
            self._tell(each)

    def _tell(self, each: Followed) -> None:
        match each:
            case Chunk():
                lines = self._splitter.feed(each.data)
                if lines:
                    self.sink.lines(lines, live=each.live)
            case Turn.TRUNCATED:
                self._splitter.flush()
                self.sink.gap("the file was truncated")
            case Turn.REPLACED:
                self.sink.lines(self._splitter.flush(), live=True)
            case Unreadable():
                shown = sanitize(str(self._path), limit=200)
                self.sink.trouble(f"cannot read {shown}: {each.why}" if each.why else "")
            case _:
                assert_never(each)
