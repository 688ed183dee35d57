"""Real local servers that say what was asked of them: a server of HTTP, and a proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; names of headers in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Said:
    """One answer."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        """The bytes of the answer."""
        lines = [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\n{''.join(lines)}"
        return head.encode() + b"\r\n" + self.body


async def read_request(reader: asyncio.StreamReader) -> Asked:
    """The next request. Raises IncompleteReadError at the end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


class Server:
    """Answers by ``answer``; remembers what was asked and on how many connections.

    What has no answer is left without one. While ``wants`` is set, a client that does not
    send it as ``Authorization`` is answered 401.
    """

    def __init__(self, answer: Callable[[Asked], Said | None]) -> None:
        self.answer = answer
        self.wants: str | None = None
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                asked = await read_request(reader)
                self.asked.append(asked)
                refused = self.wants and asked.headers.get("authorization") != self.wants
                said = Said(status=401) if refused else self.answer(asked)
                if said is None:
                    await reader.read()
                    break
                writer.write(said.wire())
                await writer.drain()
        writer.close()


class Proxy:
    """An HTTP proxy: absolute form and CONNECT. ``wants`` as Basic credentials, if set.

    A name that is not known anywhere is led to this machine.
    """

    def __init__(self, wants: str = "") -> None:
        self.wants = wants and "Basic " + base64.b64encode(wants.encode()).decode()
        self.asked: list[Asked] = []
        self.status = 200
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            asked = await read_request(reader)
            self.asked.append(asked)
            if self.wants and asked.headers.get("proxy-authorization") != self.wants:
                writer.write(Said(b"", 407).wire())
            elif self.status != 200:
                writer.write(Said(b"", self.status).wire())
            else:
                await self._lead(asked, reader, writer)
        writer.close()

    async def _lead(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        tunnel = asked.method == "CONNECT"
        place = asked.target if tunnel else asked.target.split("/")[2]
        path = "" if tunnel else "/" + asked.target.split("/", 3)[3]
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", int(place.rpartition(":")[2])
        )
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            lines = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
            head = f"{asked.method} {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n"
            far_writer.write(head.encode() + asked.body)
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(
    server: Server | Proxy, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[str]:
    """Its URL, while it listens on this machine."""
    async with serving(server.serve, tls, port) as bound:
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{bound}"
        yield server.url


@asynccontextmanager
async def serving(
    serve: Serve, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[int]:
    """The port at which ``serve`` is called for each connection; all end with it."""
    tasks: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks[task] = writer
        with contextlib.suppress(OSError):
            await serve(reader, writer)
        writer.close()

    made = await asyncio.start_server(one, "127.0.0.1", port, ssl=tls)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        for task, writer in tasks.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Aborted transports close at the loop's next turn.
        await asyncio.sleep(0)
