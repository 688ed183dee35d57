"""HTTP/1.1 answers from bytes, strictly and within bounds (RFC 9112).

Invariant: whatever the bytes, the parser holds at most the body limit and one head, does work
linear in the bytes, and either gives one ``Answer`` or raises one ``TransportFaultError``. How the
bytes are cut into pieces changes nothing. An answer with any oddity is not ``reusable``: its
connection must be closed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opsconsole.model.fault import FaultKind
from opsconsole.sources.transport_fault import TransportFaultError
from opsconsole.text import sanitize_bytes

HEAD_LIMIT: Final = 32 * 1024
"""Bytes of one head: status line and headers; also of all trailers."""

HEADER_LIMIT: Final = 100
INTERIM_LIMIT: Final = 8
"""How many 1xx answers may come before the final one."""

CHUNK_LIMIT: Final = 16_384
_CHUNK_LINE_LIMIT: Final = 300

_HEAD_END: Final = re.compile(rb"\n\r?\n")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\0\r\n]*))?\r?\n")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\0\r\n]*)\r?\n")
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0\r\n]*\r?\n)*")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\0\r\n]*)?\r\n")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_TLS_RECORD: Final = frozenset({0x14, 0x15, 0x16, 0x17})


@dataclass(slots=True)
class Answer:
    """One final answer. Header values are stripped, otherwise as they came."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    reusable: bool = True


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
        self._answer: Answer | None = None
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

    def feed(self, data: bytes) -> Answer | None:
        """Take the next bytes; the answer when it is complete."""
        self.started = True
        self._buffer += data
        step = self._step
        while step is not None and step(self):
            step = self._step
        if self._step is not None or self._answer is None:
            return None
        return self._finish(self._answer)

    def feed_eof(self) -> Answer:
        """The peer has closed: the answer if that ends it, else a protocol fault."""
        answer = self._answer
        if answer is not None and self._step is ResponseParser._read_to_end:
            self._step = None
            answer.reusable = False
            return self._finish(answer)
        raise self._violation(self._how_it_broke_off())

    def _how_it_broke_off(self) -> str:
        if self._answer is None:
            return "closed in the middle of the headers"
        if self._step is ResponseParser._read_sized:
            got = len(self._buffer)
            return f"closed after {got} of {self._left} bytes of the body"
        return "closed in the middle of a chunked body"

    def _finish(self, answer: Answer) -> Answer:
        if self._buffer:
            # Bytes beyond the answer would be taken for the answer to the next request.
            answer.reusable = False
        answer.body = bytes(self._body)
        return answer

    def _read_head(self) -> bool:
        buffer = self._buffer
        start = bytes(buffer[:5])
        if start != b"HTTP/"[: len(start)]:
            raise self._not_http()
        match = _HEAD_END.search(buffer, self._scanned)
        if (match.end() if match else len(buffer)) > HEAD_LIMIT:
            raise self._too_large(f"headers over {HEAD_LIMIT // 1024} KiB")
        if match is None:
            self._scanned = max(0, len(buffer) - 3)
            return False
        head = bytes(buffer[: match.start() + 1])
        del buffer[: match.end()]
        self._scanned = 0
        self._take_head(head)
        return True

    def _take_head(self, head: bytes) -> None:
        line = _STATUS_LINE.match(head)
        if line is None:
            shown = sanitize_bytes(head.split(b"\n", 1)[0].rstrip(b"\r"), limit=60)
            raise self._violation(f"status line not understood: {shown}")
        status = int(line[2])
        if status < 200:
            self._take_interim(status)
            return
        if not _FIELDS.fullmatch(head, line.end()):
            raise self._violation(_explain_fields(head[line.end() :]))
        headers = [(name, value.strip(b" \t")) for name, value in _FIELD.findall(head, line.end())]
        if len(headers) > HEADER_LIMIT:
            raise self._too_large(f"more than {HEADER_LIMIT} headers")
        odd = head.count(b"\n") != head.count(b"\r\n")
        self._answer = Answer(status, line[3] or b"", headers, reusable=not odd)
        self._frame(self._answer, line[1] == b"0")

    def _take_interim(self, status: int) -> None:
        self._interim += 1
        if status == 101:
            raise self._violation("switched protocols without being asked")
        if self._interim > INTERIM_LIMIT:
            raise self._violation(f"more than {INTERIM_LIMIT} interim answers (1xx)")

    def _frame(self, answer: Answer, old: bool) -> None:
        """Find out how the body ends (RFC 9112 §6.3), refusing what is ambiguous."""
        lengths: list[bytes] = []
        codings: list[bytes] = []
        encoding = b""
        connection = b"close" if old else b""
        for name, value in answer.headers:
            lowered = name.lower()
            if lowered == b"content-length":
                lengths.append(value)
            elif lowered == b"transfer-encoding":
                codings.append(value.lower())
            elif lowered == b"content-encoding":
                encoding += value
            elif lowered == b"connection":
                connection += b"," + value.lower()
        if b"close" in connection:
            answer.reusable = False
        length = self._checked_length(lengths, codings, old)
        if self._method == "HEAD" or answer.status in (204, 304) or length == 0:
            self._step = None
            return
        if encoding.lower() not in (b"", b"identity"):
            raise TransportFaultError(
                FaultKind.NOT_UNDERSTOOD,
                f"encoded body refused ({sanitize_bytes(encoding, limit=20)})",
                hint="the request asked for no encoding; switch compression off for this path",
                status=answer.status,
            )
        self._begin_body(length, bool(codings))

    def _checked_length(self, lengths: list[bytes], codings: list[bytes], old: bool) -> int | None:
        if len(lengths) > 1:
            raise self._violation("more than one Content-Length")
        if lengths and codings:
            raise self._violation("both Content-Length and Transfer-Encoding")
        if codings and (codings != [b"chunked"] or old):
            raise self._violation("Transfer-Encoding other than chunked")
        if not lengths:
            return None
        if not _LENGTH.fullmatch(lengths[0]):
            shown = sanitize_bytes(lengths[0], limit=30)
            raise self._violation(f"Content-Length not understood: {shown}")
        return int(lengths[0])

    def _begin_body(self, length: int | None, chunked: bool) -> None:
        if chunked:
            self._step = ResponseParser._read_chunk_line
        elif length is None:
            self._step = ResponseParser._read_to_end
        elif length > self._body_limit:
            raise self._body_too_large()
        else:
            self._left = length
            self._step = ResponseParser._read_sized

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
                raise self._violation("chunk size line too long")
            return False
        match = _CHUNK_LINE.fullmatch(self._buffer, 0, end + 1)
        if match is None:
            shown = sanitize_bytes(bytes(self._buffer[:end]), limit=30)
            raise self._violation(f"chunk size not understood: {shown}")
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
        if self._chunks > CHUNK_LIMIT:
            raise self._too_large(f"more than {CHUNK_LIMIT} chunks")
        self._left = size
        self._step = ResponseParser._read_chunk

    def _read_chunk(self) -> bool:
        if len(self._buffer) < self._left + 2:
            return False
        if self._buffer[self._left : self._left + 2] != b"\r\n":
            raise self._violation("chunk longer than its size")
        self._add(self._left)
        del self._buffer[:2]
        self._step = ResponseParser._read_chunk_line
        return True

    def _read_trailer(self) -> bool:
        end = self._buffer.find(b"\n")
        if self._trailer_bytes + (len(self._buffer) if end < 0 else end) > HEAD_LIMIT:
            raise self._too_large(f"trailers over {HEAD_LIMIT // 1024} KiB")
        if end < 0:
            return False
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._trailer_bytes += len(line)
        if line == b"\r\n":
            self._step = None
            return False
        if not _FIELD.fullmatch(line):
            raise self._violation("trailer not understood")
        return True

    def _add(self, size: int) -> None:
        if len(self._body) + size > self._body_limit:
            raise self._body_too_large()
        self._body += self._buffer[:size]
        del self._buffer[:size]

    def _body_too_large(self) -> TransportFaultError:
        return self._too_large(f"body over {_kib(self._body_limit)}")

    def _too_large(self, message: str) -> TransportFaultError:
        return TransportFaultError(FaultKind.TOO_LARGE, message, status=self.status)

    def _violation(self, message: str) -> TransportFaultError:
        return TransportFaultError(FaultKind.PROTOCOL, message, status=self.status)

    def _not_http(self) -> TransportFaultError:
        if self._buffer[0] in _TLS_RECORD:
            return TransportFaultError(
                FaultKind.PROTOCOL, "the port speaks TLS, not plain HTTP", hint="use https://"
            )
        shown = sanitize_bytes(bytes(self._buffer[:60]).split(b"\n", 1)[0], limit=40)
        return self._violation(f"not an HTTP/1.1 answer: {shown}")


def _explain_fields(fields: bytes) -> str:
    for number, line in enumerate(fields.split(b"\n"), 1):
        text = line.rstrip(b"\r")
        if not text or _FIELD.fullmatch(text + b"\n"):
            continue
        if b"\0" in text or b"\r" in text:
            return f"control character in header {number}"
        if text[:1] in b" \t":
            return f"header {number} is folded"
        return f"header {number} not understood: {sanitize_bytes(text, limit=40)}"
    return "headers not understood"


def _kib(size: int) -> str:
    return f"{size // 1024} KiB" if size % 1024 == 0 else f"{size} bytes"
