"""``/healthz`` and ``/metrics`` of the watcher, on this host alone.

Invariant: a client gets one answer and no second; whatever it sends or does not, it costs at most
``CLIENTS`` sockets, ``HEAD_LIMIT`` bytes each and ``WITHIN`` seconds, and nothing else waits for
it. What it asks for is compared, and never shown. A page of a browser learns nothing by a name of
its own that leads here: the name that is asked for is one of this host (RFC 9110 §7.2).
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from opsconsole.config.notify import is_loopback
from opsconsole.render.own_metrics import exposition
from opsconsole.watcher.own_figures import document, figures
from opsconsole.watcher.own_health import OwnHealth

CLIENTS: Final = 16
HEAD_LIMIT: Final = 8192
WITHIN: Final = 5.0

_HOST: Final = re.compile(rb"\r\nhost[ \t]*:([^\r\n]*)", re.IGNORECASE)
_LOOPBACK: Final = "127.0.0.1"
_JSON: Final = "application/json"
_PLAIN: Final = "text/plain; charset=utf-8"
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


class OwnPage:
    """Serves at ``listen``, ``host:port``; ``health`` says how the watcher is now."""

    def __init__(self, listen: str, health: Callable[[], OwnHealth]) -> None:
        self._listen = listen
        self._health = health
        self._server: asyncio.Server | None = None
        self._clients = 0

    @property
    def port(self) -> int | None:
        """Where it listens; None while it does not."""
        sockets = self._server.sockets if self._server is not None else ()
        return sockets[0].getsockname()[1] if sockets else None

    async def open(self) -> str:
        """Begin to serve; why that is not possible, or ''. Idempotent."""
        if self._server is not None:
            return ""
        parts = urlsplit(f"//{self._listen}")
        # An address needs no look-up, which would be made in threads that all share.
        host = _LOOPBACK if parts.hostname == "localhost" else parts.hostname
        try:
            self._server = await asyncio.start_server(
                self._serve, host, parts.port, limit=HEAD_LIMIT
            )
        except OSError as error:
            return f"cannot listen at {self._listen}: {error.strerror or error}"
        return ""

    async def close(self) -> None:
        """Serve no more; idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients > CLIENTS:
                return
            async with asyncio.timeout(WITHIN):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                writer.close()
                await writer.wait_closed()
        except (
            OSError,
            TimeoutError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            # Who sends no whole request in time gets no answer.
            return
        finally:
            self._clients -= 1
            # What nobody has read by now is not kept for them, nor their socket.
            writer.transport.abort()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", _PLAIN, "only GET\n")
        if not all(map(_is_here, _HOST.findall(head))):
            return _response("421 Misdirected Request", _PLAIN, "ask for an address of this host\n")
        health = self._health()
        if path == b"/healthz":
            status = "503 Service Unavailable" if health.faults else "200 OK"
            body = f"{json.dumps(document(health))}\n"
            answer = _response(status, _JSON, body)
        elif path == b"/metrics":
            answer = _response("200 OK", _METRICS, exposition(figures(health)))
        else:
            answer = _response("404 Not Found", _PLAIN, "there are /healthz and /metrics\n")
        return answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == b"HEAD" else answer


def _is_here(host: bytes) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host.decode('ascii').strip()}").hostname or "")
    except ValueError:
        return False


def _response(status: str, kind: str, body: str) -> bytes:
    content = body.encode("utf-8")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + content
