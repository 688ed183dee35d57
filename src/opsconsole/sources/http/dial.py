"""Opening a connection: name, TCP, TLS, in phases that a timeout can name.

Invariant: a dial ends by its deadline, leaves no socket behind when it fails, and every failure
is classified: the target refused (connect), its name (dns), its certificate (tls), or this
machine could not even try (local).
"""

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http import tls as http_tls
from opsconsole.sources.http.connection import Connection
from opsconsole.sources.http.http1 import HTTP2_HINT
from opsconsole.sources.http.resolver import Resolver, as_literal
from opsconsole.sources.http.timed_socket import TimedSocket
from opsconsole.sources.http.transport_fault import TransportFaultError, timed_out
from opsconsole.sources.http.tunnel import PROXY_HINT, Proxy, lead_through
from opsconsole.text import sanitize

_LOCAL_ERRORS: Final = {
    errno.EMFILE: ("no file descriptor left", "raise the limit: ulimit -n"),
    errno.ENFILE: ("no file descriptor left on this machine", "raise fs.file-max"),
    errno.ENETUNREACH: ("no route from this machine", "look at this machine's network"),
    errno.ENETDOWN: ("this machine's network is down", "look at this machine's network"),
    errno.EADDRNOTAVAIL: ("no local address or port left", "look at this machine's network"),
    errno.ENOBUFS: ("no socket buffers left", ""),
    errno.ENOMEM: ("no memory for a socket", ""),
    errno.EACCES: ("forbidden by this machine", "look at its firewall"),
    errno.EPERM: ("forbidden by this machine", "look at its firewall"),
}
_NO_PROTOCOL: Final = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
_ATTEMPT_MINIMUM: Final = 0.25

P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to connect. ``server_name`` is what the certificate must be for.

    A plain target is asked through ``proxy``; one behind TLS is led to by a tunnel.
    """

    host: str
    port: int
    tls: bool = False
    server_name: str = ""
    proxy: Proxy | None = None

    @property
    def peer(self) -> str:
        """``host:port`` for messages, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{sanitize(host, limit=80)}:{self.port}"


async def dial(
    origin: Origin, resolver: Resolver, context: ssl.SSLContext | None, deadline: float
) -> Connection:
    """Connect by ``deadline`` (loop time). Raises ``TransportFaultError``."""
    return await dial_as(Connection, origin, resolver, context, deadline)


