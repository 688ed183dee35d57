"""Good and bad counts of one objective: per minute for three days, per hour for 30.

Invariant: every look or request is in exactly one minute and one hour; memory use does not depend
on how many there are (23 kB for looks, 81 kB for requests); what was not looked at counts as
neither.
"""

import math
from array import array
from typing import Any, Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
MINUTES: Final = 3 * 24 * 60
HOURS: Final = 30 * 24


class BudgetHistory:
    """Good and bad looks, or ``requests``, for one objective of one service."""

    def __init__(self, *, requests: bool = False) -> None:
        self._minutes = _Ring(MINUTES, MINUTE, "d" if requests else "H")
        self._hours = _Ring(HOURS, HOUR, "d" if requests else "I")
        self.began: float | None = None
        self._gap = 0.0
        self._recalled_until: float | None = None

    def add(self, at: float, *, bad: bool) -> None:
        """One look at ``at``, in Unix seconds."""
        self.count(at, good=0 if bad else 1, bad=1 if bad else 0)

    def count(self, at: float, *, good: float, bad: float) -> None:
        """Add counts at ``at``; whole numbers where looks are counted."""
        if self.began is None:
            self.began = at
        if self._recalled_until is not None:
            self._gap, self._recalled_until = max(0.0, at - self._recalled_until), None
        self._minutes.add(at, good, bad)
        self._hours.add(at, good, bad)

    def recall(self, share: float, looks: float, since: float, until: float) -> None:
        """Add what another console counted from ``since`` to ``until``, before this one began.

        ``share`` of ``looks`` were good; when they were bad is no longer known to the hour, so that
        each hour gets its part.
        """
        hours = max(1, math.ceil((until - since) / HOUR))
        added = failed = 0
        for hour in range(hours):
            at = since + (hour + 0.5) * (until - since) / hours
            every = round(looks * (hour + 1) / hours) - added
            added += every
            bad = min(every, round(added * (1 - share)) - failed)
            failed += bad
            for ring in (self._minutes, self._hours):
                ring.recall(at, every, bad)
        if self.began is None:
            self._recalled_until = until
        else:
            self._gap = max(0.0, self.began - until)
        self.began = since

    def counts(self, now: float, over: float) -> tuple[float, float]:
        """How many of the last ``over`` seconds were good, and how many bad.

        Exact to the minute up to three days, beyond that to the hour.
        """
        ring = self._minutes if over <= MINUTES * MINUTE else self._hours
        return ring.counts(now, over)

    def seen(self, now: float, over: float) -> float:
        """Seconds of the last ``over`` since the first count, without those that nobody saw."""
        if self.began is None:
            return 0.0
        end = now if self._recalled_until is None else self._recalled_until
        return max(0.0, min(end - self.began - self._gap, over))


class _Ring:
    """Counts in the last ``slots`` × ``step`` seconds; one in the past joins the open slot."""

    def __init__(self, slots: int, step: float, code: str) -> None:
        self._slots, self._step = slots, step
        # Typed by what is read from them; an array of "H" or "I" takes whole numbers only.
        self._all: array[Any] = array(code, [0] * slots)
        self._bad: array[Any] = array(code, [0] * slots)
        self._most = 2 ** (8 * self._all.itemsize) - 1 if code != "d" else math.inf
        self._slot: int | None = None

    def add(self, at: float, good: float, bad: float) -> None:
        place = self._advance(at)
        if self._all[place] + good + bad <= self._most:
            self._all[place] += good + bad
            self._bad[place] += bad

    def recall(self, at: float, every: int, bad: int) -> None:
        """Add to the slot of ``at``, which has passed, if it is still kept."""
        slot = int(at // self._step)
        newest = slot if self._slot is None else self._slot
        self._slot = max(newest, slot)
        place = slot % self._slots
        if newest - slot < self._slots and self._all[place] + every <= self._most:
            self._all[place] += every
            self._bad[place] += bad

    def counts(self, now: float, over: float) -> tuple[float, float]:
        last = self._advance(now)
        wanted = min(self._slots, max(1, round(over / self._step)))
        first = last - wanted + 1
        if first >= 0:
            every, bad = sum(self._all[first : last + 1]), sum(self._bad[first : last + 1])
        else:
            every = sum(self._all[: last + 1]) + sum(self._all[first:])
            bad = sum(self._bad[: last + 1]) + sum(self._bad[first:])
        return every - bad, bad

    def _advance(self, now: float) -> int:
        """The index of the open slot; slots that passed without counts are emptied."""
        slot = int(now // self._step)
        if self._slot is None:
            self._slot = slot
        for passed in range(min(slot - self._slot, self._slots)):
            place = (slot - passed) % self._slots
            self._all[place] = self._bad[place] = 0
        self._slot = max(self._slot, slot)
        return self._slot % self._slots
