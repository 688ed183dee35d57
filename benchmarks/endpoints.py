"""Endpoints to look at, in a process of their own: ``python -m benchmarks.endpoints``.

Invariant: one server answers every path with a small health body that differs in every answer,
so that nothing is read twice. It ends when its standard input does.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opsconsole.sources.http.connector import allow_many_sockets


class Answering(asyncio.Protocol):
    """One small health body for each request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        body = (
            b'{"status":"healthy","version":"1.4.2","timestamp":%.4f,"checks":{"database":'
            b'{"status":"healthy","response_time_ms":2.31},"redis":{"status":"healthy",'
            b'"response_time_ms":0.41}}}' % time.time()
        )
        head = (
            b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        self.transport.write((head + body) * data.count(b"\r\n\r\n"))


async def serve() -> None:
    """Print the port and answer until the standard input ends."""
    allow_many_sockets()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


@contextmanager
def endpoints() -> Iterator[str]:
    """The server's address, without a slash at its end, while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.endpoints"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()


if __name__ == "__main__":
    asyncio.run(serve())
