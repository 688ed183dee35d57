"""A circuit breaker with the figures of Oatie's guide.

Invariant: closed lets every call through; after `failure_threshold` failures in a row it is open
and lets none through for `timeout_s`; then half open, until `success_threshold` successes close
it or one failure opens it again.
"""

from __future__ import annotations

import time
from typing import Final

from opsconsole.dataclass import dataclass

CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half_open"


@dataclass(slots=True)
class CircuitBreaker:
    """One service's breaker; times are monotonic seconds."""

    failure_threshold: int = 5
    success_threshold: int = 3
    timeout_s: float = 60.0
    state: str = CLOSED
    failures: int = 0
    successes: int = 0
    opened_at: float = 0.0

    def allows(self) -> bool:
        """Whether a call may be made at this moment; an open breaker half opens in time."""
        if self.state == OPEN and time.monotonic() - self.opened_at >= self.timeout_s:
            self.state, self.successes = HALF_OPEN, 0
        return self.state != OPEN

    def succeeded(self) -> None:
        """A call went well."""
        self.failures = 0
        if self.state == HALF_OPEN:
            self.successes += 1
            if self.successes >= self.success_threshold:
                self.state = CLOSED

    def failed(self) -> None:
        """A call failed."""
        self.failures += 1
        if self.state == HALF_OPEN or self.failures >= self.failure_threshold:
            self.state, self.opened_at = OPEN, time.monotonic()

    def reset(self) -> None:
        """Closed, as new."""
        self.state, self.failures, self.successes = CLOSED, 0, 0

    def as_body(self) -> dict[str, object]:
        """The breaker as Oatie's pages show it."""
        return {
            "state": self.state,
            "failure_count": self.failures,
            "success_count": self.successes,
            "failure_threshold": self.failure_threshold,
            "success_threshold": self.success_threshold,
            "timeout": self.timeout_s,
        }
