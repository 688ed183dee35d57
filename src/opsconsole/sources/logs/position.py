"""How far a log was read that is asked for again and again. Pure."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from opsconsole.sources.logs.stamped_lines import NANO, StampedLine

REMEMBERED: Final = 10_000
"""Lines that are known again."""


class Position:
    """What was taken of a log's lines: each is fresh once, also where it comes again.

    Lines are known by their time and their text, as often as they were taken.
    """

    def __init__(self) -> None:
        self._taken: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._again: Counter[tuple[int, int]] = Counter()

    @property
    def last(self) -> float:
        """When the latest line was written, in Unix seconds; 0 before the first."""
        return max((at for at, _ in self._taken), default=0) / NANO

    def ask_again(self, since: float) -> None:
        """What was written from ``since`` on comes again, among what was not taken."""
        self._again = Counter(each for each in self._taken if each[0] >= int(since) * NANO)

    def fresh(self, lines: Iterable[StampedLine]) -> list[StampedLine]:
        """Those that were not taken yet, in their order."""
        return [each for each in lines if self._take((each.nanoseconds, hash(each.line.data)))]

    def _take(self, known: tuple[int, int]) -> bool:
        if self._again[known] > 0:
            self._again[known] -= 1
            return False
        self._taken.append(known)
        return True
