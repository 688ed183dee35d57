"""One answer whose body is read as it comes: a watch, or a log that is followed.

Invariant: at most ``HELD`` bytes and one piece wait to be read, the peer is made to wait beyond
that; a stream that is silent for longer than is allowed, or whose peer no longer answers the
kernel, ends with a fault. It carries one exchange after another, each begun only where the one
before ended whole.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Final, cast

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.http1 import ResponseParser
from opsconsole.sources.http.timed_socket import TimedSocket
from opsconsole.sources.http.transport_fault import TransportFaultError, timed_out

HELD: Final = 256 * 1024
"""Bytes that may wait before the peer has to."""

_LARGEST: Final = 16 << 20
"""Bytes of the largest chunk that is taken."""

_KEEP_ALIVE: Final = {
    # A peer that is gone is noticed after 5 + 3 * 3 seconds, also by a write (tcp(7)).
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 3,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 14_000,
}


class Stream(asyncio.Protocol):
    """Made by ``dial.dial_as``; ``peer`` is ``host:port`` for messages. ``close`` it."""

    def __init__(self, sock: TimedSocket, peer: str) -> None:
        self.peer = peer
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser("GET", _LARGEST)
        self._news = asyncio.Event()
        self._fault: TransportFaultError | None = None
        self._ended = False
        self._beyond = False

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may begin: the last one ended, and the peer keeps the line."""
        head = self._parser.head
        whole = self._ended and self._fault is None and head is not None and head.reusable
        return whole and not self._beyond and self._is_open()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the connection stands, after any TLS handshake."""
        self._transport = cast(asyncio.Transport, transport)
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEP_ALIVE.items():
                # Not every system has each of them.
                if hasattr(socket, name):
                    self._sock.setsockopt(socket.IPPROTO_TCP, socket.__dict__[name], value)

    async def begin(self, wire: bytes, deadline: float, total: float) -> HttpAnswer:
        """Send ``wire``; the head of the answer by ``deadline`` (loop time).

        Raises ``TransportFaultError``. ``total`` is for messages.
        """
        assert self._transport is not None
        self._parser = ResponseParser("GET", _LARGEST)
        self._ended = False
        self._transport.write(wire)
        while self._parser.head is None:
            self._check()
            if not await self._wait(deadline):
                message = f"no answer after {total:.1f} s"
                late = self._loop.time() - deadline
                raise timed_out(message, phase="headers", late=late)
        return self._parser.head

    async def pieces(self, silence: float) -> AsyncIterator[bytes]:
        """The body as it comes; ends with it. Raises ``TransportFaultError``.

        ``silence`` is for how many seconds nothing may come.
        """
        while True:
            taken = self._parser.take()
            if taken:
                yield taken
                self._go_on()
                continue
            self._check()
            if self._ended:
                return
            limit = self._loop.time() + silence
            if not await self._wait(limit):
                late = self._loop.time() - limit
                message = f"{self.peer} was silent for {silence:.0f} s"
                raise timed_out(message, phase="body", late=late)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with the next bytes."""
        if self._ended or self._fault is not None:
            # What comes between two exchanges belongs to neither.
            self._beyond = True
            return
        try:
            self._ended = self._parser.feed(data) is not None
        except TransportFaultError as error:
            self._fault = error
        if self._parser.held > HELD and self._transport is not None:
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        """Called by asyncio when the peer has closed its side."""
        self._broke_off(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the connection is gone."""
        self._broke_off(exc)

    def close(self) -> None:
        """Drop the connection at once; idempotent."""
        if self._transport is not None:
            self._transport.abort()

    def _broke_off(self, exc: Exception | None) -> None:
        self._beyond = True
        if self._ended or self._fault is not None:
            return
        status = self._parser.status
        if exc is not None or not self._parser.started:
            how = "closed" if exc is None else "broken off"
            message = f"the connection to {self.peer} was {how}"
            self._fault = TransportFaultError(FaultKind.PROTOCOL, message, status=status)
        else:
            try:
                self._parser.feed_eof()
                self._ended = True
            except TransportFaultError as error:
                self._fault = error
        self._news.set()

    def _check(self) -> None:
        if self._fault is not None:
            raise TransportFaultError.of(self._fault.fault)

    def _go_on(self) -> None:
        if self._transport is not None and self._is_open():
            self._transport.resume_reading()

    def _is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def _wait(self, until: float) -> bool:
        """Whether anything came by ``until``."""
        self._news.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
