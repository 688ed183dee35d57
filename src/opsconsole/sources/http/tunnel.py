"""Leading a connection through a proxy by CONNECT (RFC 9110 §9.3.6).

Invariant: no byte for the target is sent before the proxy has agreed, and what the proxy itself
fails at blames the target only where the proxy says that it could not reach it.
"""

import asyncio
import socket
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import read_head
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize

PROXY_HINT: Final = "look at proxy_url"

_HEAD_LIMIT: Final = 32 * 1024
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens. ``authorization`` is the value of its header, or empty."""

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)

    @property
    def peer(self) -> str:
        """``proxy host:port`` for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"proxy {sanitize(host, limit=80)}:{self.port}"


async def lead_through(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy at the end of ``sock`` connect to ``host:port``.

    Raises ``TransportFaultError``, and OSError when the proxy breaks off.
    """
    loop = asyncio.get_running_loop()
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1".encode("ascii"), f"host: {where}".encode("ascii")]
    if proxy.authorization:
        lines.append(b"proxy-authorization: " + proxy.authorization)
    await loop.sock_sendall(sock, b"\r\n".join(lines) + _HEAD_END)
    head = bytearray()
    while _HEAD_END not in head:
        data = await loop.sock_recv(sock, 4096)
        if not data or len(head) > _HEAD_LIMIT:
            raise _refused(f"{proxy.peer} does not answer as a proxy")
        head += data
    if not head.endswith(_HEAD_END):
        # The target speaks second, so nothing can be waiting yet.
        raise _refused(f"{proxy.peer} sent more than its answer")
    try:
        status = read_head(bytes(head[:-2])).status
    except TransportFaultError as error:
        raise _refused(f"{proxy.peer}: {error.fault.message}") from None
    if status == 407:
        raise _refused(f"{proxy.peer} wants credentials (407)", FaultKind.AUTH)
    if status >= 500:
        raise _refused(f"{proxy.peer} cannot reach {where} ({status})", FaultKind.CONNECT)
    if not 200 <= status <= 299:
        raise _refused(f"{proxy.peer} does not lead to {where} ({status})")


def _refused(message: str, kind: FaultKind = FaultKind.LOCAL) -> TransportFaultError:
    return TransportFaultError(kind, message, hint=PROXY_HINT)
