"""A small HTTP/1.1 server on asyncio streams, enough for a platform's documented API.

Invariant: every request that could be parsed gets exactly one response, in order, on its own
connection; what cannot be parsed gets a 400 and the connection is closed. Connections are kept
alive unless the client says otherwise. Bodies come by Content-Length only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from opsconsole.dataclass import dataclass

HEAD_LIMIT = 16 * 1024
BODY_LIMIT = 1024 * 1024
IDLE_TIMEOUT_S = 75.0

JSON = "application/json"


class BadRequestError(Exception):
    """The client sent something that is refused: `status` and `detail` are the answer."""

    def __init__(self, status: int, detail: str) -> None:
        """Refuse with `status` (4xx) and a sentence for the client."""
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed request; header names are lower case, `params` come from the route's pattern."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool = True
    params: Mapping[str, str] = field(default_factory=dict)

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object; raises BadRequestError (422) for anything else."""
        try:
            value = json.loads(self.body)
        except ValueError as problem:
            raise BadRequestError(422, f"body is not JSON: {problem}") from problem
        if not isinstance(value, dict):
            raise BadRequestError(422, "body is not a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """One response; `headers` are added to Content-Type, Content-Length and Connection."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def json_response(
    value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """A JSON response in UTF-8."""
    return Response(status, json.dumps(value).encode(), JSON, headers)


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is a path whose `{name}` segments match any one segment."""

    method: str
    pattern: str
    handler: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """The path's parameters, or None when the path is another one."""
        wanted, given = self.pattern.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        params: dict[str, str] = {}
        for want, have in zip(wanted, given, strict=True):
            if want.startswith("{"):
                params[want[1:-1]] = unquote(have)
            elif want != have:
                return None
        return params


class Router:
    """Finds the handler of a request: 404 for an unknown path, 405 with Allow for a method."""

    def __init__(self, routes: list[Route]) -> None:
        """The first matching route wins."""
        self._routes = routes

    async def dispatch(self, request: Request) -> Response:
        """Answer `request`; a HEAD is a GET whose body the server leaves out."""
        method = "GET" if request.method == "HEAD" else request.method
        allowed: list[str] = []
        for route in self._routes:
            params = route.match(request.path)
            if params is None:
                continue
            if route.method == method:
                return await route.handler(_with_params(request, params))
            allowed.append(route.method)
        if allowed:
            allow = ", ".join(sorted(set(allowed)))
            return json_response({"detail": "Method Not Allowed"}, 405, (("Allow", allow),))
        return json_response({"detail": "Not Found"}, 404)


def _with_params(request: Request, params: dict[str, str]) -> Request:
    return Request(
        request.method,
        request.path,
        request.query,
        request.headers,
        request.body,
        request.keep_alive,
        params,
    )


def parse_head(head: bytes) -> Request:
    """Parse a request head (through the empty line); raises BadRequestError (400, 501 or 505)."""
    request_line, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = request_line.split(" ")
    except ValueError:
        raise BadRequestError(400, "malformed request line") from None
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequestError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    headers: dict[str, str] = {}
    for line in filter(None, lines):
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise BadRequestError(400, "malformed header line")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequestError(501, "send the body with Content-Length")
    tokens = headers.get("connection", "").lower()
    keep = "keep-alive" in tokens if version == "HTTP/1.0" else "close" not in tokens
    try:
        split = urlsplit(target)
    except ValueError:
        raise BadRequestError(400, "malformed target") from None
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    return Request(method, split.path, query, headers, b"", keep)


def render_head(response: Response, server: str, keep_alive: bool) -> bytes:
    """The response's status line and headers, with the closing empty line."""
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Server: {server}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class HttpServer:
    """Serves one handler on a loopback port."""

    def __init__(self, handler: Handler, server_header: str) -> None:
        """`server_header` names product and version in every response."""
        self._handler = handler
        self._server_header = server_header
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_LIMIT)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop what is connected."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._connections):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            pass  # the client went away, idled too long, or the server is closing
        finally:
            self._connections.discard(writer)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed."""
        try:
            request = await _read_request(reader, writer)
        except BadRequestError as refused:
            request = Request("GET", "", {}, {}, b"", keep_alive=False)
            response = json_response({"detail": refused.detail}, refused.status)
        else:
            response = await self._answer(request)
        keep_alive = request.keep_alive
        head = render_head(response, self._server_header, keep_alive)
        writer.write(head if request.method == "HEAD" else head + response.body)
        await writer.drain()
        return keep_alive

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except BadRequestError as refused:
            return json_response({"detail": refused.detail}, refused.status)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    try:
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequestError(431, "request head is too large") from None
    request = parse_head(head)
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise BadRequestError(400, "Content-Length is not a number")
    if int(length) > BODY_LIMIT:
        raise BadRequestError(413, f"body is larger than {BODY_LIMIT} bytes")
    if length == "0":
        return request
    if request.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(length))
    return Request(
        request.method, request.path, request.query, request.headers, body, request.keep_alive
    )
