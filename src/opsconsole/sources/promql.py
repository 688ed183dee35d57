"""From a declared metric to PromQL, and from an answer to figures.

Invariant: the same declaration gives the same query text wherever it is used, label values are
quoted so that they cannot change the query, and a figure that is NaN or infinite is None.
Times are given in seconds whatever unit the metric is declared in.

Source of the forms: Prometheus' documentation of ``rate`` and ``histogram_quantile``.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opsconsole.config.services import Metric
from opsconsole.model.series import MetricValue
from opsconsole.text import sanitize

QUANTILES: Final = (0.5, 0.95, 0.99)
_SCALES: Final = {"ms": ("s", 1e-3), "us": ("s", 1e-6), "µs": ("s", 1e-6), "ns": ("s", 1e-9)}
_LABEL_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One figure that is wanted: ``figure`` is the metric's name, or ``p95(name)``.

    Several series make one whole by their sum, or by their ``mean`` where a sum means nothing.
    """

    service: str
    figure: str
    promql: str
    unit: str = ""
    scale: float = 1.0
    by_instance: bool = True
    mean: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: the sum and number of its series, and each ``instance`` label's part."""

    total: float = 0.0
    count: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)

    def whole(self, mean: bool) -> float | None:
        """One figure for all series; None when there is none."""
        if not self.count:
            return None
        return self.total / self.count if mean else self.total


def queries_for(service: str, metrics: Mapping[str, Metric]) -> tuple[MetricQuery, ...]:
    """The queries that the declared ``metrics`` of ``service`` need of a Prometheus."""
    found: list[MetricQuery] = []
    for name, metric in metrics.items():
        found.extend(_queries_of(service, name, metric))
    return tuple(found)


def selector(name: str, labels: Mapping[str, str]) -> str:
    """``name{label="value"}`` with every value quoted as PromQL's strings are."""
    if not labels:
        return name
    inside = ",".join(f"{key}={json.dumps(labels[key])}" for key in sorted(labels))
    return f"{name}{{{inside}}}"


def read_vector(data: Any) -> Answer:
    """Read ``data.result`` of an instant query: a vector, or a scalar pair ``[time, text]``."""
    if _is_sample(data):
        data = [{"value": data}]
    if not isinstance(data, list):
        return Answer()
    parts: dict[str, float] = {}
    total, count = 0.0, 0
    for series in data:
        value = _value_of(series)
        if value is None:
            continue
        total, count = total + value, count + 1
        labels = series.get("metric")
        instance = labels.get("instance") if isinstance(labels, dict) else None
        if isinstance(instance, str):
            key = sanitize(instance, limit=_LABEL_LIMIT)
            parts[key] = parts.get(key, 0.0) + value
    return Answer(total, count, parts)


def to_value(query: MetricQuery, answer: Answer, at: float) -> MetricValue:
    """The figure as the model has it, in base units."""
    whole = answer.whole(query.mean)
    whole = None if whole is None else whole * query.scale
    parts = {name: value * query.scale for name, value in answer.parts.items()}
    return MetricValue(
        service=query.service,
        name=query.figure,
        value=whole,
        unit=query.unit,
        at=at,
        by_instance=parts if query.by_instance else {},
    )


def distinct(queries: Iterable[MetricQuery]) -> dict[str, tuple[MetricQuery, ...]]:
    """Queries by their text, so that each text is asked once for the whole fleet."""
    grouped: dict[str, list[MetricQuery]] = {}
    for query in queries:
        grouped.setdefault(query.promql, []).append(query)
    return {promql: tuple(same) for promql, same in grouped.items()}


def _queries_of(service: str, name: str, metric: Metric) -> Sequence[MetricQuery]:
    unit, scale = _SCALES.get(metric.unit, (metric.unit, 1.0))
    window = f"{max(1, round(metric.window))}s"
    if metric.counter:
        rate = f"sum by (instance) (rate({selector(metric.counter, metric.labels)}[{window}]))"
        return [MetricQuery(service, name, rate, f"{metric.unit}/s", 1.0)]
    if metric.gauge:
        gauge = selector(metric.gauge, metric.labels)
        return [MetricQuery(service, name, gauge, unit, scale, mean=True)]
    if metric.histogram:
        buckets = selector(f"{metric.histogram}_bucket", metric.labels)
        return [
            MetricQuery(
                service,
                f"p{quantile * 100:g}({name})",
                f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[{window}])))",
                unit,
                scale,
                by_instance=False,
            )
            for quantile in QUANTILES
        ]
    if metric.promql:
        return [MetricQuery(service, name, metric.promql, unit, scale, mean=True)]
    return []


def _is_sample(data: Any) -> bool:
    return isinstance(data, list) and len(data) == 2 and isinstance(data[1], str)


def _value_of(series: Any) -> float | None:
    if not isinstance(series, dict) or not _is_sample(series.get("value")):
        return None
    return _finite(series["value"][1])


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
