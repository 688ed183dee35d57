"""A server that misbehaves on demand, in a process of its own.

``GET /<case>`` plays a case of ``hostile_cases``; further ports speak TLS with bad certificates,
or accept and say nothing. The process prints its ports as one line of JSON and ends when its
standard input is closed, so it never outlives the test that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

from tests.sources.hostile_cases import CASES, OK, Exchange

ROOT = Path(__file__).parents[2]
EXPIRED_FOR = timedelta(days=3, hours=1)


@dataclass(frozen=True)
class Hostile:
    """The running server: ports by name, and the folder with its certificates."""

    ports: dict[str, int]
    folder: Path

    def url(self, case: str, *, port: str = "http", host: str = "127.0.0.1") -> str:
        """Where ``case`` is played."""
        scheme = "http" if port in {"http", "silent"} else "https"
        return f"{scheme}://{host}:{self.ports[port]}/{case}"


@contextlib.contextmanager
def running() -> Iterator[Hostile]:
    """Start the server, stop it by closing its standard input."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, folder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        try:
            yield Hostile(json.loads(process.stdout.readline()), Path(folder))
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests on one connection until a case ends it."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        number = 0
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number += 1
            case = head.split(b" ", 2)[1].decode("latin-1").strip("/").partition("?")[0]
            await CASES.get(case, OK)(Exchange(reader, writer, head, number))
    writer.close()


async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing for as long as the peer stays."""
    with contextlib.suppress(asyncio.CancelledError, OSError):
        await asyncio.sleep(30)
    writer.close()


def make_contexts(folder: Path) -> dict[str, ssl.SSLContext]:
    """One TLS context for each kind of certificate, the authority's in ``folder``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    client = authority.issue_cert("probe@example.org")
    client.private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
    ended = datetime.now(UTC) - EXPIRED_FOR
    certificates = {
        "tls": authority.issue_cert("127.0.0.1", "localhost"),
        "tls_wrong_host": authority.issue_cert("elsewhere.example"),
        "tls_expired": authority.issue_cert(
            "127.0.0.1", not_before=ended - timedelta(days=30), not_after=ended
        ),
        "tls_unknown": trustme.CA().issue_cert("127.0.0.1"),
        "tls_client": authority.issue_cert("127.0.0.1"),
    }
    contexts: dict[str, ssl.SSLContext] = {}
    for name, certificate in certificates.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(contexts[name])
    contexts["tls_client"].verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(contexts["tls_client"])
    return contexts


async def main(folder: Path) -> None:
    """Listen on every port, print them, and wait for the end of standard input."""
    servers = {"http": await asyncio.start_server(serve, "127.0.0.1", 0)}
    servers["silent"] = await asyncio.start_server(silence, "127.0.0.1", 0)
    for name, context in make_contexts(folder).items():
        servers[name] = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    ports = {name: _port(server.sockets[0]) for name, server in servers.items()}
    print(json.dumps(ports), flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


def _port(sock: Any) -> int:
    assert sock.family == socket.AF_INET
    return int(sock.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
