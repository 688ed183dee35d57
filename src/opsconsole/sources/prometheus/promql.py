"""Turning declared metrics into as few queries as serve them all, and answers into vectors.

Invariant: each query text is asked once for the whole fleet; services that differ in one label of
the same metric share a query that groups by this label, and each gets its own series back. A
histogram costs one query of its buckets, whatever quantiles are wanted.

Source of the forms: Prometheus' documentation of ``rate`` and ``histogram_quantile``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opsconsole.model.series import MetricValue
from opsconsole.sources.metrics.declared import Declared, Kind, Vector, to_values
from opsconsole.sources.prometheus.promql_sharing import Labels, Shared, parted, seconds, shared


@dataclass(frozen=True, slots=True)
class Query:
    """One text and whom its answer serves; ``split_by`` names the label that distinguishes them."""

    promql: str
    serves: tuple[Declared, ...]
    split_by: str = ""

    def values(self, vector: Vector, at: float) -> list[MetricValue]:
        """The figures that the answer ``vector`` gives."""
        if not self.split_by:
            return [
                value for each in self.serves for value in to_values(each, vector, at, "prometheus")
            ]
        parts = parted(vector, self.split_by)
        found: list[MetricValue] = []
        for each in self.serves:
            own = parts.get(dict(each.labels)[self.split_by], [])
            found.extend(to_values(each, own, at, "prometheus"))
        return found


def batched(declared: Iterable[Declared]) -> tuple[Query, ...]:
    """The fewest queries that serve all of ``declared``, in their order."""
    groups: dict[tuple[Kind, str, float], list[tuple[Labels, Declared]]] = {}
    for each in declared:
        group = groups.setdefault((each.kind, each.series, each.window), [])
        group.append((each.labels, each))
    return tuple(_query(part) for group in groups.values() for part in shared(group))


def read_vector(data: Any) -> Vector:
    """``data.result`` of an instant query: a vector, or a scalar pair ``[time, text]``.

    What is not a finite number is left out.
    """
    if _is_sample(data):
        data = [{"value": data}]
    if not isinstance(data, list):
        return []
    found = []
    for series in data:
        value = _value_of(series)
        if value is not None:
            labels = series.get("metric")
            found.append((labels if isinstance(labels, dict) else {}, value))
    return found


def _query(group: Shared[Declared]) -> Query:
    first = group.serves[0]
    text = _text(first, group.selector(first.series), group.split_by)
    return Query(text, group.serves, group.split_by)


def _text(declared: Declared, selected: str, split_by: str) -> str:
    if declared.kind is Kind.PROMQL:
        return declared.series
    if declared.kind is Kind.GAUGE:
        return selected
    own = "le" if declared.kind is Kind.HISTOGRAM else "instance"
    grouping = ", ".join(dict.fromkeys(label for label in (own, split_by) if label))
    return f"sum by ({grouping}) (rate({selected}[{seconds(declared.window)}]))"


def _is_sample(data: Any) -> bool:
    return isinstance(data, list) and len(data) == 2 and isinstance(data[1], str)


def _value_of(series: Any) -> float | None:
    if not isinstance(series, dict) or not _is_sample(series.get("value")):
        return None
    try:
        value = float(series["value"][1])
    except ValueError:
        return None
    return value if math.isfinite(value) else None
