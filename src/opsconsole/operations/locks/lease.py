"""The arithmetic of a lock that ends by itself: a lease with a fencing token.

The server keeps one row for each lock: a token that only grows, and an end by the server's own
clock. Who takes it raises the token; who renews it, or begins a step under it, names the token.

Invariant: a holder begins nothing unless its last renewal was asked for less than
``Terms.begins_within`` ago, by its own CLOCK_BOOTTIME, which a suspended machine does not stop.
The server gave it ``Terms.lasts`` from some moment after it was asked for. So what is begun is
begun at least ``Terms.margin`` before another may take the lock, however the clocks of holder and
server differ.

What this leaves open, because no lock can close it: a holder that is paused for longer than the
margin between this last check and its call; a call that takes longer than the margin, whose holder
was cut off meanwhile; and a server whose own clock leaps ahead by more than the margin, as in a
failover to a standby whose clock is wrong. The journal holds the intent of each such call, written
while the token was good, so the next holder finds that step begun, looks it up, and repeats
nothing.
"""

from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """In seconds: how often a lease is renewed, when it is over, how long something may be begun.

    Raises ValueError for terms under which a holder that is well would stop, or under which one
    could begin something as another takes the lock.
    """

    renew_every: float = 5.0
    lasts: float = 20.0
    begins_within: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.renew_every < self.begins_within < self.lasts:
            raise ValueError(f"a lease cannot have the terms {self}")

    @property
    def margin(self) -> float:
        """Seconds between the last moment at which something is begun and the lease's end."""
        return self.lasts - self.begins_within


TERMS: Final = Terms()
"""Those of every state; consoles that share one must have the same."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as its holder knows it. Moments are of the holder's CLOCK_BOOTTIME.

    ``asked_at``: just before the last request that was granted was sent.
    """

    token: int
    asked_at: float
    terms: Terms = TERMS

    def may_begin(self, now: float) -> bool:
        """Whether something may be begun now."""
        return 0.0 <= now - self.asked_at < self.terms.begins_within

    def renewed(self, asked_at: float) -> "Lease":
        """The lease after a renewal that was asked for then, in whichever order answers come."""
        return replace(self, asked_at=max(self.asked_at, asked_at))
