"""One reader of a service's logs; pages are computed on its own thread.

Invariant: the reader never waits and gets a page at most twice a second, or at once after a new
query; a page equal to the previous one is not sent. ``close`` is idempotent and ends the thread.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from opsconsole.clock import Clock
from opsconsole.engine.logs.look_back import LookBack
from opsconsole.engine.logs.query import answer
from opsconsole.engine.logs.ring import LogRing
from opsconsole.model.logs import LogPage, LogQuery, PageListener

EVERY: Final = 0.5
"""Minimum seconds between pages."""


class LogView:
    """Answers queries over ``rings``; ``on_page`` is called on its thread.

    ``settle`` is called before each page, to update the rings; ``look_back`` makes what reads
    what was before them, for a query that asks for it.
    """

    def __init__(
        self,
        rings: Sequence[LogRing],
        clock: Clock,
        on_page: PageListener,
        on_close: Callable[[], None],
        settle: Callable[[], None],
        look_back: Callable[[LogQuery], LookBack],
    ) -> None:
        self._rings = tuple(rings)
        self._clock = clock
        self._on_page = on_page
        self._on_close = on_close
        self._settle = settle
        self._look_back = look_back
        self._back: LookBack | None = None
        self._back_of: LogQuery | None = None
        self._query = LogQuery()
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log-view", daemon=True)

    def start(self) -> None:
        """Start answering; call it once."""
        self._thread.start()

    def ask(self, query: LogQuery) -> None:
        """Answer ``query`` from this moment on."""
        self._query = query
        self._asked.set()

    def close(self) -> None:
        """Stop; the logs are no longer followed unless another reader needs them."""
        with self._lock:
            closed, self._closed = self._closed, True
        self._asked.set()
        if not closed:
            self._on_close()

    def _page(self) -> LogPage:
        """The present answer."""
        self._settle()
        now = self._clock.wall()
        query = self._query
        back = self._past_of(query)
        logs = [
            ring.lines() if back is None else back.lines(at) for at, ring in enumerate(self._rings)
        ]
        sources = tuple(ring.status(now) for ring in self._rings)
        page = answer(query, logs, sources, now=now)
        return page if back is None else replace(page, past=back.status())

    def _past_of(self, query: LogQuery) -> LookBack | None:
        """What reads the past for ``query``, begun if it is another query than before."""
        if query == self._back_of:
            return self._back
        if self._back is not None:
            self._back.stop()
        self._back, self._back_of = None, query
        if query.back and not self._closed:
            self._back = self._look_back(query)
            self._back.start()
        return self._back

    def _run(self) -> None:
        before: LogPage | None = None
        while not self._closed:
            self._asked.clear()
            page = self._page()
            if before is None or not _same(before, page):
                before = page
                # A listener whose screen is gone must not end in a traceback.
                with suppress(RuntimeError):
                    self._on_page(page)
            self._asked.wait(EVERY)
        if self._back is not None:
            self._back.stop()


def _same(one: LogPage, other: LogPage) -> bool:
    """Whether two pages look alike; their lines are compared by their ends and their number."""
    if len(one.lines) != len(other.lines) or one.matches != other.matches:
        return False
    if one.lines and (one.lines[0] is not other.lines[0] or one.lines[-1] is not other.lines[-1]):
        return False
    return replace(one, lines=(), matches=()) == replace(other, lines=(), matches=())
