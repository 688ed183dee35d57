"""From counters of the kernel to shares and rates. Pure.

Invariant: a share or rate is the difference of two readings over the time between them; where
a counter went backwards, or there is only one reading, it is None.
"""

from collections.abc import Mapping, Sequence

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds of one core since the start: in all, and not idle (idle and waiting for disks)."""

    total: float
    busy: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of one interface since it came up."""

    received: int
    sent: int


def cpu_shares(before: Sequence[CpuTimes], after: Sequence[CpuTimes]) -> tuple[float, ...] | None:
    """Busy fraction of each core; None when the number of cores changed or no time passed.

    A core whose total did not advance was offline: it counts as idle.
    """
    if len(before) != len(after) or not after:
        return None
    totals = [new.total - old.total for old, new in zip(before, after, strict=True)]
    if max(totals) <= 0:
        return None
    used = [new.busy - old.busy for old, new in zip(before, after, strict=True)]
    return tuple(
        min(1.0, max(0.0, busy / total)) if total > 0 else 0.0
        for busy, total in zip(used, totals, strict=True)
    )


def traffic_rates(
    before: Mapping[str, Traffic], after: Mapping[str, Traffic], seconds: float
) -> tuple[float, float] | None:
    """Bytes received and sent a second over the interfaces that both readings have.

    An interface whose counters went backwards was restarted and is left out of this one.
    """
    pairs = [(before[name], after[name]) for name in after.keys() & before.keys()]
    steady = [
        (new.received - old.received, new.sent - old.sent)
        for old, new in pairs
        if new.received >= old.received and new.sent >= old.sent
    ]
    if seconds <= 0 or not steady:
        return None
    return sum(pair[0] for pair in steady) / seconds, sum(pair[1] for pair in steady) / seconds
