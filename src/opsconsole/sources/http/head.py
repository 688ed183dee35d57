"""The head of an HTTP/1.1 answer: status line, headers, and how the body will end (RFC 9112).

Invariant: what is ambiguous is refused, never resolved one way or the other; every failure is a
``TransportFaultError`` whose text is safe to show.
"""

import re
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.certificate import Validity
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize_bytes

HEADER_LIMIT: Final = 100

FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\0\r\n]*)\r?\n")
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0\r\n]*\r?\n)*")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([^\0\r\n]*))?\r?\n")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_WITHOUT_BODY: Final = frozenset({204, 304})


@dataclass(slots=True)
class HttpAnswer:
    """One final answer. Header values are stripped, otherwise as they came.

    ``took`` is the time in seconds from the request to the arrival of the last byte; ``blur`` is
    how much of it may be this process' own delay, None where the kernel did not say when it
    arrived. ``certificate`` is the server's, None without TLS.
    """

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    reusable: bool = True
    took: float = 0.0
    blur: float | None = None
    certificate: Validity | None = None


@dataclass(frozen=True, slots=True)
class Framing:
    """How the body ends: after ``length`` bytes, with its last chunk, or when the peer closes."""

    length: int | None
    chunked: bool


def read_head(head: bytes) -> HttpAnswer:
    """The answer that a head begins; its last line ends in a line feed.

    It is not ``reusable`` after HTTP/1.0, ``Connection: close`` or bare line feeds.
    """
    line = _STATUS_LINE.match(head)
    if line is None:
        shown = sanitize_bytes(head.split(b"\n", 1)[0].rstrip(b"\r"), limit=60)
        raise violation(f"status line not understood: {shown}")
    if not _FIELDS.fullmatch(head, line.end()):
        raise violation(_explain_fields(head[line.end() :]), int(line[2]))
    headers = [(name, value.strip(b" \t")) for name, value in FIELD.findall(head, line.end())]
    if len(headers) > HEADER_LIMIT:
        raise too_large(f"more than {HEADER_LIMIT} headers", int(line[2]))
    regular = line[1] == b"1" and head.count(b"\n") == head.count(b"\r\n")
    return HttpAnswer(int(line[2]), line[3] or b"", headers, reusable=regular)


def frame(answer: HttpAnswer, method: str) -> Framing:
    """Find out how the body of an answer to ``method`` ends (RFC 9112 §6.3)."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    encoding = b""
    for name, value in answer.headers:
        lowered = name.lower()
        if lowered == b"content-length":
            lengths.append(value)
        elif lowered == b"transfer-encoding":
            codings.append(value.lower())
        elif lowered == b"content-encoding":
            encoding += value.lower()
        elif lowered == b"connection" and b"close" in value.lower():
            answer.reusable = False
    length = _checked_length(lengths, codings, answer.status)
    if method == "HEAD" or answer.status in _WITHOUT_BODY:
        return Framing(0, chunked=False)
    if length != 0 and encoding not in (b"", b"identity"):
        raise TransportFaultError(
            FaultKind.NOT_UNDERSTOOD,
            f"encoded body refused ({sanitize_bytes(encoding, limit=20)})",
            hint="the request asked for no encoding; switch compression off for this path",
            status=answer.status,
        )
    return Framing(length, chunked=bool(codings))


def _checked_length(lengths: list[bytes], codings: list[bytes], status: int) -> int | None:
    if len(lengths) > 1:
        raise violation("more than one Content-Length", status)
    if lengths and codings:
        raise violation("both Content-Length and Transfer-Encoding", status)
    if codings not in ([], [b"chunked"]):
        raise violation("Transfer-Encoding other than chunked", status)
    if not lengths:
        return None
    if not _LENGTH.fullmatch(lengths[0]):
        shown = sanitize_bytes(lengths[0], limit=30)
        raise violation(f"Content-Length not understood: {shown}", status)
    return int(lengths[0])


def violation(message: str, status: int | None = None) -> TransportFaultError:
    """The fault of an answer that breaks the protocol."""
    return TransportFaultError(FaultKind.PROTOCOL, message, status=status)


def too_large(message: str, status: int | None = None) -> TransportFaultError:
    """The fault of an answer that goes beyond a bound."""
    return TransportFaultError(FaultKind.TOO_LARGE, message, status=status)


def _explain_fields(fields: bytes) -> str:
    for number, line in enumerate(fields.split(b"\n"), 1):
        text = line.rstrip(b"\r")
        if not text or FIELD.fullmatch(text + b"\n"):
            continue
        if b"\0" in text or b"\r" in text:
            return f"control character in header {number}"
        if text[:1] in b" \t":
            return f"header {number} is folded"
        return f"header {number} not understood: {sanitize_bytes(text, limit=40)}"
    return "headers not understood"
