"""A lean HTTP/1.1 transport under httpx's interface, made for probes.

Invariant: one total deadline holds for everything (name, TCP, TLS, headers, body), a bounded body
is returned whole and unencoded, redirects are not followed, and a connection that was kept and
then closed by the peer never makes an exchange fail: the request is sent once more on a fresh
one. Only GET and HEAD use kept connections; what changes the world is sent once.

Use it below ``httpx.AsyncClient(transport=...)``, or call ``handle_async_request`` with a request
built once, which is what probes do. Failures are ``TransportFaultError``.
"""

import asyncio
import base64
from pathlib import Path
from typing import Final, cast

import httpx

from opsconsole.config.http import TlsConfig
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connection import Connection
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.dial import Origin, dial
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.transport_fault import StaleConnectionError, TransportFaultError
from opsconsole.sources.http.tunnel import PROXY_HINT, Proxy
from opsconsole.text import sanitize

BODY_LIMIT: Final = 256 * 1024
"""Bytes of a body, unless a transport is made with another limit."""

TOOK: Final = "opsconsole.took"
"""The extension of a response that has the seconds from the request to its last byte."""

BLUR: Final = "opsconsole.blur"
"""The extension that has how many of them may be this console's own delay; None: not known."""

BODY: Final = "opsconsole.body"
"""The body as it came: of an answer without a content encoding, the same as ``read`` gives."""

CERTIFICATE: Final = "opsconsole.certificate"
"""The extension that says how long the server's certificate holds; None without TLS."""

