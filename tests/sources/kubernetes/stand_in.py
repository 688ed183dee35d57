"""An API server in a few lines, over HTTP: it lists what it has, and says nothing on a watch.

What it refuses, and whether it answers at all, is said by a test.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
"""


class StandIn:
    """``lists`` are objects by path, ``refuses`` codes by path. ``garbles``: lists are none.

    ``says`` are codes and bodies by path; at what ``hangs`` nothing is answered. Its clock is
    ``ahead`` by so many seconds.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, list[str]] = {"autoscaling": ["v1"], "policy": ["v1"]}
        self.refuses: dict[str, int] = {}
        self.garbles: set[str] = set()
        self.says: dict[str, tuple[int, bytes]] = {}
        self.hangs: set[str] = set()
        self.ahead = 0.0
        self.asked: list[str] = []
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def kubeconfig(self, folder: Path) -> str:
        """A file that leads here."""
        path = folder / "kubeconfig"
        path.write_text(_CONFIG.format(port=self._port))
        path.chmod(0o600)
        return str(path)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Answer, at the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all connections and answer no longer."""
        if self._server is not None:
            self._server.close()
        for each in list(self._open):
            each.close()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = urlsplit(head.split(b" ", 2)[1].decode())
                asked = parse_qs(target.query)
                if "watch" in asked:
                    await self._watch(reader, writer, int(asked["timeoutSeconds"][0]))
                    continue
                if target.path in self.hangs:
                    await reader.read()
                    return
                writer.write(self._answer(target.path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    @staticmethod
    async def _watch(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lasts: int
    ) -> None:
        """Say nothing until the watch is over, or nobody wants it."""
        begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        writer.write(begin + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            async with asyncio.timeout(lasts):
                await reader.read(1)
        except TimeoutError:
            writer.write(b"0\r\n\r\n")
            return
        raise asyncio.IncompleteReadError(b"", None)

    def _answer(self, path: str) -> bytes:
        self.asked.append(path)
        code, body = self.refuses.get(path, 200), b""
        if path in self.says:
            code, body = self.says[path]
        elif code != 200:
            body = json.dumps({"kind": "Status", "code": code, "message": "refused"}).encode()
        elif path == "/version":
            body = b'{"gitVersion": "v1.36.0"}'
        elif path.removeprefix("/apis/") in self.versions:
            served = self.versions[path.removeprefix("/apis/")]
            body = json.dumps({"versions": [{"version": each} for each in served]}).encode()
        elif path in self.garbles:
            body = b'{"items": "none"}'
        else:
            about = {"resourceVersion": "7"}
            body = json.dumps({"metadata": about, "items": self.lists.get(path, [])}).encode()
        date = formatdate(time.time() + self.ahead, usegmt=True)
        kind = "Content-Type: application/json"
        head = f"HTTP/1.1 {code} X\r\nDate: {date}\r\n{kind}\r\nContent-Length: {len(body)}"
        return head.encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    """One that answers."""
    found = StandIn()
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