async def dial_as(
    kind: Callable[[TimedSocket, str], P],
    origin: Origin,
    resolver: Resolver,
    context: ssl.SSLContext | None,
    deadline: float,
) -> P:
    """The same with a protocol of ``kind``, made of the socket and of the peer's name."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    end: Origin | Proxy = origin.proxy or origin
    phase = "connect" if as_literal(end.host) else "dns"
    try:
        async with asyncio.timeout_at(deadline):
            addresses = await resolver.resolve(end.host)
            phase = "connect"
            sock = await _connect_any(addresses, end, deadline)
            if isinstance(end, Proxy) and origin.tls:
                proxy, end = end, origin
                await _tunnel(sock, proxy, origin)
            phase = "tls" if origin.tls else "connect"
            return await _establish(kind, sock, origin, context, deadline)
    except TimeoutError:
        now = loop.time()
        message = f"{_missing(phase, end)} after {now - started:.1f} s"
        if isinstance(end, Proxy):
            raise TransportFaultError(FaultKind.LOCAL, message, hint=PROXY_HINT) from None
        raise timed_out(message, phase=phase, late=now - deadline) from None


async def _tunnel(sock: socket.socket, proxy: Proxy, origin: Origin) -> None:
    try:
        await lead_through(sock, proxy, origin.host, origin.port)
    except OSError:
        sock.close()
        raise TransportFaultError(FaultKind.LOCAL, f"{proxy.peer} broke off") from None
    except BaseException:
        sock.close()
        raise


def _missing(phase: str, end: Origin | Proxy) -> str:
    if phase == "dns":
        return f"no address for {sanitize(end.host, limit=80)}"
    what = "connection to" if phase == "connect" else "TLS handshake with"
    return f"no {what} {end.peer}"


async def _connect_any(
    addresses: tuple[str, ...], end: Origin | Proxy, deadline: float
) -> TimedSocket:
    """Try each address in turn, each with a fair share of the time that is left."""
    loop = asyncio.get_running_loop()
    for position, address in enumerate(addresses):
        left = len(addresses) - position
        share = max(_ATTEMPT_MINIMUM, (deadline - loop.time()) / left)
        try:
            async with asyncio.timeout(share if left > 1 else None):
                return await _connect(address, end.port)
        except OSError as error:
            # A TimeoutError is an OSError: this address used up its share.
            if left == 1:
                raise _connect_fault(error, end) from None
    raise TransportFaultError(FaultKind.DNS, f"no address for {end.peer}")


async def _connect(address: str, port: int) -> TimedSocket:
    bare, _, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    sock = TimedSocket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # With a literal, asyncio does not ask its own resolver.
        where = (bare, port, 0, _scope_id(scope)) if scope else (bare, port)
        await asyncio.get_running_loop().sock_connect(sock, where)
        sock.note_times()
    except BaseException:
        sock.close()
        raise
    return sock


def _scope_id(scope: str) -> int:
    return int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


def _connect_fault(error: OSError, end: Origin | Proxy) -> TransportFaultError:
    peer = end.peer
    code = error.errno
    if isinstance(end, Proxy):
        # It says nothing of the target behind it.
        why = sanitize(os.strerror(code).lower() if code else "no answer in time", limit=80)
        message = f"cannot connect to {peer}: {why}"
        return TransportFaultError(FaultKind.LOCAL, message, hint=PROXY_HINT)
    if code in _LOCAL_ERRORS:
        what, hint = _LOCAL_ERRORS[code]
        return TransportFaultError(FaultKind.LOCAL, f"{what} (to {peer})", hint=hint)
    if isinstance(error, ConnectionRefusedError):
        return TransportFaultError(FaultKind.CONNECT, f"connection refused by {peer}")
    if isinstance(error, TimeoutError):
        return TransportFaultError(FaultKind.TIMEOUT, f"no connection to {peer}", phase="connect")
    if code == errno.EHOSTUNREACH:
        return TransportFaultError(FaultKind.CONNECT, f"host unreachable: {peer}")
    why = sanitize(os.strerror(code).lower() if code else "failed", limit=80)
    return TransportFaultError(FaultKind.CONNECT, f"cannot connect to {peer}: {why}")


async def _establish(
    kind: Callable[[TimedSocket, str], P],
    sock: TimedSocket,
    origin: Origin,
    context: ssl.SSLContext | None,
    deadline: float,
) -> P:
    loop = asyncio.get_running_loop()
    address = sock.getpeername()
    try:
        connection = kind(sock, origin.peer)
        await loop.create_connection(
            lambda: connection,
            sock=sock,
            ssl=context,
            server_hostname=origin.server_name if context else None,
        )
    except ssl.SSLError as error:
        raise await _tls_fault(error, origin, address, deadline) from None
    except ConnectionError as error:
        how = "reset" if isinstance(error, ConnectionResetError) else "closed"
        raise TransportFaultError(
            FaultKind.TLS if context else FaultKind.CONNECT,
            f"{origin.peer} {how} the connection during the handshake",
        ) from None
    except BaseException:
        sock.close()
        raise
    return connection


async def _tls_fault(
    error: ssl.SSLError, origin: Origin, address: tuple[str, int], deadline: float
) -> TransportFaultError:
    # Python 3.11 has no name for the alert that says so.
    if type(error) is ssl.SSLError and error.reason in (None, _NO_PROTOCOL):
        message = f"{origin.peer} does not agree to HTTP/1.1; it may speak HTTP/2 only"
        return TransportFaultError(FaultKind.UNSUPPORTED, message, hint=HTTP2_HINT)
    chain: list[http_tls.Certificate] = []
    if http_tls.needs_chain(error):
        chain = await _certificates(origin, address, deadline)
    message = http_tls.explain(error, origin.server_name, chain, time.time())
    return TransportFaultError(
        FaultKind.TLS,
        message,
        hint=http_tls.hint(error, chain),
        certificate=chain[0].validity if chain else None,
    )


async def _certificates(
    origin: Origin, address: tuple[str, int], deadline: float
) -> list[http_tls.Certificate]:
    """What the server sends. Looks at it without trusting it; sends no request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    loop = asyncio.get_running_loop()
    transport: asyncio.Transport | None = None
    try:
        async with asyncio.timeout_at(deadline - 0.05):
            sock = await _connect(address[0], address[1])
            transport, _protocol = await loop.create_connection(
                asyncio.Protocol, sock=sock, ssl=context, server_hostname=origin.server_name
            )
        return http_tls.sent_by(transport.get_extra_info("ssl_object"))
    except OSError:
        # Only the name and the age are lost; that it is wrong is known already.
        return []
    finally:
        if transport is not None:
            transport.abort()
