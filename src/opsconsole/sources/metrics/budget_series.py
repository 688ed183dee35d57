"""Which series show what an objective's error budget was spent on, and what they say.

Invariant: one declaration gives the same share of failures whichever backend read its series. A
latency objective's share is that of requests within its target, evenly spread within a bucket,
so that it agrees with the quantile that is shown.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from opsconsole.config.services import AvailabilitySeries, Service
from opsconsole.dataclass import dataclass
from opsconsole.model.written.expressions import (
    DEFAULT_WINDOW,
    Availability,
    Comparison,
    ExpressionError,
    parse,
)
from opsconsole.sources.metrics.declared import Kind, declared_metrics

Labels = tuple[tuple[str, str], ...]
"""Names with their values, or with what these match."""


class SeriesKind(StrEnum):
    """What series say of an objective."""

    GAUGE = "gauge"
    REQUESTS = "requests"
    BUCKETS = "buckets"


@dataclass(frozen=True, slots=True)
class BudgetSeries:
    """The series of one objective of one service, over ``window`` seconds.

    ``series`` is a gauge that is 1 while all is well, a counter of all requests, or a histogram's
    buckets. ``failed`` counts the failed requests, whose labels match ``patterns`` besides;
    ``target`` is the bound of good requests in the histogram's own unit.
    """

    service: str
    objective: str
    kind: SeriesKind
    series: str
    labels: Labels
    window: float
    failed: str = ""
    patterns: Labels = ()
    target: float = 0.0


def budget_series(name: str, service: Service) -> Iterator[BudgetSeries]:
    """For each objective of ``service``, called ``name``, that declared series cover."""
    buckets = {
        each.name: each for each in declared_metrics(name, service) if each.kind is Kind.HISTOGRAM
    }
    for text in service.objectives:
        try:
            objective = parse(text)
        except ExpressionError:
            # The configuration's own check refuses it with its place.
            continue
        if isinstance(objective, Availability) and service.availability:
            yield _availability(name, text, objective.window, service.availability, service.labels)
        if isinstance(objective, Comparison) and limits_latency(objective):
            each = buckets.get(objective.quantity.name)
            if each is not None:
                target = objective.threshold / each.scale
                yield BudgetSeries(
                    name,
                    text,
                    SeriesKind.BUCKETS,
                    each.series,
                    each.labels,
                    DEFAULT_WINDOW,
                    target=target,
                )


def limits_latency(objective: Comparison) -> bool:
    """Whether it says how many of the requests have to stay below a bound: ``p95(…) < …``."""
    return objective.operator[0] == "<" and objective.quantity.quantile is not None


def _availability(
    service: str,
    objective: str,
    window: float,
    declared: AvailabilitySeries,
    common: Mapping[str, str],
) -> BudgetSeries:
    labels = tuple(sorted({**common, **declared.labels}.items()))
    if declared.gauge is not None:
        return BudgetSeries(service, objective, SeriesKind.GAUGE, declared.gauge, labels, window)
    total = declared.total or ""
    return BudgetSeries(
        service,
        objective,
        SeriesKind.REQUESTS,
        total,
        labels,
        window,
        failed=declared.failed or total,
        patterns=tuple(sorted(declared.failed_labels.items())),
    )
