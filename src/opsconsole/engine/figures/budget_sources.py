"""Whose counts an objective's error budget is reckoned from.

Invariant: those of whoever has seen more of the objective's window: the console's own looks or
scrapes, or a Prometheus whose counts of the whole window are fresh. A shorter window that the
Prometheus did not tell lately is taken from the console's own counts.
"""

from dataclasses import dataclass

from opsconsole.engine.figures.budget_history import BudgetHistory
from opsconsole.engine.state.fleet import ServiceRecord
from opsconsole.model.objectives import WindowCounts

LOOKS = "own looks"
SCRAPES = "own scrapes"


@dataclass(frozen=True, slots=True)
class BudgetSource:
    """What counted up to ``now``; ``origin`` is for people."""

    origin: str
    now: float
    own: BudgetHistory | None
    asked: dict[float, WindowCounts]

    def counts(self, over: float) -> tuple[float, float]:
        """How many of the last ``over`` seconds were good, and how many bad."""
        told = self._told(over)
        if told is not None:
            return told.good, told.bad
        return self.own.counts(self.now, over) if self.own else (0, 0)

    def seen(self, over: float) -> float:
        """How many of the last ``over`` seconds were watched."""
        told = self._told(over)
        if told is not None:
            return told.seen
        return self.own.seen(self.now, over) if self.own else 0.0

    def _told(self, over: float) -> WindowCounts | None:
        told = self.asked.get(over)
        return told if told is not None and _fresh(told, self.now) else None


def budget_source(
    record: ServiceRecord, text: str, window: float, now: float
) -> BudgetSource | None:
    """Who has seen most of the last ``window`` seconds; None where nobody counts."""
    looks, scraped = record.budgets.get(text), record.scraped.get(text)
    own = scraped or looks
    asked = record.asked.get(text, {})
    whole = asked.get(window)
    watched = own.seen(now, window) if own else 0.0
    if whole is not None and _fresh(whole, now) and whole.seen > watched:
        return BudgetSource(whole.source, now, own, asked)
    if own is None:
        return None
    return BudgetSource(SCRAPES if scraped else LOOKS, now, own, {})


def _fresh(counts: WindowCounts, now: float) -> bool:
    return now - counts.at <= counts.fresh_for
