"""What a wall does unattended over weeks: rotate views, shift its picture, restart reading.

Invariant: pure bookkeeping with given times; nothing here waits, draws or reads. A view never
leaves while something is red, and a picture never moves by more than one cell at once.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.render.overview import LEAST_HEIGHT, LEAST_WIDTH
from opsconsole.render.wall.scene import View

SHIFT_EVERY: Final = 60.0
"""Seconds from one move of the picture to the next."""

SILENT_AFTER: Final = 30.0
"""Seconds without a sign of life from the engine after which its data no longer counts."""

COUNTED_AT_MOST: Final = 2.0
"""The most seconds of silence counted between two checks, so that a suspension does not count."""

FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 600.0
"""Seconds before reading is started again: at first, and at most; it doubles in between."""

STEADY_AFTER: Final = 300.0
"""Seconds of life after which the next failure counts as the first again."""


class Rotation:
    """Which view is shown, and since when.

    The views take turns, each for ``every`` seconds; the view of what is red stays until nothing is
    red, then the rotation restarts with the first.
    """

    def __init__(self, views: Sequence[View], every: float, now: float) -> None:
        self._views = tuple(views) or (View.OVERVIEW,)
        self._every = max(1.0, every)
        self._began = now
        self._at = 0
        self._red = False

    @property
    def views(self) -> tuple[View, ...]:
        """The views that take turns."""
        return self._views

    @property
    def view(self) -> View:
        """The view that is shown."""
        return View.RED if self._red else self._views[self._at]

    def shown_for(self, now: float) -> float:
        """Seconds for which it has been shown."""
        return max(0.0, now - self._began)

    def turn(self, now: float, *, red: bool) -> View:
        """The view to show at ``now``."""
        if red is not self._red:
            self._red, self._at, self._began = red, 0, now
        elif not red and now - self._began >= self._every:
            turns = int((now - self._began) // self._every)
            self._at = (self._at + turns) % len(self._views)
            self._began += turns * self._every
        return self.view


@dataclass(frozen=True, slots=True)
class Drift:
    """The position of the picture within its margin at a given time.

    It moves through every position of the margin, row by row and back, one cell at a time.
    """

    across: int
    down: int

    @classmethod
    def of(cls, width: int, height: int) -> "Drift":
        """The margin that a screen of this size can spare."""
        if width < LEAST_WIDTH + 6 or height < LEAST_HEIGHT + 3:
            return cls(0, 0)
        return cls(min(6, width // 40), min(3, height // 24))

    def at(self, now: float) -> tuple[int, int]:
        """Cells from the left and from the top."""
        columns, rows = self.across + 1, self.down + 1
        places = columns * rows
        step = int(now // SHIFT_EVERY) % max(1, 2 * places - 2)
        place = step if step < places else 2 * places - 2 - step
        row, column = divmod(place, columns)
        return (self.across - column if row % 2 else column), row


class Pulse:
    """Whether the engine lives, by a sign that changes as long as it does."""

    def __init__(self) -> None:
        self._sign: float | None = None
        self._looked_at: float | None = None
        self._silence = 0.0

    def silent(self, sign: float | None, now: float) -> bool:
        """Whether ``sign`` has not changed for too long; None is an engine without one."""
        since = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if sign is None or sign != self._sign:
            self._sign, self._silence = sign, 0.0
        else:
            self._silence += min(max(0.0, since), COUNTED_AT_MOST)
        return self._silence >= SILENT_AFTER


class Revival:
    """When to restart reading after it has ended: at once at first, then less and less often."""

    def __init__(self) -> None:
        self.reason = ""
        self.since: float | None = None
        self.attempts = 0
        self._due = 0.0
        self._alive_since: float | None = None

    def alive(self, now: float) -> None:
        """Reading works; after a while earlier failures no longer count."""
        self.since = None
        if self._alive_since is None:
            self._alive_since = now
        elif now - self._alive_since >= STEADY_AFTER:
            self.attempts = 0

    def failed(self, reason: str, now: float, since: float) -> None:
        """Reading was found at ``now`` to have ended at ``since``."""
        self.since = since
        self._alive_since = None
        self.reason = reason
        self._due = now + min(LONGEST_WAIT, FIRST_WAIT * 2.0**self.attempts)

    def again_in(self, now: float) -> float:
        """Seconds to the next attempt."""
        return max(0.0, self._due - now)

    def attempt(self, now: float) -> bool:
        """Whether to restart now; each attempt is reported once."""
        if self.since is None or now < self._due:
            return False
        self.attempts += 1
        self._due = now + min(LONGEST_WAIT, FIRST_WAIT * 2.0**self.attempts)
        return True
