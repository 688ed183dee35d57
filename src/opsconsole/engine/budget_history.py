"""What counted for and against one objective: by the minute for three days, by the hour for 30.

Invariant: every look is in exactly one minute and one hour; room is the same however many looks
there are (23 kB); what was not looked at counts neither way.
"""

from array import array
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
MINUTES: Final = 3 * 24 * 60
HOURS: Final = 30 * 24

_MOST: Final = 2**16 - 1


class BudgetHistory:
    """Looks that were good or bad, for one objective of one service."""

    def __init__(self) -> None:
        self._minutes = _Ring(MINUTES, MINUTE, "H")
        self._hours = _Ring(HOURS, HOUR, "I")
        self.began: float | None = None

    def add(self, at: float, *, bad: bool) -> None:
        """One look at ``at``, in Unix seconds."""
        if self.began is None:
            self.began = at
        self._minutes.add(at, bad=bad)
        self._hours.add(at, bad=bad)

    def counts(self, now: float, over: float) -> tuple[int, int]:
        """How many looks of the last ``over`` seconds were good, and how many bad.

        To the minute up to three days, beyond that to the hour.
        """
        ring = self._minutes if over <= MINUTES * MINUTE else self._hours
        return ring.counts(now, over)

    def seen(self, now: float, over: float) -> float:
        """Seconds of the last ``over`` since the first look."""
        return 0.0 if self.began is None else max(0.0, min(now - self.began, over))


class _Ring:
    """Counts in the last ``slots`` × ``step`` seconds; one in the past joins the open slot."""

    def __init__(self, slots: int, step: float, code: str) -> None:
        self._slots, self._step = slots, step
        self._looks = array(code, [0] * slots)
        self._bad = array(code, [0] * slots)
        self._slot: int | None = None

    def add(self, at: float, *, bad: bool) -> None:
        place = self._advance(at)
        if self._looks[place] < _MOST:
            self._looks[place] += 1
            self._bad[place] += bad

    def counts(self, now: float, over: float) -> tuple[int, int]:
        last = self._advance(now)
        wanted = min(self._slots, max(1, round(over / self._step)))
        first = last - wanted + 1
        if first >= 0:
            looks, bad = sum(self._looks[first : last + 1]), sum(self._bad[first : last + 1])
        else:
            looks = sum(self._looks[: last + 1]) + sum(self._looks[first:])
            bad = sum(self._bad[: last + 1]) + sum(self._bad[first:])
        return looks - bad, bad

    def _advance(self, now: float) -> int:
        """Where the open slot is; those that have passed unseen are emptied."""
        slot = int(now // self._step)
        if self._slot is None:
            self._slot = slot
        for passed in range(min(slot - self._slot, self._slots)):
            place = (slot - passed) % self._slots
            self._looks[place] = self._bad[place] = 0
        self._slot = max(self._slot, slot)
        return self._slot % self._slots
