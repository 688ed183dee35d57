"""What a receiver was notified of, kept in the state of all watchers: one ledger for each receiver.

Invariant: what was added is kept when the method returns, and nobody else added in between. A
ledger whose oldest records go still says all: every so often the whole is written again. Everything
here blocks and raises StateError.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.journal import Decide, LedgerExistsError
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.state_place import LateJournal
from opsconsole.watcher.notify.episodes import Notified, Record, folded

WHOLE_AFTER: Final = 500
"""Records after which the whole is written again."""

_REFUSED: Final = Refusal("another-watcher", "another watcher has written what was reported")


class KeptNotices:
    """The ledger of the receiver called ``receiver``."""

    def __init__(self, journal: LateJournal, receiver: str) -> None:
        self._journal = journal
        self._receiver = receiver
        self._last: _Mark | None = None

    def read(self) -> Notified:
        """What the receiver was notified of, by whichever watcher."""
        records = self._journal.open().ledger(LedgerKind.NOTICE, self._receiver)
        self._last = _mark(records)
        return folded(records)

    def add(self, records: Sequence[Record], now: float) -> bool:
        """Add ``records``; False when another watcher added some since they were read."""
        self._begin(now)
        last = self._last

        def decide(stand: Sequence[Record]) -> Sequence[Record] | Refusal:
            if _mark(stand) != last:
                return _REFUSED
            if _since_whole(stand) < WHOLE_AFTER:
                return records
            return tuple(folded([*stand, *records]).records(now))

        return self._extend(decide, now)

    def replace(self, notified: Notified, now: float) -> bool:
        """Write all of ``notified``, whatever is kept; True."""
        self._begin(now)
        return self._extend(lambda _stand: tuple(notified.records(now)), now)

    def _begin(self, now: float) -> None:
        if self._last is not None:
            return
        first: Record = {"do": "whole", "at": now}
        try:
            self._journal.open().begin_ledger(LedgerKind.NOTICE, self._receiver, first, now)
        except LedgerExistsError:
            return
        self._last = _mark([first])

    def _extend(self, decide: Decide, now: float) -> bool:
        kind, journal = LedgerKind.NOTICE, self._journal.open()
        added = journal.extend_ledger(kind, self._receiver, decide, now)
        if isinstance(added, Refusal):
            if added is _REFUSED:
                return False
            raise StateError(f"what {self._receiver} was notified of is not kept: {added.message}")
        self._last = _mark(added)
        return True


_Mark = tuple[object, object, object]


def _mark(records: Sequence[Record]) -> _Mark | None:
    """What distinguishes the last record from others; None where there is none."""
    last = records[-1] if records else None
    return None if last is None else (last.get("do"), last.get("id"), last.get("at"))


def _since_whole(records: Sequence[Record]) -> int:
    """How many records follow the last that began the whole again."""
    for number, each in enumerate(reversed(records)):
        if each.get("do") == "whole":
            return number
    return WHOLE_AFTER
