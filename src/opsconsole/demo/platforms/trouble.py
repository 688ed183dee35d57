"""The faults that one platform's process plays at the moment.

Invariant: `latency_factor` is 1 and nothing fails until a fault is applied, and again after
CLEAR. Component faults act on the components; the others act on every response.
"""

from __future__ import annotations

import random

from opsconsole.dataclass import dataclass
from opsconsole.demo import faults
from opsconsole.demo.faults import InjectedFault
from opsconsole.demo.platforms.components import Components

# A lone CSI, a title-setting OSC, a C1 byte and a torn UTF-8 sequence: what a broken proxy or
# a hostile upstream may send, and what a console must not pass to the terminal.
_GARBAGE = b'\x1b[2J\x1b]0;garbage\x07\x9b31m{"status": "heal\xf0\x28\x8c\x28<html>\x00\xff'


@dataclass(slots=True)
class Trouble:
    """What is wrong just now; `components` are the platform's own."""

    components: Components
    error_rate: float = 0.0
    garbage: bool = False
    _factor: float = 1.0
    _started: float = 0.0
    _over_s: float = 0.0

    def apply(self, fault: InjectedFault, now: float) -> None:
        """Play `fault` from `now` (monotonic seconds) on; ValueError for an unknown component."""
        if fault.kind == faults.CLEAR:
            self._clear()
        elif fault.kind == faults.COMPONENT:
            component = self.components.get(fault.component)
            if component is None:
                known = ", ".join(self.components.names())
                raise ValueError(f"no component {fault.component!r}; known: {known}")
            component.enter(fault.state, fault.message or f"{component.name} does not answer")
        elif fault.kind == faults.LATENCY:
            self._factor, self._started, self._over_s = fault.factor, now, fault.over_s
        elif fault.kind == faults.ERRORS:
            self.error_rate = fault.rate
        elif fault.kind == faults.GARBAGE:
            self.garbage = True

    def latency_factor(self, now: float) -> float:
        """By how much responses take longer at `now`: climbs from 1 to the fault's factor."""
        if self._over_s <= 0:
            return self._factor
        progress = min(1.0, max(0.0, (now - self._started) / self._over_s))
        return 1.0 + (self._factor - 1.0) * progress

    def strikes(self, rng: random.Random) -> bool:
        """Whether this request is one of those that fail."""
        return self.error_rate > 0 and rng.random() < self.error_rate

    def garbled(self, rng: random.Random) -> bytes:
        """A body that is neither JSON nor text."""
        return _GARBAGE + rng.randbytes(rng.randrange(8, 64))

    def _clear(self) -> None:
        self.components.reset()
        self.error_rate, self.garbage = 0.0, False
        self._factor, self._started, self._over_s = 1.0, 0.0, 0.0
