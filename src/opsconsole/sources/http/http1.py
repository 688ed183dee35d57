"""HTTP/1.1 answers from bytes, strictly and within bounds (RFC 9112).

Invariant: whatever the bytes, the parser holds at most the body limit, one head and the piece
just fed, does work linear in the bytes, and either gives one ``HttpAnswer`` or raises one
``TransportFaultError``. How the bytes are cut into pieces changes nothing. An answer with any
oddity is not ``reusable``: its connection must be closed.
"""

import re
from collections.abc import Callable
from typing import Final

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import (
    FIELD,
    HttpAnswer,
    frame,
    read_head,
    too_large,
    violation,
)
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize_bytes

HEAD_LIMIT: Final = 32 * 1024
"""Bytes of one head: status line and headers; also of all trailers."""

INTERIM_LIMIT: Final = 8
"""How many 1xx answers may come before the final one."""

HTTP2_HINT: Final = "let it speak HTTP/1.1 too, or name a port that does"
"""What to do about a server that this console does not understand."""

CHUNK_LIMIT: Final = 16_384
_LEAST_CHUNK: Final = 256
"""Bytes of a chunk of a large body, on average: one whose limit is higher may have more chunks."""

_CHUNK_LINE_LIMIT: Final = 300

_HEAD_END: Final = re.compile(rb"\n\r?\n")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\0\r\n]*)?\r\n")
_TLS_RECORD: Final = frozenset({0x14, 0x15, 0x16, 0x17})
_FRAME_HEAD: Final = 9
# SETTINGS, which begins what an HTTP/2 server says, and GOAWAY, which may be all that it says.
_FIRST_FRAMES: Final = frozenset({0x04, 0x07})


