"""Following a systemd unit's journal through ``journalctl``.

Invariant: ``journalctl`` runs where the journal is, without a shell; it ends with its follower.
After a break the journal is asked for from the last entry's cursor, so that nothing is doubled.
"""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from opsconsole.machines.base import Stream
from opsconsole.model.running.machine import Command, MachineError
from opsconsole.sources.logs.base import LogContext, LogSink, Sought, Stretch
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.raw_lines import LineSplitter, RawLine
from opsconsole.text import sanitize, sanitize_bytes

TAIL: Final = 1_000
_CATCH_UP: Final = 1.5
_PAUSE: Final = 5.0
_WORDS: Final = ("critical", "critical", "critical", "error", "warning", "notice", "info", "debug")


class JournalFollower(Follower):
    """Follows the journal of ``unit``."""

    def __init__(self, unit: str, context: LogContext, sink: LogSink) -> None:
        super().__init__(unit, sink)
        self._unit = unit
        self._machine = context.machine
        self._cursor = ""
        self._tail = TAIL
        self._stream: Stream | None = None

    def close(self) -> None:
        """End the program too."""
        super().close()
        stream = self._stream
        if stream is not None:
            stream.close()

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """The unit's whole journal."""
        since = () if sought.since is None else ("--since", f"@{sought.since:.0f}")
        argv = ("journalctl", "--unit", self._unit, "--output", "json", *since)
        try:
            stream = self._machine.stream(Command((*argv, "--no-pager", "--quiet"), inherits=True))
        except MachineError as error:
            yield Stretch(0.0, trouble=f"cannot run journalctl: {error}; is systemd there?")
            return
        self._stream = stream
        yield Stretch(time.time(), self._batches(stream))

    def _batches(self, stream: Stream) -> Iterator[list[RawLine]]:
        splitter = LineSplitter()
        try:
            for chunk in stream:
                found = (self._entry(raw) for raw in splitter.feed(chunk))
                yield [line for line in found if line is not None]
        finally:
            stream.close()
        finished = stream.finished
        if finished is not None and finished.code > 0:
            why = sanitize_bytes(finished.complaint.strip(), limit=200)
            raise OSError(f"journalctl ended: {why or 'without a word'}")

    def follow(self) -> None:
        """One program to its end, then a pause."""
        start = ("--after-cursor", self._cursor) if self._cursor else ("--lines", str(self._tail))
        before = self._cursor
        argv = ("journalctl", "--unit", self._unit, "--output", "json", "--follow", *start)
        try:
            stream = self._machine.stream(Command((*argv, "--no-pager", "--quiet"), inherits=True))
        except MachineError as error:
            self.sink.trouble(f"cannot run journalctl: {error}; is systemd there?")
            self.wait(_PAUSE)
            return
        self._stream = stream
        if self.stopping:
            stream.close()
        self._read(stream)
        self._stream = None
        finished = stream.finished
        if not self.stopping and finished is not None:
            why = sanitize_bytes(finished.complaint.strip(), limit=200)
            self.sink.trouble(f"journalctl ended: {why or 'without a word'}")
            if before and finished.code > 0 and self._cursor == before:
                # The entry of the cursor is gone; what came between is not known.
                self._cursor, self._tail = "", 0
                self.sink.gap("the place in the journal is gone: followed from this moment on")
            self.wait(_PAUSE)

    def _read(self, stream: Stream) -> None:
        splitter = LineSplitter()
        live_from = time.monotonic() + (0.0 if self._cursor else _CATCH_UP)
        for chunk in stream:
            self.sink.trouble("")
            found = [self._entry(raw) for raw in splitter.feed(chunk)]
            lines = [line for line in found if line is not None]
            self.sink.lines(lines, live=time.monotonic() >= live_from)

    def _entry(self, raw: RawLine) -> RawLine | None:
        """An entry as a line: what was logged if it is JSON, else with the priority's word."""
        try:
            entry = json.loads(raw.data)
        except (ValueError, RecursionError):
            return None if not raw.over else RawLine(raw.data, raw.over)
        if not isinstance(entry, dict):
            return None
        cursor = entry.get("__CURSOR")
        self._cursor = cursor if isinstance(cursor, str) else self._cursor
        message = entry.get("MESSAGE")
        if isinstance(message, list):
            # journalctl writes what is not UTF-8 as an array of bytes.
            message = sanitize_bytes(bytes(n & 255 for n in message if isinstance(n, int)))
        text = message if isinstance(message, str) else ""
        return RawLine(_as_line(text, entry).encode("utf-8", "replace"), 0, _time_of(entry))


def _as_line(text: str, entry: dict[str, Any]) -> str:
    if text.startswith("{"):
        return text
    priority = str(entry.get("PRIORITY", ""))
    word = _WORDS[int(priority)] if priority in set("01234567") else "info"
    name = sanitize(str(entry.get("SYSLOG_IDENTIFIER", "")), limit=40)
    return json.dumps({"level": word, "message": f"{name}: {text}" if name else text})


def _time_of(entry: dict[str, Any]) -> float | None:
    try:
        return int(entry["__REALTIME_TIMESTAMP"]) / 1e6
    except (KeyError, TypeError, ValueError):
        return None
