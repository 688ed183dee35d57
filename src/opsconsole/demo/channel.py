"""JSON lines over a unix socket: one object in, one object out, then the connection closes.

Invariant: a reply always has `ok`; when it is false, `error` says what was wrong and what to do.
The sockets exist in the demo alone: they inject faults and restart processes, which no platform's
documented API can do. The folder that holds them is private to the user.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from opsconsole.errors import OpsconsoleError

MESSAGE_LIMIT = 64 * 1024

Message = dict[str, object]
Answer = Callable[[Message], Awaitable[Message]]


class ChannelError(OpsconsoleError):
    """The other side could not be asked, or refused; the text is its reason."""


async def serve(path: Path, answer: Answer) -> asyncio.Server:
    """Listen on `path` (mode 0600) and answer each message; replaces a stale socket.

    `answer` may raise ChannelError or ValueError: its text becomes the reply's `error`.
    """

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(encode(await _reply(await _line(reader), answer)))
            await writer.drain()
        writer.close()

    _remove(path)
    server = await asyncio.start_unix_server(connection, str(path), limit=MESSAGE_LIMIT)
    os.chmod(path, 0o600)
    return server


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(10):
            return await reader.readline()
    except (TimeoutError, ValueError):
        return b""  # too slow or too long: decoded as "not a JSON object"


async def _reply(line: bytes, answer: Answer) -> Message:
    try:
        return {"ok": True, **await answer(decode(line))}
    except (ChannelError, ValueError) as problem:
        return {"ok": False, "error": str(problem)}


def encode(message: Mapping[str, object]) -> bytes:
    """One line of JSON."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The object on a line; raises ValueError when it is anything else."""
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("send one JSON object on one line")
    return value


def ask(path: Path, message: Mapping[str, object], timeout_s: float) -> Message:
    """Send one message and return the reply; blocks for at most `timeout_s` a step.

    Raises ChannelError when nobody listens, the answer does not come, or it says `ok: false`.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(encode(message))
            line = connection.makefile("rb").readline(MESSAGE_LIMIT)
    except OSError as problem:
        raise ChannelError(f"{path}: {problem.strerror or problem}; is the demo running?") from None
    return _checked(path, line)


def _checked(path: Path, line: bytes) -> Message:
    try:
        reply = decode(line)
    except ValueError:
        raise ChannelError(f"{path}: the connection closed without an answer") from None
    if reply.get("ok") is not True:
        raise ChannelError(str(reply.get("error", "refused without a reason")))
    return reply
