"""What a Prometheus-compatible server has of error budgets, window by window.

Invariant: a source of its own, so that a query over 30 days never delays figures or alerts; a
window is asked at a pace in proportion to its length, a failed one again within a minute; what
could not be asked in time comes first at the next look.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Prometheus
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.observations import BudgetsSeen
from opsconsole.model.source_id import SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.budget_series import BudgetSeries
from opsconsole.sources.prometheus.budget_queries import WindowQuery, window_queries
from opsconsole.sources.prometheus.query_source import QuerySource

PARTS: Final = 60
"""A window is asked for again after this part of it has passed."""

RAREST: Final = 3600.0
"""Seconds between two queries over a window at most."""

AGAIN: Final = 60.0
"""Seconds after which a failed query is asked again at the latest."""

FRESH: Final = 3
"""Counts hold for so many times the pace at which they are asked."""


@dataclass(slots=True, eq=False)
class _Turn:
    query: WindowQuery
    pace: float
    due: float = 0.0
    fault: Fault | None = None


class PrometheusHistory(QuerySource[BudgetsSeen]):
    """The budgets of ``series`` over their windows and over ``spans``, in seconds."""

    def __init__(
        self,
        settings: Prometheus,
        series: Sequence[BudgetSeries],
        spans: Sequence[float],
        clock: Clock,
        connector: Connector,
        base: Path,
    ) -> None:
        # The last query of a look begins within the timeout, and may take as long itself.
        super().__init__(SourceKind.BUDGETS, settings, clock, connector, base, 2 * settings.timeout)
        self._name = settings.name
        self._turns = [
            _Turn(query, pace(query.over, settings.interval))
            for query in window_queries(series, spans)
        ]

    def _look(self) -> BudgetsSeen | Fault:
        deadline = time.monotonic() + self._timeout
        began = self._clock.now()
        counts: list[WindowCounts] = []
        due = sorted(
            (turn for turn in self._turns if turn.due <= began),
            key=lambda turn: (turn.due, turn.query.over),
        )
        for turn in due:
            if time.monotonic() >= deadline:
                break
            outcome = self._ask(turn.query.promql)
            now = self._clock.now()
            turn.fault = outcome if isinstance(outcome, Fault) else None
            turn.due = now + (min(turn.pace, AGAIN) if turn.fault else turn.pace)
            if not isinstance(outcome, Fault):
                fresh_for = FRESH * turn.pace
                found = turn.query.counts(outcome, at=now, fresh_for=fresh_for, source=self._name)
                counts.extend(found)
        failed = tuple((turn.query.promql, turn.fault) for turn in self._turns if turn.fault)
        if failed and len(failed) == len(self._turns):
            return failed[0][1]
        return BudgetsSeen(tuple(counts), failed)


def pace(over: float, interval: float) -> float:
    """Seconds between two queries over ``over`` seconds, for a server read each ``interval``."""
    return max(interval, min(RAREST, over / PARTS))
