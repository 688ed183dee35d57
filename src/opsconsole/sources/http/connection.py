"""One TCP or TLS connection that carries one exchange at a time.

Invariant: an answer is only ever the answer to the request that was just sent: a connection on
which anything arrived unasked, or that closed, is never used again. An exchange ends by its
deadline, which a single timer keeps.
"""

import asyncio
import contextlib
import random
import socket
import ssl
import time
from typing import Final, cast

from opsconsole.model.certificate import Validity
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.http1 import ResponseParser
from opsconsole.sources.http.timed_socket import TimedSocket
from opsconsole.sources.http.tls import shown_by
from opsconsole.sources.http.transport_fault import (
    StaleConnectionError,
    TransportFaultError,
    timed_out,
)
from opsconsole.text import sanitize

MAX_AGE: Final = 300.0
"""Seconds after which a kept connection is replaced, so that a moved name is followed."""


class Connection(asyncio.Protocol):
    """Made by ``dial.dial``; ``peer`` is ``host:port`` for messages.

    ``served`` counts the exchanges that it carried; ``certificate`` is how long that of the peer
    holds, None without TLS.
    """

    __slots__ = (
        "_deadline",
        "_life",
        "_loop",
        "_lost",
        "_parser",
        "_sending",
        "_sent",
        "_sock",
        "_timer",
        "_total",
        "_transport",
        "_verified",
        "_waiter",
        "born",
        "certificate",
        "peer",
        "served",
    )

    def __init__(self, sock: TimedSocket, peer: str) -> None:
        self.peer = peer
        self._loop = asyncio.get_running_loop()
        self.born = self._loop.time()
        # Spread, so that connections made together are not replaced together.
        self._life = MAX_AGE * random.uniform(0.7, 1.0)  # noqa: S311
        self._sock = sock
        self._transport: asyncio.Transport | None = None
        self._parser: ResponseParser | None = None
        self._waiter: asyncio.Future[HttpAnswer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._total = self._deadline = self._sent = self._sending = 0.0
        self._verified = False
        self.certificate: Validity | None = None
        self._lost = False
        self.served = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the connection stands, after any TLS handshake."""
        self._transport = cast(asyncio.Transport, transport)
        over_tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if over_tls is not None:
            self._verified = over_tls.context.verify_mode is not ssl.CERT_NONE
            self.certificate = shown_by(over_tls)

    def is_clean(self) -> bool:
        """Whether it is open, young, and holds no byte that nobody asked for.

        The kernel is asked as well: what has arrived since the loop last looked counts. One whose
        certificate has ended is not: no new connection would be taken from that peer.
        """
        if self._lost or self._loop.time() - self.born > self._life or self._has_ended():
            return False
        try:
            self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _has_ended(self) -> bool:
        ends = self.certificate if self._verified else None
        return ends is not None and ends.left(time.time()) < 0

    async def exchange(
        self, wire: bytes, method: str, body_limit: int, deadline: float, total: float
    ) -> HttpAnswer:
        """Send ``wire`` and return the answer by ``deadline`` (loop time).

        Raises ``TransportFaultError``, or ``StaleConnectionError`` when a connection that had
        served before was closed without a byte of the answer. ``total`` is for messages.
        """
        assert self._transport is not None
        self._total = total
        self._deadline = deadline
        self._parser = ResponseParser(method, body_limit)
        self._waiter = self._loop.create_future()
        self._timer = self._loop.call_at(deadline, self._expire)
        try:
            if self._lost:
                self._broke_off(None)
            else:
                # Whatever the handshake or an earlier answer brought is not this answer's time.
                self._sock.arrived = None
                self._sent = self._loop.time()
                self._transport.write(wire)
                self._sending = self._loop.time() - self._sent
            answer = await self._waiter
        except BaseException:
            # A fault, or the caller was cancelled: what comes later is nobody's answer.
            self.close()
            raise
        finally:
            self._timer.cancel()
            self._parser = self._waiter = None
        self.served += 1
        return answer

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with the next bytes."""
        parser, waiter = self._parser, self._waiter
        if parser is None or waiter is None or waiter.done():
            self.close()
            return
        try:
            answer = parser.feed(data)
        except TransportFaultError as error:
            self._fail(error)
            return
        if answer is not None:
            waiter.set_result(self._timed(answer))

    def eof_received(self) -> bool:
        """Called by asyncio when the peer has closed its side."""
        self._broke_off(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the connection is gone."""
        self._broke_off(exc)
        if self._transport is not None:
            # A method of its own, which asyncio leaves there: a circle for the collector, with the
            # socket and its buffer, for each connection that a large fleet has had.
            vars(self._transport).pop("_read_ready_cb", None)

    def close(self) -> None:
        """Drop the connection at once; idempotent."""
        self._lost = True
        if self._transport is not None:
            self._transport.abort()

    def _broke_off(self, exc: Exception | None) -> None:
        self._lost = True
        parser, waiter = self._parser, self._waiter
        if parser is None or waiter is None or waiter.done():
            return
        if isinstance(exc, ssl.SSLError):
            self._fail(_tls_refusal(exc))
        elif not parser.started:
            self._fail(self._no_answer(exc))
        elif exc is not None:
            message = "connection reset in the middle of the answer"
            self._fail(TransportFaultError(FaultKind.PROTOCOL, message, status=parser.status))
        else:
            try:
                waiter.set_result(self._timed(parser.feed_eof()))
            except TransportFaultError as error:
                self._fail(error)

    def _timed(self, answer: HttpAnswer) -> HttpAnswer:
        arrived = self._sock.arrived
        answer.blur = None if arrived is None else self._sending
        answer.certificate = self.certificate
        answer.took = max(0.0, (self._loop.time() if arrived is None else arrived) - self._sent)
        return answer

    def _no_answer(self, exc: Exception | None) -> Exception:
        if self.served:
            return StaleConnectionError()
        how = "reset" if isinstance(exc, ConnectionError) else "closed"
        over_tls = self._transport is not None and self._transport.get_extra_info("ssl_object")
        return TransportFaultError(
            FaultKind.PROTOCOL,
            f"{self.peer} {how} the connection without an answer",
            hint="it may want a client certificate: tls_config.cert_file" if over_tls else "",
        )

    def _expire(self) -> None:
        parser = self._parser
        phase = parser.phase if parser else "headers"
        what = "no complete answer" if phase == "headers" else "body not complete"
        self._fail(
            timed_out(
                f"{what} after {self._total:.1f} s",
                phase=phase,
                late=self._loop.time() - self._deadline,
                status=parser.status if parser else None,
            )
        )

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            # The frames that it passed hold the waiter and the body: a cycle for the collector.
            self._waiter.set_exception(error.with_traceback(None))
        with contextlib.suppress(OSError):
            self.close()


def _tls_refusal(exc: ssl.SSLError) -> TransportFaultError:
    reason = sanitize((exc.reason or "connection broken").lower().replace("_", " "), limit=100)
    hint = "the server asks for a client certificate" if "certificate" in reason else ""
    return TransportFaultError(FaultKind.TLS, f"server ended TLS: {reason}", hint=hint)
