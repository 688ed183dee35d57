"""Following what Loki keeps, by asking it again and again for what is newer.

Invariant: a line is passed on once, under the name of who wrote it; a line that Loki takes in late,
by up to ``LATE`` seconds, is not lost. The filter of a search is Loki's own work where it can be.
Loki is only asked: nothing here changes it.

Source: Loki HTTP API, ``GET /loki/api/v1/query_range``;
https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from opsconsole.model.fault import Fault
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.logs.base import LogContext, LogSink, Sought, Stretch
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.position import Position
from opsconsole.sources.logs.raw_lines import cut
from opsconsole.sources.logs.stamped_lines import NANO, StampedLine
from opsconsole.sources.prometheus.server_api import ServerApi, fault_of_answer
from opsconsole.text import sanitize

TAIL: Final = 1_000
"""Lines of the past that are asked for at first."""

PAGE: Final = 1_000
"""Lines of one answer; a Loki gives 5,000 at most unless it is set otherwise."""

EVERY: Final = 1.0
"""Seconds between two questions, while somebody reads."""

LATE: Final = 5.0
"""Seconds by which a line may be taken in later than one that was written after it."""

FIRST_SPAN: Final = 3_600.0
"""Seconds of the past in which the first lines are looked for."""

LONGEST_SPAN: Final = 86_400 * NANO
"""Nanoseconds that one question spans when it looks back; a Loki allows thirty days."""

LONGEST_PAST: Final = 30 * LONGEST_SPAN

_TIMEOUT: Final = 10.0
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 15.0
_PATH: Final = "/loki/api/v1/query_range"
_WRITERS: Final = ("pod", "container", "container_name", "instance", "host", "hostname", "filename")
"""Labels that say who wrote a line, the first that is there; as Promtail and Alloy set them."""

_NAME_LIMIT: Final = 100


class LokiFollower(Follower):
    """Follows what ``query``, in LogQL, selects at the Loki of ``context``."""

    def __init__(self, query: str, context: LogContext, sink: LogSink) -> None:
        super().__init__("loki", sink)
        self._query = query
        self._context = context
        self._position = Position()
        self._failures = 0
        self._broken_at: float | None = None
        self._asked = False
        self._since = 0

    def follow(self) -> None:
        """Ask until it cannot be asked, then a pause that grows with failures."""
        fault = asyncio.run(self._until_it_breaks())
        if fault is None or self.stopping:
            return
        self._broken_at = self._broken_at or time.monotonic()
        self.sink.trouble(str(fault))
        self._failures += 1
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(self._failures - 1, 8))
        pause = random.uniform(_FIRST_DELAY / 2, longest)  # noqa: S311 - jitter, no secret
        self.wait(max(pause, fault.retry_after))

    def past(self, sought: Sought) -> Iterator[Stretch]:
        """All that Loki keeps, a stretch for each answer, the newest first."""
        query = filtered(self._query, sought.needle)
        now = time.time_ns()
        since = max(int((sought.since or 0.0) * NANO), now - LONGEST_PAST)
        end, seen = now, Position()
        with asyncio.Runner() as runner:
            while end > since and not self.stopping:
                start = max(since, end - LONGEST_SPAN)
                try:
                    lines = runner.run(self._asked_once(query, start, end))
                except TransportFaultError as error:
                    yield Stretch(end / NANO, trouble=str(error.fault))
                    return
                seen.ask_again(0.0)
                fresh = seen.fresh(lines)
                if fresh:
                    yield Stretch(end / NANO, iter([[each.line for each in fresh]]))
                # A full page is of the newest lines; others of its first moment come with the next.
                end = lines[0].nanoseconds + bool(fresh) if len(lines) >= PAGE else start

    async def _asked_once(self, query: str, start: int, end: int) -> list[StampedLine]:
        async with self._connected() as api:
            return await page(api, query, start, end, back=True)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ServerApi]:
        connector = Connector()
        api = ServerApi(
            self._context.url,
            http=self._context.http,
            timeout=_TIMEOUT,
            connector=connector,
            base=self._context.base,
        )
        try:
            yield api
        finally:
            await api.close()
            await connector.close()

    async def _until_it_breaks(self) -> Fault | None:
        async with self._connected() as api:
            try:
                if not self._asked:
                    await self._begin(api)
                while not self.stopping:
                    full = await self._go_on(api)
                    self._stands()
                    for _ in range(0 if full else int(EVERY / 0.1)):
                        if not self.stopping:
                            await asyncio.sleep(0.1)
            except TransportFaultError as error:
                return error.fault
        return None

    async def _begin(self, api: ServerApi) -> None:
        now = time.time()
        start = int((now - FIRST_SPAN) * NANO)
        lines = await page(api, self._query, start, int(now * NANO), back=True, most=TAIL)
        self._pass_on(lines, live=False)
        self._since = int((now - LATE) * NANO)
        self._asked = True

    async def _go_on(self, api: ServerApi) -> bool:
        """Ask for what is newer; whether there may be more at once."""
        end = int((time.time() + 1.0) * NANO)
        self._position.ask_again(self._since / NANO - 1.0)
        lines = await page(api, self._query, self._since, end, back=False)
        self._pass_on(lines, live=True)
        full = len(lines) >= PAGE
        last = lines[-1].nanoseconds if lines else 0
        # A page that is full of one moment would be the same for ever.
        stuck = full and last <= self._since
        floor = last + stuck if full else int((time.time() - LATE) * NANO)
        self._since = max(self._since, floor)
        return full

    def _pass_on(self, lines: list[StampedLine], *, live: bool) -> None:
        fresh = self._position.fresh(lines)
        if fresh:
            self.sink.lines([each.line for each in fresh], live=live)

    def _stands(self) -> None:
        self._failures = 0
        if self._broken_at is not None:
            lost = time.monotonic() - self._broken_at
            self._broken_at = None
            self.sink.gap(f"Loki was out of reach for {lost:.0f} s and is asked again")
        self.sink.trouble("")


def filtered(query: str, needle: bytes) -> str:
    """``query`` with a line filter for ``needle``, which stands in every wanted line."""
    if not needle:
        return query
    try:
        text = needle.decode("ascii")
    except UnicodeDecodeError:
        return query
    # A word alone: what means something in a regular expression or in quotes is left to us.
    if not all(each.isalnum() or each in " _-/=:@" for each in text):
        return query
    return f'{query} |~ "(?i){text}"'


async def page(
    api: ServerApi, query: str, start: int, end: int, *, back: bool, most: int = PAGE
) -> list[StampedLine]:
    """The lines from ``start`` up to before ``end``, nanoseconds, in the order of their times.

    ``back``: the newest ones where there are more than ``most``. Raises TransportFaultError.
    """
    params = {
        "query": query,
        "start": str(start),
        "end": str(end),
        "limit": str(most),
        "direction": "backward" if back else "forward",
    }
    answer = await api.call("GET", _PATH, params)
    try:
        return read(json.loads(answer.content))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise TransportFaultError.of(fault_of_answer(error, api.endpoint)) from None


def read(answer: object) -> list[StampedLine]:
    """The lines of an answer, by time. Raises ValueError, LookupError or TypeError for no such."""
    data = answer["data"] if isinstance(answer, dict) else None
    if not isinstance(data, dict) or data.get("resultType") != "streams":
        raise ValueError("no streams of lines")
    lines: list[StampedLine] = []
    for stream in data["result"]:
        writer = _writer(stream["stream"])
        for stamp, text, *_ in stream["values"]:
            at = int(stamp)
            raw = cut(text.encode("utf-8", "replace"))
            lines.append(StampedLine(raw._replace(at=at / NANO, replica=writer), at))
    lines.sort(key=lambda each: each.nanoseconds)
    return lines


def _writer(labels: Mapping[str, object]) -> str:
    named = next((labels[key] for key in _WRITERS if labels.get(key)), "")
    return sanitize(named, limit=_NAME_LIMIT) if isinstance(named, str) else ""
