"""Which moment is shown: now, a past one, or the present held.

Invariant: at most one moment is being read, and the last one requested is the one shown; the
request is visible at once. If there is nothing to show, the shown moment stays. Nothing here waits,
and holding a picture never stops the reading. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opsconsole.render.frame import replay as said
from opsconsole.render.ink.own_keys import key_of

if TYPE_CHECKING:
    from opsconsole.model.past.replay import Gap, Moment, Span
    from opsconsole.model.snapshot import Snapshot


class Replay:
    """``ask`` requests a moment; its answer comes to ``arrived``. ``now`` is the clock's time."""

    def __init__(self, ask: Callable[[float], None], now: Callable[[], float]) -> None:
        self._ask = ask
        self._now = now
        self._pending: float | None = None
        self._forward = False
        self._gap: Gap | None = None
        self.moment: Moment | None = None
        self.wanted: float | None = None
        self.held = False

    @property
    def is_live(self) -> bool:
        """Whether the present is shown, and no other moment is requested."""
        return self.moment is None and self.wanted is None

    @property
    def shown(self) -> said.Shown | None:
        """The banner's data; None while the present is shown."""
        return None if self.is_live else said.Shown(self.moment, self.wanted, self.held)

    def hold(self, snapshot: Snapshot) -> None:
        """Hold the present picture."""
        from opsconsole.model.past.replay import Moment, Origin

        now = self._now()
        self.moment, self.held = Moment(now, now, snapshot, Origin.MEMORY), True

    def release(self) -> None:
        """Return to now."""
        self.moment = self.wanted = self._gap = self._pending = None
        self.held = False

    def step(self, seconds: float, recorded: Span | None) -> str:
        """Go ``seconds`` back or forth from the last requested moment. Returns the notice."""
        now = self._now()
        base = self._base(now)
        if self.is_live and seconds > 0:
            return f"this is now: {key_of('earlier', '[')} steps back"
        return self._go(_on_the_way(base, base + seconds, recorded), forward=seconds > 0)

    def go(self, moment: float) -> str:
        """Go to ``moment``. Returns the notice."""
        return self._go(moment, forward=moment > self._base(self._now()))

    def arrived(self, asked: float, moment: Moment | None, refusal: str = "") -> str:
        """Take an answer: a moment, or why there is none. Returns the notice."""
        if self._pending != asked or self.wanted is None:
            return ""
        self._pending = None
        if self.wanted != asked:
            self._read(self.wanted)
            return ""
        if moment is None:
            self.wanted = self._gap = None
            return refusal
        if self._is_stuck(moment) and moment.gap is not None:
            self._gap = moment.gap
            self._go(moment.gap.end, forward=True)
            return ""
        gap, self._gap = moment.gap or self._gap, None
        self.moment, self.wanted, self.held = moment, None, False
        return "" if gap is None else said.gap_sentence(gap, self._now())

    def _base(self, now: float) -> float:
        if self.wanted is not None:
            return self.wanted
        moment = self.moment
        if moment is None:
            return now
        return moment.asked if moment.gap is None else moment.at

    def _go(self, moment: float, *, forward: bool) -> str:
        if moment >= self._now():
            was_live = self.is_live
            self.release()
            return "" if was_live else "this is now"
        self.wanted, self._forward = moment, forward
        if self._pending is None:
            self._read(moment)
        return ""

    def _read(self, moment: float) -> None:
        self._pending = moment
        self._ask(moment)

    def _is_stuck(self, moment: Moment) -> bool:
        """Whether a step forward ended where it began, before a gap."""
        before = self.moment
        return self._forward and before is not None and moment.at <= before.at


def _on_the_way(base: float, target: float, recorded: Span | None) -> float:
    """A step ends at the first recorded moment if it would go beyond that."""
    if recorded is not None and target < recorded.begin < base:
        return recorded.begin
    return target
