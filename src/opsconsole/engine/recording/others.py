"""The recordings of other hosts that look at the same environment.

Invariant: the list of them is fetched in a thread of its own, at most every ``EVERY`` seconds and
only while somebody asks; nobody waits for it but the first, and that one ``WITHIN`` seconds. Where
it cannot be fetched, ``fault`` says why, and what was known stays.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.recording.database import RecordingError, connect_reader, identity_of
from opsconsole.engine.recording.fetched import WITHIN, FetchedArchive, Fetching
from opsconsole.errors import StateError
from opsconsole.operations.shared_recordings import Listed, Piece, SharedRecordings
from opsconsole.operations.who import whoami

EVERY: Final = 10.0
"""Seconds between two lists."""

ALL_EVERY: Final = 300.0
"""Seconds between two lists of all there is; between them only what has come is listed."""


@dataclass(frozen=True, slots=True)
class _News:
    """What a list has of one recording; ``since`` is where the next one goes on."""

    listed: Listed
    pieces: frozenset[Piece]
    since: float


class Others:
    """Those of ``environment``, but for the one whose file is at ``own``."""

    def __init__(
        self,
        recordings: SharedRecordings,
        environment: str,
        own: Path,
        *,
        within: float = WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fault = ""
        self._recordings, self._environment, self._own = recordings, environment, own
        self._fetching = Fetching(within)
        self._within, self._clock = within, clock
        self._guard = threading.Lock()
        self._asked: Future[list[_News]] | None = None
        self._asked_for_all = False
        self._again_at = self._all_at = clock()
        self._first = True
        self._known: dict[str, FetchedArchive] = {}
        self._since: dict[str, float] = {}

    def all(self) -> tuple[FetchedArchive, ...]:
        """Those that are known, the liveliest first."""
        with self._guard:
            try:
                self._look()
            except StateError as error:
                self.fault = str(error)
            return tuple(self._known.values())

    def close(self) -> None:
        """Ask no more; idempotent."""
        with self._guard:
            self._fetching.close()
            self._recordings.close()
            for each in self._known.values():
                each.close()

    def _look(self) -> None:
        now = self._clock()
        if self._asked is None and now >= self._again_at:
            self._again_at = now + EVERY
            self._asked_for_all = now >= self._all_at
            since = {} if self._asked_for_all else dict(self._since)
            self._asked = self._fetching.begin(lambda: self._list(since))
        if self._asked is None or not (self._first or self._asked.done()):
            return
        self._first = False
        try:
            news = self._asked.result(self._within)
        except TimeoutError:
            raise StateError(f"the server does not answer within {self._within:g} s") from None
        except BaseException:
            self._asked = None
            raise
        self._asked, self.fault = None, ""
        self._learn(news)
        if self._asked_for_all:
            self._all_at = now + ALL_EVERY

    def _list(self, since: dict[str, float]) -> list[_News]:
        own = self._own_id()
        found = self._recordings.others(self._environment, own)
        return [
            _News(each, *self._recordings.pieces(each.id, since.get(each.id, 0.0)))
            for each in found
        ]

    def _learn(self, news: list[_News]) -> None:
        known: dict[str, FetchedArchive] = {}
        for each in news:
            listed = each.listed
            archive = self._known.pop(listed.id, None)
            whole = self._asked_for_all or archive is None or listed.id not in self._since
            if archive is None:
                archive = FetchedArchive(
                    listed.id, listed.seen_by, self._recordings, self._fetching
                )
            archive.learn(each.pieces, listed.silent, all_of_it=whole)
            known[listed.id] = archive
        for gone in self._known.values():
            gone.close()
        self._known = known
        self._since = {each.listed.id: each.since for each in news}

    def _own_id(self) -> str:
        try:
            connection = connect_reader(self._own)
        except RecordingError:
            return ""
        if connection is None:
            return ""
        with closing(connection):
            return identity_of(connection, whoami().host)
