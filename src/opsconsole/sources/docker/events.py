"""The engine's stream of events, followed in a thread of its own until it is closed.

Invariants:

* The thread reconnects by itself, later and later with jitter, and asks for what it missed.
  A stream that is silent for long is renewed, because a dead peer is silent too: the SDK's own
  stream would wait for ever.
* What the thread passes on is bounded in size and in rate; what is left out is counted.
* ``close`` ends the wait from any thread; the thread is a daemon and holds up no exit.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.docker.client import classify, connect, open_stream, read_chunks
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError
from opsconsole.sources.docker.timeline import FILTERS, message_time

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.types import CancellableStream
    from requests import Response

LINE_LIMIT: Final = 256 << 10
"""Bytes of one message."""

SILENCE: Final = 60.0
"""Seconds without a message after which the stream is renewed."""

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
_STEADY: Final = 5.0
_RATE: Final = 50.0
_BURST: Final = 500.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """What is called for which occurrence, on the stream's thread.

    ``message`` gets each decoded message; ``gap`` the seconds for which the stream was broken
    and why, once it is connected again, but not repeatedly for one that never stays connected
    for long; ``flood`` how many messages were left out.
    """

    message: Callable[[object], None]
    gap: Callable[[float, Fault], None]
    flood: Callable[[int], None]


class EventStream:
    """Follows the events of ``endpoint``. ``timeout`` in seconds is for connecting."""

    def __init__(
        self,
        endpoint: DockerEndpoint,
        listeners: Listeners,
        *,
        timeout: float,
        silence: float,
    ) -> None:
        self._endpoint = endpoint
        self._listeners = listeners
        self._timeout = timeout
        self._silence = silence
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: CancellableStream[bytes] | None = None
        self._since: str | None = None
        self._broken: tuple[float, Fault] | None = None
        self._failures = 0
        self._gap_is_news = True
        self._bucket = _Bucket()
        self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to follow; once."""
        self._thread.start()

    def close(self) -> None:
        """End the stream; its thread ends soon after. Idempotent, never waits."""
        self._stopping.set()
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            _shut(stream)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            fault = self._follow_until_it_breaks()
            if time.monotonic() - began > _STEADY:
                self._failures = 0
                self._gap_is_news = True
            if fault is not None and self._broken is None:
                self._broken = (time.monotonic(), fault)
            self._failures += 1
            if self._stopping.wait(_delay(self._failures)):
                return

    def _follow_until_it_breaks(self) -> Fault | None:
        """Follow one connection to its end; None when it was only silent."""
        try:
            client = connect(self._endpoint, self._timeout)
            try:
                self._follow(client)
            finally:
                client.close()
        except DockerUnavailableError as error:
            return error.fault
        except _SilenceError:
            return None
        except OSError as error:
            return classify(error, self._endpoint, self._timeout)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: a new connection follows
            return Fault(FaultKind.INTERNAL, f"{type(error).__name__} in the event stream")
        return Fault(FaultKind.PROTOCOL, f"{self._endpoint.url} ended the event stream")

    def _follow(self, client: "DockerClient") -> None:
        params = {"filters": json.dumps(FILTERS)}
        if self._since:
            params["since"] = self._since
        waits = (self._timeout, self._silence)
        with open_stream(client, "/events", params, timeout=waits) as response:
            if response.status_code != 200:
                message = f"Docker answered {response.status_code} to the request for events"
                raise DockerUnavailableError(Fault(FaultKind.STATUS, message))
            self._stand(response)
            try:
                for line in _lines(response):
                    self._hear(line)
            finally:
                with self._lock:
                    self._stream = None

    def _stand(self, response: "Response") -> None:
        """Note that the stream is connected, how to close it, and where to resume."""
        from docker.types import CancellableStream

        with self._lock:
            if self._stopping.is_set():
                raise ConnectionError("closed")
            self._stream = CancellableStream(iter(()), response)
        if self._since is None:
            self._since = _date(response)
        if self._broken is not None:
            at, fault = self._broken
            self._broken = None
            if self._gap_is_news:
                self._gap_is_news = False
                self._listeners.gap(time.monotonic() - at, fault)

    def _hear(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise DockerUnavailableError(
                Fault(FaultKind.NOT_UNDERSTOOD, "an event of the engine is not JSON")
            ) from None
        at = message_time(message)
        if at is not None:
            seconds, nanoseconds = divmod(at + 1, 1_000_000_000)
            self._since = f"{seconds}.{nanoseconds:09d}"
        if self._bucket.take():
            self._listeners.message(message)
        if left_out := self._bucket.report():
            self._listeners.flood(left_out)


class _SilenceError(Exception):
    """The stream is connected and sends nothing."""


class _Bucket:
    """A token bucket: lets ``_RATE`` a second pass, ``_BURST`` at once; counts the rest."""

    def __init__(self) -> None:
        self._tokens = _BURST
        self._filled_at = time.monotonic()
        self._left_out = 0

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(_BURST, self._tokens + (now - self._filled_at) * _RATE)
        self._filled_at = now
        if self._tokens < 1:
            self._left_out += 1
            return False
        self._tokens -= 1
        return True

    def report(self) -> int:
        """How many were left out, once the flood is over or has grown by a thousand; else 0."""
        if not self._left_out or (self._tokens < 1 and self._left_out % 1000):
            return 0
        left_out, self._left_out = self._left_out, 0
        return left_out


def _lines(response: "Response") -> Iterator[bytes]:
    """The stream's lines. Raises _SilenceError when none came for as long as was agreed."""
    from urllib3.exceptions import ReadTimeoutError

    rest = b""
    try:
        for chunk in read_chunks(response):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line for line in whole if line.strip())
            if len(rest) > LINE_LIMIT:
                message = f"an event of the engine is larger than {LINE_LIMIT} bytes"
                raise DockerUnavailableError(Fault(FaultKind.TOO_LARGE, message))
    except ConnectionError as error:
        if isinstance(error.__cause__, ReadTimeoutError):
            raise _SilenceError from None
        raise


def _date(response: "Response") -> str | None:
    """The engine's own time, from when an interrupted stream is asked for again."""
    try:
        return str(int(parsedate_to_datetime(response.headers["Date"]).timestamp()))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _delay(failures: int) -> float:
    """Seconds before the next connection: doubling, with full jitter above the first delay."""
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(failures, 10))
    return random.uniform(_FIRST_DELAY / 2, longest)  # noqa: S311 - jitter, no secret


def _shut(stream: "CancellableStream[bytes]") -> None:
    """Close a stream that another thread reads; it may be closing at the same moment."""
    try:
        stream.close()
    except (OSError, AttributeError):
        return
