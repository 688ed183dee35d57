"""Error budgets and how fast they burn. Pure arithmetic on shares and seconds.

Invariant: a burn rate of 1 spends the whole budget exactly in the objective's window. What was not
seen has spent nothing: a short history alone neither empties a budget nor raises an alarm, and the
seconds seen always come with the figure.

Source: Google's SRE Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts".
"""

from collections.abc import Callable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.written.units import format_duration

Counts = Callable[[float], tuple[float, float]]
"""Given seconds, returns how many looks or requests in that last time were good and bad."""

Seen = Callable[[float], float]
"""Given seconds, returns how many of that last time were watched at all."""


@dataclass(frozen=True, slots=True)
class WindowPair:
    """The budget burns if it is spent ``factor`` times too fast over both windows (seconds)."""

    factor: float
    long: float
    short: float

    def __str__(self) -> str:
        return f"{self.factor:g}× over {format_duration(self.long)}/{format_duration(self.short)}"


PAIRS: Final = (
    WindowPair(14.4, 3600.0, 300.0),
    WindowPair(6.0, 6 * 3600.0, 1800.0),
    WindowPair(3.0, 86400.0, 2 * 3600.0),
    WindowPair(1.0, 3 * 86400.0, 6 * 3600.0),
)
"""The workbook's pairs, the most urgent first."""

SPANS: Final = tuple(sorted({over for pair in PAIRS for over in (pair.long, pair.short)}))
"""Seconds of every window of the pairs."""


@dataclass(frozen=True, slots=True)
class Budget:
    """``left`` is a fraction of the budget, ``seconds_left`` how long complete failure would take
    to spend it.

    ``good`` is the share of good looks, ``seen`` the seconds of the window that were watched,
    ``burn_rate`` is over the burning pair's long window, else over its last hour.
    """

    good: float
    seen: float
    left: float
    seconds_left: float
    burn_rate: float
    burning: WindowPair | None


def budget_of(allowed: float, window: float, counts: Counts, seen: Seen) -> Budget | None:
    """The budget of an objective that allows the share ``allowed`` of failures over ``window``.

    None when nothing was seen in it.
    """
    good, bad = counts(window)
    if not good + bad:
        return None
    share, watched = bad / (good + bad), seen(window)
    spent = share * (watched / window) / allowed
    burning = next((pair for pair in PAIRS if _burns(pair, allowed, window, counts, seen)), None)
    over = burning.long if burning else PAIRS[0].long
    return Budget(
        good=1 - share,
        seen=watched,
        left=1 - spent,
        seconds_left=(1 - spent) * allowed * window,
        burn_rate=burn(allowed, min(over, window), counts, seen),
        burning=burning,
    )


def burn(allowed: float, over: float, counts: Counts, seen: Seen) -> float:
    """Failing time seen in the last ``over`` seconds, divided by the failing time allowed in
    them."""
    good, bad = counts(over)
    if not good + bad:
        return 0.0
    return bad / (good + bad) * (seen(over) / over) / allowed


def _burns(pair: WindowPair, allowed: float, window: float, counts: Counts, seen: Seen) -> bool:
    """Windows longer than the objective's own say nothing about it."""
    if pair.long > window:
        return False
    # The short window first: if nothing fails at present, the long one need not be counted.
    return all(burn(allowed, over, counts, seen) > pair.factor for over in (pair.short, pair.long))
