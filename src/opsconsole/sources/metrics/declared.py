"""Declared metrics and the figures that are made of their series, whatever backend read them.

Invariant: both backends hand over a vector of the same meaning (rates of a counter by instance,
values of a gauge, rates of buckets by ``le``), and ``to_values`` alone makes figures of it, so
that one declaration gives one figure. A figure that is NaN or infinite is None. Times are in
seconds and sizes in bytes whatever unit the metric is declared in.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from opsconsole.config.services import Metric, Service
from opsconsole.dataclass import dataclass
from opsconsole.model.across_copies import Across, combined
from opsconsole.model.few import without_highest
from opsconsole.model.series import MetricValue
from opsconsole.model.written.expressions import Comparison, ExpressionError, parse
from opsconsole.model.written.units import base_unit
from opsconsole.sources.metrics.quantiles import bucket_quantiles
from opsconsole.text import sanitize

QUANTILES: Final = (0.5, 0.95, 0.99)
"""Shares that every histogram is shown with."""

PARTS_LIMIT: Final = 1000
"""Instances of which a figure keeps a part of its own; all of them count in the whole."""

_LABEL_LIMIT: Final = 200

Vector: TypeAlias = Sequence[tuple[Mapping[str, str], float]]
"""Labelled numbers at one moment."""


class Kind(StrEnum):
    """What a metric is declared as."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    PROMQL = "promql"


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared metric of one service.

    ``series`` is the name of the samples it is made of (``…_bucket`` for a histogram), or the
    query of a ``promql``. ``labels`` are sorted pairs. ``window`` is in seconds.
    """

    service: str
    name: str
    kind: Kind
    series: str
    labels: tuple[tuple[str, str], ...] = ()
    window: float = 300.0
    unit: str = ""
    scale: float = 1.0
    quantiles: tuple[float, ...] = QUANTILES
    across: Across = Across.SUM


def declared_metrics(name: str, service: Service) -> tuple[Declared, ...]:
    """What ``service``, called ``name``, declares of series; health bodies hold the others."""
    wanted = _wanted_quantiles(service)
    found = []
    for metric_name, metric in service.metrics.items():
        shares = tuple(sorted({*QUANTILES, *wanted.get(metric_name, ())}))
        declared = _declare(name, metric_name, metric, shares, service.labels)
        if declared is not None:
            found.append(declared)
    return tuple(found)


def quantile_figure(name: str, share: float) -> str:
    """``p95(latency)``: the name of a histogram's figure."""
    return f"p{share * 100:g}({name})"


def to_values(
    declared: Declared, vector: Vector, at: float, origin: str
) -> tuple[MetricValue, ...]:
    """The figures of ``declared`` that ``vector``, read at ``at``, gives."""
    if declared.kind is Kind.HISTOGRAM:
        return _quantile_values(declared, vector, at, origin)
    scale, across = declared.scale, declared.across
    numbers: list[float] = []
    parts: dict[str, list[float]] = {}
    for labels, number in vector:
        if not math.isfinite(number):
            continue
        numbers.append(number)
        instance = labels.get("instance")
        if instance is not None and (instance in parts or len(parts) < PARTS_LIMIT):
            parts.setdefault(instance, []).append(number)
    by_instance = {
        sanitize(instance, limit=_LABEL_LIMIT): scale * combined(across, part)
        for instance, part in parts.items()
    }
    whole = scale * combined(across, numbers) if numbers else None
    value = whole if whole is not None and math.isfinite(whole) else None
    return (
        MetricValue(
            declared.service,
            declared.name,
            value,
            declared.unit,
            at,
            by_instance,
            origin=origin,
            across=across,
        ),
    )


def bound_of(text: str) -> float:
    """An ``le`` label as a number; NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _quantile_values(
    declared: Declared, vector: Vector, at: float, origin: str
) -> tuple[MetricValue, ...]:
    buckets = [(bound_of(labels.get("le", "")), value) for labels, value in vector]
    quantiles = bucket_quantiles(declared.quantiles, buckets)
    # Each bucket is a rate over the window.
    counted = declared.window * sum(rate for bound, rate in buckets if bound == math.inf)
    lower = [without_highest(share, counted) for share in declared.quantiles]
    least = bucket_quantiles([each or 0.0 for each in lower], buckets)
    return tuple(
        MetricValue(
            declared.service,
            quantile_figure(declared.name, share),
            None if value is None else value * declared.scale,
            declared.unit,
            at,
            origin=origin,
            at_least=below if not below else (known or 0.0) * declared.scale,
        )
        for share, value, below, known in zip(
            declared.quantiles, quantiles, lower, least, strict=True
        )
    )


def _declare(
    service: str,
    name: str,
    metric: Metric,
    quantiles: tuple[float, ...],
    common: Mapping[str, str],
) -> Declared | None:
    unit, scale = base_unit(metric.unit)
    labels = tuple(sorted({**common, **metric.labels}.items()))
    if metric.counter:
        per_second = f"{metric.unit}/s"
        return Declared(
            service, name, Kind.COUNTER, metric.counter, labels, metric.window, per_second
        )
    if metric.gauge:
        return Declared(
            service, name, Kind.GAUGE, metric.gauge, labels, 0.0, unit, scale, across=metric.across
        )
    if metric.histogram:
        series = f"{metric.histogram}_bucket"
        window = metric.window
        kind = Kind.HISTOGRAM
        return Declared(service, name, kind, series, labels, window, unit, scale, quantiles)
    if metric.promql:
        return Declared(
            service, name, Kind.PROMQL, metric.promql, (), 0.0, unit, scale, across=metric.across
        )
    return None


def _wanted_quantiles(service: Service) -> dict[str, set[float]]:
    """Shares that objectives and alert rules ask for, by metric."""
    found: dict[str, set[float]] = {}
    for text in (*service.objectives, *(rule.when for rule in service.alerts)):
        quantity = _quantity_of(text)
        if quantity is not None and quantity[1] is not None:
            # 99.9 / 100 is not 0.999 in floating point.
            found.setdefault(quantity[0], set()).add(round(quantity[1], 9))
    return found


def _quantity_of(text: str) -> tuple[str, float | None] | None:
    try:
        expression = parse(text)
    except ExpressionError:
        # The configuration's own check refuses it with its place.
        return None
    if not isinstance(expression, Comparison):
        return None
    return expression.quantity.name, expression.quantity.quantile


def series_names(declared: Iterable[Declared]) -> frozenset[str]:
    """The names of the samples that are needed; a ``promql`` needs a Prometheus instead."""
    return frozenset(each.series for each in declared if each.kind is not Kind.PROMQL)
