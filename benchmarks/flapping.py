"""Services that fail and recover, in a process of their own.

``python -m benchmarks.flapping PORT``. Invariant: what a service answers depends on its number and
the time alone: well, degraded, failing, never, or not at all, each for a slot of a few seconds. It
ends when its standard input does.
"""

import asyncio
import subprocess
import sys
import time
from typing import Final

SLOT: Final = 1.5
"""Seconds for which a service stays as it is."""

_BODY: Final = b'{"status":"%s","checks":{"database":{"status":"%s","response_time_ms":%.2f}}}'
_MOODS: Final = (b"healthy", b"healthy", b"healthy", b"degraded", b"error", b"silent", b"shut")


class Flapping(asyncio.Protocol):
    """Answers ``/<number>`` as its mood of the moment is."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        number = int(data.split(b"/", 2)[1].split()[0])
        mood = _MOODS[hash((number, int(time.time() / SLOT))) % len(_MOODS)]
        if mood == b"silent":
            return
        if mood != b"shut":
            status = b"500 Internal Server Error" if mood == b"error" else b"200 OK"
            body = _BODY % (mood, mood, time.time() % 9)
            self.transport.write(
                b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%s" % (status, len(body), body)
            )
        self.transport.close()


async def serve(port: int) -> None:
    """Print the port and answer until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Flapping, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


class Server:
    """The process, which can be killed and started again at the same port."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.flapping", str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
