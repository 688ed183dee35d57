"""What the console saw of one service over a window: looks, failures, states, latencies.

Invariant: what could not be looked at is neither a success nor a failure; a slot in which nothing
was seen is None. Memory use is bounded by the window, however many looks there are.
"""

import math
from array import array
from functools import lru_cache
from typing import Final

from opsconsole.engine.traces.latency import LatencyWindow, Traces
from opsconsole.engine.traces.past_values import past_values
from opsconsole.model.series import ERRORS_OVER, Latency, Trace
from opsconsole.model.state import State

SLOTS: Final = 90
"""Slots of a trace, unless looks are less frequent than slots."""

LEAST_SLOTS: Final = 10

_MOST_URGENT: Final = 3
_BY_URGENCY: Final = (None, *(float(urgency) for urgency in range(4)))


@lru_cache(maxsize=1024)
def _trace_of(start: float, step: float, states: bytes) -> Trace:
    """One object for all that were in the same states: of a large fleet most were."""
    return Trace(start, step, tuple(map(_BY_URGENCY.__getitem__, states)))


class History:
    """One service's window of ``window`` seconds, looked at every ``interval``.

    Slots are never shorter than one and a half intervals, so that a trace of a service that is
    looked at rarely shows no false gaps.
    """

    def __init__(self, window: float, interval: float) -> None:
        step = max(window / SLOTS, 1.5 * interval)
        self.slots = max(LEAST_SLOTS, min(SLOTS, math.floor(window / step)))
        self.step = step
        self._measured: LatencyWindow | None = None
        self._slot: int | None = None
        self._looks = array("I", bytes(4 * self.slots))
        self._failed = array("I", bytes(4 * self.slots))
        self._states = array("B", bytes(self.slots))
        self._trace: Trace | None = None
        self.began: float | None = None

    @property
    def _latency(self) -> LatencyWindow:
        # Made when it is needed: many services are seen by others alone.
        if self._measured is None:
            self._measured = LatencyWindow(self.slots, self.step)
        return self._measured

    def add(self, at: float, *, failed: bool, latency: float | None) -> None:
        """One look that was answered or refused; ``latency`` in seconds where it was answered."""
        self._advance(at)
        if self.began is None:
            self.began = at
        self._looks[-1] += 1
        self._failed[-1] += failed
        if latency is not None:
            self._latency.add(at, latency)

    def note_state(self, at: float, state: State) -> None:
        """The service was in ``state`` at ``at``; a slot keeps its most urgent."""
        self._advance(at)
        if self._states[-1] <= state.urgency:
            self._states[-1] = state.urgency + 1
            self._trace = None

    def latency(self, now: float) -> Latency:
        """Quantiles and traces, in seconds."""
        return self._latency.view(now)

    def quantile(self, quantile: float, now: float) -> float | None:
        """``quantile`` (0 to 1) of the whole window, in seconds; None where it is empty."""
        self._latency.advance(now)
        return self._latency.quantile(quantile)

    def too_few(self, quantile: float, limit: float, now: float) -> bool:
        """Whether too few looks were had to say on which side of ``limit`` seconds it is."""
        self._latency.advance(now)
        return self._latency.too_few(quantile, limit)

    def error_rate(self, now: float, over: float = ERRORS_OVER) -> float | None:
        """Failed looks as a fraction of looks in the last ``over`` seconds; None without any."""
        self._advance(now)
        slots = min(self.slots, max(1, math.ceil(over / self.step)))
        looks = sum(self._looks[-slots:])
        return sum(self._failed[-slots:]) / looks if looks else None

    def state_trace(self, now: float) -> Trace:
        """The most urgent state of each slot as ``State.urgency``: 0 ok, 1 unknown, 2, 3 down.

        The same object as before where nothing changed.
        """
        self._advance(now)
        assert self._slot is not None, "advance sets it"
        if self._trace is None:
            start = (self._slot - self.slots + 1) * self.step
            self._trace = _trace_of(start, self.step, self._states.tobytes())
        return self._trace

    def fill_latency(self, traces: Traces, now: float) -> None:
        """Fill empty slots with past p50, p95 and p99 values that another reader recorded."""
        self._latency.fill(traces, now)

    def fill_states(self, trace: Trace | None, now: float) -> None:
        """The same for states."""
        if trace is None:
            return
        self._advance(now)
        assert self._slot is not None, "advance sets it"
        first = self._slot - self.slots + 1
        for slot, urgency in past_values(trace, self.step, first, self._slot):
            place = slot - first
            if 0 <= urgency <= _MOST_URGENT:
                self._states[place] = max(self._states[place], int(urgency) + 1)
        self._trace = None

    def _advance(self, now: float) -> None:
        slot = int(now // self.step)
        if self._slot is None:
            self._slot = slot
        steps = min(slot - self._slot, self.slots)
        if steps <= 0:
            return
        for ring in (self._looks, self._failed, self._states):
            del ring[:steps]
            ring.extend([0] * steps)
        self._slot = slot
        self._trace = None
