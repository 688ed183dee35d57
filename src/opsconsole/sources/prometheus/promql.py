"""Turning declared metrics into as few queries as serve them all, and answers into vectors.

Invariant: each query text is asked once for the whole fleet; services that differ in one label of
the same metric share a query that groups by this label, and each gets its own series back. A
histogram costs one query of its buckets, whatever quantiles are wanted.

Source of the forms: Prometheus' documentation of ``rate`` and ``histogram_quantile``.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.series import MetricValue
from opsconsole.sources.metrics.declared import Declared, Kind, Vector, to_values
from opsconsole.sources.prometheus.promql_sharing import Labels, Shared, parted, seconds, shared

AGE: Final = "opsconsole_age"
"""The label of what is an age in seconds, not a figure."""

LOOKBACK: Final = 300.0
"""Seconds for which Prometheus finds a series' latest sample, unless it has ended."""

STEP: Final = "5s"
"""How exactly the end of a series is searched for."""

# A query that is no more than the name of series, whose samples have times.
_SELECTOR: Final = re.compile(r'\s*[a-zA-Z_:][\w:]*\s*(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?\s*')


@dataclass(frozen=True, slots=True)
class Query:
    """One text and whom its answer serves; ``split_by`` names the label that distinguishes them.

    ``selected`` are the series that it is made of, '' where that is not known.
    """

    promql: str
    serves: tuple[Declared, ...]
    split_by: str = ""
    selected: str = ""

    @property
    def with_ages(self) -> str:
        """The query for the figures and, marked by a label, the ages of their samples.

        A target that is gone has none: Prometheus ends its series, and rates go on without it for
        as long as their window is.
        """
        return self._marked(f"timestamp({self.selected})") if self.selected else self.promql

    @property
    def with_last_ages(self) -> str:
        """The same where series have ended: their last samples are searched for."""
        span = seconds(max(LOOKBACK, *(each.window for each in self.serves)))
        last = f"max_over_time(timestamp({self.selected})[{span}:{STEP}])"
        return self._marked(last) if self.selected else self.promql

    def values(self, vector: Vector, at: float) -> list[MetricValue]:
        """The figures that the answer ``vector`` gives, each of the moment of its latest sample.

        A series that lived for less than ``STEP`` may be found by no search: a figure of it is as
        old as its window allows, since it may be so and is not known to be newer.
        """
        parts = parted(vector, self.split_by)
        found: list[MetricValue] = []
        for each in self.serves:
            own = parts.get(dict(each.labels)[self.split_by] if self.split_by else "", [])
            ages = [value for labels, value in own if AGE in labels]
            figures = [sample for sample in own if AGE not in sample[0]]
            unknown = each.window if self.selected and figures else 0.0
            taken = at - max(0.0, min(ages, default=unknown))
            found.extend(to_values(each, figures, taken, "prometheus"))
        return found

    def has_ended(self, vector: Vector) -> bool:
        """Whether the answer has figures of series that have no sample any more."""
        if not self.selected:
            return False
        parts = parted(vector, self.split_by).values()
        return any(all(AGE not in labels for labels, _value in part) for part in parts)

    def _marked(self, times: str) -> str:
        by = f"max by ({self.split_by}) ({times})" if self.split_by else f"max({times})"
        return f'{self.promql} or label_replace(time() - {by}, "{AGE}", "1", "", "")'


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
    selected = group.selector(first.series)
    text = _text(first, selected, group.split_by)
    if first.kind is Kind.PROMQL:
        selected = first.series if _SELECTOR.fullmatch(first.series) else ""
    return Query(text, group.serves, group.split_by, selected)


def _text(declared: Declared, selected: str, split_by: str) -> str:
    if declared.kind is Kind.PROMQL:
        return declared.series
    if declared.kind is Kind.GAUGE:
        return selected
    own = "le" if declared.kind is Kind.HISTOGRAM else "instance"
    grouping = ", ".join(dict.fromkeys(label for label in (own, split_by) if label))
    return f"sum by ({grouping}) (rate({selected}[{seconds(declared.window)}]))"


def _is_sample(data: Any) -> bool:
    """Whether it is ``[time, text]``, and not a list of two series."""
    pair = isinstance(data, list) and len(data) == 2
    return pair and isinstance(data[0], (int, float)) and isinstance(data[1], str)


def _value_of(series: Any) -> float | None:
    if not isinstance(series, dict) or not _is_sample(series.get("value")):
        return None
    try:
        value = float(series["value"][1])
    except ValueError:
        return None
    return value if math.isfinite(value) else None
