"""Chooses whose counts an objective's error budget is computed from.

Invariant: the counts come from the source that saw more of the objective's window: the console's
own looks or scrapes, or a Prometheus whose counts of the whole window are fresh. A shorter window
for which Prometheus has no fresh counts uses the console's own.
"""

from opsconsole.dataclass import dataclass
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.engine.traces.budget_history import BudgetHistory
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
        reported = self._reported(over)
        if reported is not None:
            return reported.good, reported.bad
        return self.own.counts(self.now, over) if self.own else (0, 0)

    def seen(self, over: float) -> float:
        """How many of the last ``over`` seconds were watched."""
        reported = self._reported(over)
        if reported is not None:
            return reported.seen
        return self.own.seen(self.now, over) if self.own else 0.0

    def _reported(self, over: float) -> WindowCounts | None:
        reported = self.asked.get(over)
        return reported if reported is not None and _fresh(reported, self.now) else None


def budget_source(
    record: ServiceRecord, text: str, window: float, now: float
) -> BudgetSource | None:
    """The source that saw most of the last ``window`` seconds; None if there is none."""
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
