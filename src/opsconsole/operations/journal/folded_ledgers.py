"""The ledgers of one kind as what they add up to, read again where they moved.

Invariant: what did not move is the same object as before; what adds up to nothing is left out.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from opsconsole.operations.journal.journal import LedgerRecord, Ledgers
from opsconsole.operations.journal.records import LedgerKind

T = TypeVar("T")


class FoldedLedgers(Generic[T]):
    """``fold`` makes a value of an id and its records, or None. Raises StateError."""

    def __init__(
        self, kind: LedgerKind, fold: Callable[[str, Sequence[LedgerRecord]], T | None]
    ) -> None:
        self._kind, self._fold = kind, fold
        self._known: dict[str, tuple[int, T | None]] = {}

    def read(self, ledgers: Ledgers, most: int | None = None) -> tuple[T, ...]:
        """Those that are listed, what moved last first, at most ``most`` of them."""
        stamps = ledgers.ledgers(self._kind)[:most]
        known = self._known
        self._known = {
            each.id: known[each.id]
            if known.get(each.id, (None,))[0] == each.version
            else (each.version, self._fold(each.id, ledgers.ledger(self._kind, each.id)))
            for each in stamps
        }
        found = (value for _, value in self._known.values())
        return tuple(each for each in found if each is not None)
