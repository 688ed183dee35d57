"""Whether this watcher sees, and is heard. Pure.

Invariant: a watcher that is blind says so by a code; what it does not see it does not call well. It
is blind when its engine stands still, when its looks are late, when nothing that it reads answers,
or when its own network is the likeliest cause of what fails.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceKind
from opsconsole.watcher.notify.notifying import Delivery

STILL_AFTER: Final = 20.0
"""Seconds after which an engine that settles nothing stands still."""

LATE_BY: Final = 10.0
"""Seconds by which looks may be late."""

_HERE: Final = frozenset({SourceKind.HOST, SourceKind.SYSTEMD, SourceKind.LOCAL})
"""What is read on this host, and answers whatever happens elsewhere."""


class Blind(StrEnum):
    """Why a watcher sees nothing that can be relied on."""

    STARTING = "starting"
    STANDS_STILL = "the engine stands still"
    LATE = "looks are late"
    DARK = "nothing that is read answers"
    CUT_OFF = "this host is likely cut off"


@dataclass(frozen=True, slots=True)
class OwnHealth:
    """One watcher at one moment. ``lag`` in seconds; ``deliveries`` are its receivers."""

    at: float
    leads: bool
    blind: Blind | None
    lag: float
    snapshot: Snapshot
    deliveries: tuple[Delivery, ...] = ()
    lock_fault: str = ""
    heartbeat_fault: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it is not well, one line each; none when it is."""
        found = [str(self.blind)] if self.blind else []
        found += [f"the lock cannot be used: {self.lock_fault}"] if self.lock_fault else []
        found += [f"{each.receiver} was not reached: {each.fault}" for each in self._unheard()]
        found += [
            f"what {each.receiver} was notified of is not kept: {each.unkept}"
            for each in self.deliveries
            if each.unkept
        ]
        return tuple(found)

    @property
    def why_no_heartbeat(self) -> str:
        """Why nobody is to rely on this watcher, or ''."""
        return "; ".join(self.faults)

    def _unheard(self) -> Iterable[Delivery]:
        return (each for each in self.deliveries if each.fault)


def why_blind(snapshot: Snapshot, pulse: float, began: float, now: float) -> Blind | None:
    """Why the watcher that ``began`` then sees nothing at ``now``; ``pulse`` is the engine's."""
    if now - pulse > STILL_AFTER:
        return Blind.STANDS_STILL
    elsewhere = [each for each in snapshot.sources if each.id.kind not in _HERE]
    if any(each.id.kind is SourceKind.PROBE and each.fault is not None for each in elsewhere):
        return Blind.CUT_OFF
    if lag_of(snapshot) > LATE_BY:
        return Blind.LATE
    if elsewhere and all(_is_dark(each, now) for each in elsewhere):
        longest = max(each.interval for each in elsewhere)
        return Blind.STARTING if now - began < 2 * longest + LATE_BY else Blind.DARK
    return None


def lag_of(snapshot: Snapshot) -> float:
    """By how many seconds the latest looks were late, at most."""
    return max((each.lag for each in snapshot.sources), default=0.0)


def _is_dark(source: SourceView, now: float) -> bool:
    return (
        source.taken_at is None
        or source.fault is not None
        or is_stale(source.taken_at, source.interval, now)
    )