class ResponseParser:
    """Reads the answer to one request of ``method``, with at most ``body_limit`` bytes of body."""

    __slots__ = (
        "_answer",
        "_body",
        "_body_limit",
        "_buffer",
        "_chunks",
        "_interim",
        "_left",
        "_method",
        "_scanned",
        "_step",
        "_trailer_bytes",
        "started",
    )

    def __init__(self, method: str, body_limit: int) -> None:
        self._method = method
        self._body_limit = body_limit
        self._buffer = bytearray()
        self._body = bytearray()
        self._scanned = 0
        self._interim = 0
        self._chunks = 0
        self._left = 0
        self._trailer_bytes = 0
        self._answer: HttpAnswer | None = None
        # A plain function, not a bound method: a parser must not keep itself and its body alive.
        self._step: Callable[[ResponseParser], bool] | None = ResponseParser._read_head
        self.started = False

    @property
    def phase(self) -> str:
        """``headers`` until a final head was read, then ``body``."""
        return "headers" if self._answer is None else "body"

    @property
    def status(self) -> int | None:
        """The answer's code, once its head was read."""
        return self._answer.status if self._answer else None

    @property
    def head(self) -> HttpAnswer | None:
        """The final answer as far as its head goes, once that was read."""
        return self._answer

    @property
    def held(self) -> int:
        """Bytes of the body that wait to be taken."""
        return len(self._body)

    def take(self) -> bytes:
        """What was read of the body since it was last taken; it counts for no limit any more."""
        taken = bytes(self._body)
        self._body.clear()
        self._chunks = 0
        return taken

    def feed(self, data: bytes) -> HttpAnswer | None:
        """Take the next bytes; the answer when it is complete."""
        self.started = True
        self._buffer += data
        step = self._step
        while step is not None and step(self):
            step = self._step
        if self._step is not None or self._answer is None:
            return None
        return self._finish(self._answer)

    def feed_eof(self) -> HttpAnswer:
        """The peer has closed: the answer if that ends it, else a protocol fault."""
        answer = self._answer
        if answer is not None and self._step is ResponseParser._read_to_end:
            self._step = None
            answer.reusable = False
            return self._finish(answer)
        raise violation(self._how_it_broke_off(), self.status)

    def _how_it_broke_off(self) -> str:
        if self._answer is None:
            return "closed in the middle of the headers"
        if self._step is ResponseParser._read_sized:
            got = len(self._buffer)
            return f"closed after {got} of {self._left} bytes of the body"
        return "closed in the middle of a chunked body"

    def _finish(self, answer: HttpAnswer) -> HttpAnswer:
        if self._buffer:
            # Bytes beyond the answer would be taken for the answer to the next request.
            answer.reusable = False
        answer.body = bytes(self._body)
        return answer

    def _read_head(self) -> bool:
        buffer = self._buffer
        start = bytes(buffer[:5])
        if start != b"HTTP/"[: len(start)]:
            if start[0] == 0 and len(buffer) < _FRAME_HEAD:
                return False
            raise self._not_http()
        match = _HEAD_END.search(buffer, self._scanned)
        if (match.end() if match else len(buffer)) > HEAD_LIMIT:
            raise too_large(f"headers over {HEAD_LIMIT // 1024} KiB", self.status)
        if match is None:
            self._scanned = max(0, len(buffer) - 3)
            return False
        head = bytes(buffer[: match.start() + 1])
        del buffer[: match.end()]
        self._scanned = 0
        self._take_head(head)
        return True

    def _take_head(self, head: bytes) -> None:
        answer = read_head(head)
        if answer.status < 200:
            self._take_interim(answer.status)
            return
        self._answer = answer
        framing = frame(answer, self._method)
        if framing.chunked:
            self._step = ResponseParser._read_chunk_line
        elif framing.length is None:
            self._step = ResponseParser._read_to_end
        elif framing.length > self._body_limit:
            raise self._body_too_large()
        else:
            self._left = framing.length
            self._step = ResponseParser._read_sized

    def _take_interim(self, status: int) -> None:
        self._interim += 1
        if status == 101:
            raise violation("switched protocols without being asked")
        if self._interim > INTERIM_LIMIT:
            raise violation(f"more than {INTERIM_LIMIT} interim answers (1xx)")

    def _read_sized(self) -> bool:
        if len(self._buffer) < self._left:
            return False
        self._body += self._buffer[: self._left]
        del self._buffer[: self._left]
        self._step = None
        return False

    def _read_to_end(self) -> bool:
        self._add(len(self._buffer))
        return False

    def _read_chunk_line(self) -> bool:
        end = self._buffer.find(b"\n", 0, _CHUNK_LINE_LIMIT)
        if end < 0:
            if len(self._buffer) >= _CHUNK_LINE_LIMIT:
                raise violation("chunk size line too long", self.status)
            return False
        match = _CHUNK_LINE.fullmatch(self._buffer, 0, end + 1)
        if match is None:
            shown = sanitize_bytes(bytes(self._buffer[:end]), limit=30)
            raise violation(f"chunk size not understood: {shown}", self.status)
        size = int(match[1], 16)
        # A match holds the bytearray's buffer, which could then not be cut.
        del match
        del self._buffer[: end + 1]
        self._begin_chunk(size)
        return True

    def _begin_chunk(self, size: int) -> None:
        self._chunks += 1
        if size == 0:
            self._step = ResponseParser._read_trailer
            return
        if len(self._body) + size > self._body_limit:
            raise self._body_too_large()
        limit = max(CHUNK_LIMIT, self._body_limit // _LEAST_CHUNK)
        if self._chunks > limit:
            raise too_large(f"more than {limit} chunks", self.status)
        self._left = size
        self._step = ResponseParser._read_chunk

    def _read_chunk(self) -> bool:
        if len(self._buffer) < self._left + 2:
            return False
        if self._buffer[self._left : self._left + 2] != b"\r\n":
            raise violation("chunk longer than its size", self.status)
        self._add(self._left)
        del self._buffer[:2]
        self._step = ResponseParser._read_chunk_line
        return True

    def _read_trailer(self) -> bool:
        end = self._buffer.find(b"\n")
        if self._trailer_bytes + (len(self._buffer) if end < 0 else end) > HEAD_LIMIT:
            raise too_large(f"trailers over {HEAD_LIMIT // 1024} KiB", self.status)
        if end < 0:
            return False
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            self._step = None
            return False
        if not FIELD.fullmatch(line):
            raise violation("trailer not understood", self.status)
        return True

    def _add(self, size: int) -> None:
        if len(self._body) + size > self._body_limit:
            raise self._body_too_large()
        self._body += self._buffer[:size]
        del self._buffer[:size]

    def _body_too_large(self) -> TransportFaultError:
        return too_large(f"body over {_kib(self._body_limit)}", self.status)

    def _not_http(self) -> TransportFaultError:
        if self._buffer[0] in _TLS_RECORD:
            return TransportFaultError(
                FaultKind.PROTOCOL, "the port speaks TLS, not plain HTTP", hint="use https://"
            )
        if _begins_http2(self._buffer[:_FRAME_HEAD]):
            return TransportFaultError(
                FaultKind.UNSUPPORTED,
                "the port speaks HTTP/2 only, which this console does not",
                hint=HTTP2_HINT,
            )
        line = bytes(self._buffer[:60]).split(b"\n", 1)[0].rstrip(b"\r")
        return violation(f"no HTTP answer: {sanitize_bytes(line, limit=40)}", self.status)


def _begins_http2(head: bytearray) -> bool:
    """Whether ``head`` is that of a frame of the connection itself, stream 0 (RFC 9113 §4.1)."""
    return head[0] == 0 and head[3] in _FIRST_FRAMES and not any(head[5:_FRAME_HEAD])


def _kib(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} bytes"
