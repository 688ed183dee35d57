"""The control sockets against clients and servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from opsconsole.demo.channel import ChannelError, Message, ask, decode, serve


@pytest.fixture(name="path")
def _path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ops-") as folder:
        yield Path(folder) / "s"


@contextlib.asynccontextmanager
async def echoing(path: Path) -> AsyncIterator[None]:
    """A server that echoes, and refuses what says so."""

    async def answer(message: Message) -> Message:
        if message.get("refuse"):
            raise ValueError("not that")
        return {"echo": message}

    server = await serve(path, answer)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def reply_to(path: Path, line: bytes) -> Message:
    """What the server says to one line."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    reply = await reader.readline()
    writer.close()
    return decode(reply)


async def test_message_is_answered_and_a_refusal_says_why(path: Path) -> None:
    async with echoing(path):
        assert await reply_to(path, b'{"a": 1}\n') == {"ok": True, "echo": {"a": 1}}
        refused = await reply_to(path, b'{"refuse": true}\n')
        assert refused == {"ok": False, "error": "not that"}


def test_socket_is_private_and_replaces_what_a_killed_server_left(path: Path) -> None:
    path.touch()

    async def mode() -> int:
        async with echoing(path):
            return stat.S_IMODE(os.stat(path).st_mode)

    assert asyncio.run(mode()) == 0o600


@pytest.mark.parametrize("line", [b"\n", b"[1]\n", b"\xff\xfe\n", b"{" * 5000 + b"\n"])
async def test_what_is_no_object_is_refused(path: Path, line: bytes) -> None:
    async with echoing(path):
        refused = await reply_to(path, line)
        assert (refused["ok"], refused["error"]) == (False, "send one JSON object on one line")
        assert (await reply_to(path, b"{}\n"))["ok"] is True


def test_nobody_listening_is_said(path: Path) -> None:
    with pytest.raises(ChannelError, match=r"No such file.*is the demo running"):
        ask(path, {}, 1)


@contextlib.contextmanager
def dumb_server(path: Path, reply: bytes | None) -> Iterator[None]:
    """Accepts one connection; sends `reply` and closes, or says nothing when it is None."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        done = threading.Event()

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                if reply is None:
                    done.wait(10)
                else:
                    connection.recv(4096)
                    connection.sendall(reply)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("reply", [b"", b"nonsense\n", b"[]\n"])
def test_a_reply_that_is_none_is_said(path: Path, reply: bytes) -> None:
    with dumb_server(path, reply), pytest.raises(ChannelError, match="without an answer"):
        ask(path, {}, 5)


def test_silence_ends_in_time(path: Path) -> None:
    with dumb_server(path, None), pytest.raises(ChannelError, match="timed out"):
        ask(path, {}, 0.2)