_PREPARED: Final = "opsconsole.prepared"
_OURS: Final = frozenset({b"accept-encoding", b"host", b"transfer-encoding"})
_REUSES: Final = frozenset({"GET", "HEAD"})
_NEVER_SENT: Final = frozenset({FaultKind.LOCAL, FaultKind.TLS, FaultKind.UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request as it goes over the wire, and where to."""

    origin: Origin
    wire: bytes
    method: str


class LeanTransport(httpx.AsyncBaseTransport):
    """Keeps at most one idle connection per origin; meant to serve one target.

    ``timeout`` is the total deadline in seconds; a request's ``deadline`` extension, in the event
    loop's time, overrides it. ``proxy`` is an HTTP proxy, asked in absolute form for a plain
    target and by CONNECT for one behind TLS. ``looks`` is how many exchanges a connection carries
    at most, so that a look soon goes to the process that listens there now.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        timeout: float,
        tls: TlsConfig | None = None,
        base: Path = Path(),
        body_limit: int = BODY_LIMIT,
        proxy: httpx.URL | None = None,
        looks: int | None = None,
    ) -> None:
        self._connector = connector
        self._timeout = timeout
        self._tls = tls or TlsConfig.model_validate({})
        self._base = base
        self._body_limit = body_limit
        self._proxy = proxy
        self._looks = looks
        self._idle: dict[Origin, Connection] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Exchange one request for its whole response. Raises ``TransportFaultError``."""
        prepared = request.extensions.get(_PREPARED)
        if prepared is None:
            prepared = self._prepare(request, await request.aread())
            if prepared.method in _REUSES:
                request.extensions = {**request.extensions, _PREPARED: prepared}
        deadline = request.extensions.get("deadline")
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + self._timeout
        answer = await self._exchange(cast(_Prepared, prepared), deadline)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(answer.body),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": answer.reason,
                TOOK: answer.took,
                BLUR: answer.blur,
                BODY: answer.body,
                CERTIFICATE: answer.certificate,
            },
            request=request,
        )

    async def reach(self, url: httpx.URL, deadline: float) -> None:
        """Connect to where ``url`` leads, with its certificate verified, and send nothing.

        Raises ``TransportFaultError``.
        """
        (await self._dial(self._origin(url), deadline)).close()

    async def aclose(self) -> None:
        """Drop the idle connections and keep none any more; the connector stays."""
        self._closed = True
        for connection in self._idle.values():
            connection.close()
            self._connector.released()
        self._idle.clear()

    async def _exchange(self, prepared: _Prepared, deadline: float) -> HttpAnswer:
        kept = self._take(prepared)
        if kept is not None:
            try:
                return await self._send(kept, prepared, deadline)
            except StaleConnectionError:
                # Closed by the peer in the meantime, which says nothing about its health.
                pass
        fresh = await self._dial(prepared.origin, deadline)
        return await self._send(fresh, prepared, deadline)

    def _take(self, prepared: _Prepared) -> Connection | None:
        kept = self._idle.pop(prepared.origin, None)
        if kept is None:
            return None
        self._connector.released()
        if prepared.method in _REUSES and kept.is_clean():
            return kept
        kept.close()
        return None

    async def _send(
        self, connection: Connection, prepared: _Prepared, deadline: float
    ) -> HttpAnswer:
        try:
            answer = await connection.exchange(
                prepared.wire, prepared.method, self._body_limit, deadline, self._timeout
            )
        except TransportFaultError as error:
            raise after_sending(error, prepared.method) from None
        if (
            answer.reusable
            and not self._closed
            and (self._looks is None or connection.served < self._looks)
            and prepared.origin not in self._idle
            and self._connector.may_keep()
        ):
            self._idle[prepared.origin] = connection
        else:
            connection.close()
        return answer

    async def _dial(self, origin: Origin, deadline: float) -> Connection:
        context = None
        if origin.tls:
            context = await self._connector.context(self._tls, self._base, deadline)
        try:
            return await dial(origin, self._connector.resolver, context, deadline)
        except TransportFaultError as error:
            if error.fault.kind is FaultKind.TLS:
                self._connector.forget(self._tls, self._base)
            raise

    def _prepare(self, request: httpx.Request, content: bytes) -> _Prepared:
        url = request.url
        target = url.raw_path
        origin = self._origin(url)
        own: list[bytes] = []
        if origin.proxy is not None and not origin.tls:
            target = b"http://" + url.netloc + target
            if origin.proxy.authorization:
                own.append(b"proxy-authorization: " + origin.proxy.authorization)
        lines = [f"{request.method} ".encode("ascii") + target + b" HTTP/1.1"]
        lines.append(b"host: " + (request.headers.get("host", "").encode("latin-1") or url.netloc))
        # An encoded body would have to be decoded before its size is known.
        lines += [b"accept-encoding: identity", *own]
        for name, value in request.headers.raw:
            if name.lower() not in _OURS:
                lines.append(name.lower() + b": " + value)
        if content and "content-length" not in request.headers:
            lines.append(b"content-length: %d" % len(content))
        if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
            raise TransportFaultError(FaultKind.LOCAL, "a request header holds a line break")
        return _Prepared(origin, b"\r\n".join(lines) + b"\r\n\r\n" + content, request.method)

    def _origin(self, url: httpx.URL) -> Origin:
        if url.scheme not in ("http", "https") or not url.host:
            shown = sanitize(url.scheme, limit=20)
            raise TransportFaultError(
                FaultKind.UNSUPPORTED, f"scheme {shown!r} is not http or https"
            )
        tls = url.scheme == "https"
        # The name in its ASCII form, which is what resolvers and certificates hold.
        host = url.raw_host.decode("ascii").strip("[]")
        name = (self._tls.server_name or host) if tls else ""
        proxy = None if self._proxy is None else _proxy(self._proxy)
        return Origin(host, url.port or (443 if tls else 80), tls, name, proxy)


def _proxy(url: httpx.URL) -> Proxy:
    if url.scheme != "http" or not url.host:
        raise TransportFaultError(
            FaultKind.UNSUPPORTED, "a proxy is asked over http:// only", hint=PROXY_HINT
        )
    host = url.raw_host.decode("ascii").strip("[]")
    pair = base64.b64encode(f"{url.username}:{url.password}".encode())
    return Proxy(host, url.port or 80, b"Basic " + pair if url.userinfo else b"")


def after_sending(error: TransportFaultError, method: str) -> TransportFaultError:
    """A change that was sent and not answered may have happened: no fault may say otherwise."""
    if method in _REUSES or error.fault.kind not in _NEVER_SENT:
        return error
    fault = error.fault
    return TransportFaultError(
        FaultKind.PROTOCOL, fault.message, hint=fault.hint, phase=fault.phase, status=fault.status
    )
