"""Queries for what was spent of error budgets, over one window each for the whole fleet.

Invariant: services whose series differ in one label alone share a query; each gets its own counts
back; a window without samples gives no counts, and is never taken for one without failures.

Source of the forms: Prometheus' documentation of ``rate``, ``sum_over_time``, subqueries and
``label_replace``, which here names the parts of one answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.objectives import WindowCounts
from opsconsole.sources.metrics.budget_series import BudgetSeries, SeriesKind
from opsconsole.sources.metrics.declared import Vector, bound_of
from opsconsole.sources.metrics.quantiles import bucket_share
from opsconsole.sources.prometheus.promql_sharing import (
    Labels,
    Shared,
    parted,
    quote,
    seconds,
    shared,
)

PATTERN_LIMIT: Final = 500
"""Characters of a pattern, which stands in a query three times."""

STEPS: Final = 720
"""Moments of a window at which is looked whether there were samples: each hour of 30 days."""

LEAST_STEP: Final = 15.0
"""Seconds between such moments at least."""

FEW: Final = 3
"""Moments with samples up to which the last of them are looked at ``LEAST_STEP`` by step."""

_PART: Final = "opsconsole_part"
_NO_PART: Final[Vector] = ()
_Shape = tuple[SeriesKind, str, str, Labels]


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """One text, and whom its answer serves."""

    promql: str
    over: float
    group: Shared[BudgetSeries]

    def counts(
        self, vector: Vector, *, at: float, fresh_for: float, source: str
    ) -> Iterator[WindowCounts]:
        """What the answer ``vector`` says of each objective."""
        of_services = parted(vector, self.group.split_by)
        for value, served in self.group.by_value.items():
            key = value if self.group.split_by else ""
            parts = parted(of_services.get(key, []), _PART)
            steps = _sum(parts.get("steps", _NO_PART))
            seen = steps * _step(self.over)
            recent = _sum(parts.get("recent", _NO_PART))
            if recent and steps <= FEW:
                # Of a store younger than a few steps these say hardly anything.
                seen, steps = recent * LEAST_STEP, recent
            for each in served:
                good, bad = _good_and_bad(each, parts)
                if steps and good + bad > 0:
                    yield WindowCounts(
                        each.service,
                        each.objective,
                        self.over,
                        at,
                        good * self.over,
                        bad * self.over,
                        min(self.over, seen),
                        fresh_for,
                        source,
                    )


def window_queries(series: Iterable[BudgetSeries], spans: Sequence[float]) -> Iterator[WindowQuery]:
    """The fewest queries that cover ``series`` over their own windows and shorter ``spans``."""
    every = list(series)
    for over in sorted({*spans, *(each.window for each in every)}):
        shapes: dict[_Shape, list[tuple[Labels, BudgetSeries]]] = {}
        for each in every:
            if over == each.window or (over < each.window and over in spans):
                shape = (each.kind, each.series, each.failed, each.patterns)
                shapes.setdefault(shape, []).append((each.labels, each))
        for (kind, *_), items in shapes.items():
            for group in shared(items, PATTERN_LIMIT):
                yield WindowQuery(_TEXTS[kind](group, over), over, group)


def _good_and_bad(series: BudgetSeries, parts: Mapping[str, list[Any]]) -> tuple[float, float]:
    """Per second; zeros where the series say nothing."""
    if series.kind is SeriesKind.BUCKETS:
        buckets = [
            (bound_of(labels.get("le", "")), value)
            for labels, value in parts.get("buckets", _NO_PART)
        ]
        good, total = bucket_share(series.target, buckets)
        return good, total - good
    total = _sum(parts.get("all", _NO_PART))
    if series.kind is SeriesKind.GAUGE:
        good = min(total, max(0.0, _sum(parts.get("good", _NO_PART))))
        return good, total - good
    # A counter of failures that never counted one has no series yet.
    bad = min(total, _sum(parts.get("bad", _NO_PART)))
    return total - bad, bad


def _gauge(group: Shared[BudgetSeries], over: float) -> str:
    series = group.serves[0]
    selected = group.selector(series.series)
    within = f"{selected}[{seconds(over)}]"
    # Divided by the window, so that they are per second as rates are.
    return _together(
        good=f"{_sum_by(group)} (sum_over_time({within})) / {over:g}",
        all=f"{_sum_by(group)} (count_over_time({within})) / {over:g}",
        **_presence(group, selected, over),
    )


def _requests(group: Shared[BudgetSeries], over: float) -> str:
    series = group.serves[0]
    selected = group.selector(series.series)
    patterns = [f"{name}=~{quote(pattern)}" for name, pattern in series.patterns]
    failed = group.selector(series.failed, *patterns)
    return _together(
        all=f"{_sum_by(group)} (rate({selected}[{seconds(over)}]))",
        bad=f"{_sum_by(group)} (rate({failed}[{seconds(over)}]))",
        **_presence(group, selected, over),
    )


def _buckets(group: Shared[BudgetSeries], over: float) -> str:
    name = group.serves[0].series
    return _together(
        buckets=f"{_sum_by(group, 'le')} (rate({group.selector(name)}[{seconds(over)}]))",
        **_presence(group, group.selector(name, 'le="+Inf"'), over),
    )


_TEXTS: Final = {
    SeriesKind.GAUGE: _gauge,
    SeriesKind.REQUESTS: _requests,
    SeriesKind.BUCKETS: _buckets,
}


def _together(**parts: str) -> str:
    return " or ".join(
        f'label_replace({text}, "{_PART}", "{name}", "{_PART}", "")' for name, text in parts.items()
    )


def _presence(group: Shared[BudgetSeries], selected: str, over: float) -> dict[str, str]:
    """How many moments of the window had samples; of a long one its last hours more closely."""
    step = _step(over)
    counted = f"count by ({group.split_by}) ({selected})"
    found = {"steps": f"count_over_time(({counted})[{seconds(over)}:{seconds(step)}])"}
    if step > LEAST_STEP:
        span = min(over, (FEW + 1) * step)
        found["recent"] = f"count_over_time(({counted})[{seconds(span)}:{seconds(LEAST_STEP)}])"
    return found


def _sum_by(group: Shared[BudgetSeries], *more: str) -> str:
    return f"sum by ({', '.join(label for label in (*more, group.split_by) if label)})"


def _step(over: float) -> float:
    return max(LEAST_STEP, float(round(over / STEPS)))


def _sum(samples: Vector) -> float:
    return sum(value for _, value in samples)
