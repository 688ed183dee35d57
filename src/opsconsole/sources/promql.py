"""From declared metrics to as few queries as serve them all, and from an answer to a vector.

Invariant: a label value is quoted so that it cannot change the query; each query text is asked
once for the whole fleet; services that differ in one label of the same metric share a query that
groups by this label, and each gets its own series back. A histogram costs one query of its
buckets, whatever quantiles are wanted.

Source of the forms: Prometheus' documentation of ``rate``, ``histogram_quantile`` and of RE2,
which anchors a label's pattern at both ends.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.model.series import MetricValue
from opsconsole.sources.declared import Declared, Kind, Vector, to_values

ALTERNATION_LIMIT: Final = 2000
"""Characters of one pattern; proxies before a Prometheus refuse URLs of more than some KiB."""

Labels = tuple[tuple[str, str], ...]

_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPED: Final = re.compile(r'[\\"\n\r\t]')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Query:
    """One text and whom its answer serves; ``split_by`` names the label that tells them apart."""

    promql: str
    serves: tuple[Declared, ...]
    split_by: str = ""

    def values(self, vector: Vector, at: float) -> list[MetricValue]:
        """The figures that the answer ``vector`` gives."""
        if not self.split_by:
            return [
                value for each in self.serves for value in to_values(each, vector, at, "prometheus")
            ]
        parted: dict[str, list[Any]] = {}
        for sample in vector:
            parted.setdefault(sample[0].get(self.split_by, ""), []).append(sample)
        found: list[MetricValue] = []
        for each in self.serves:
            own = parted.get(dict(each.labels)[self.split_by], [])
            found.extend(to_values(each, own, at, "prometheus"))
        return found


def batched(declared: Iterable[Declared]) -> tuple[Query, ...]:
    """The fewest queries that serve all of ``declared``, in their order."""
    groups: dict[tuple[Kind, str, float], dict[Labels, list[Declared]]] = {}
    for each in declared:
        group = groups.setdefault((each.kind, each.series, each.window), {})
        group.setdefault(each.labels, []).append(each)
    return tuple(query for group in groups.values() for query in _queries_of(group))


def quote(text: str) -> str:
    """A PromQL string; what no encoding has becomes a replacement character."""
    escaped = _ESCAPED.sub(lambda match: _ESCAPES[match[0]], _SURROGATE.sub("\ufffd", text))
    return f'"{escaped}"'


def selector(name: str, labels: Labels) -> str:
    """``name{label="value"}``."""
    return _select(name, [f"{key}={quote(value)}" for key, value in labels])


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


def _queries_of(group: dict[Labels, list[Declared]]) -> Iterator[Query]:
    key = _splitting_label(list(group))
    merged: dict[Labels, dict[str, list[Declared]]] = {}
    for labels, same in group.items():
        value = dict(labels).get(key)
        if key and value is not None:
            rest = tuple(pair for pair in labels if pair[0] != key)
            merged.setdefault(rest, {})[value] = same
        else:
            yield _plain(same)
    for by_value in merged.values():
        for chunk in _chunks(by_value):
            wanted = [each for value in chunk for each in by_value[value]]
            yield _plain(wanted) if len(chunk) == 1 else _parted(wanted, key, chunk)


def _splitting_label(label_sets: Sequence[Labels]) -> str:
    """The label by which most selectors can share a query; '' where none can."""
    best, fewest = "", len(label_sets)
    for key in sorted({key for labels in label_sets for key, _ in labels} - {"le", "__name__"}):
        rests = {
            tuple(pair for pair in labels if pair[0] != key) if key in dict(labels) else (labels,)
            for labels in label_sets
        }
        if len(rests) < fewest:
            best, fewest = key, len(rests)
    return best


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for value in values:
        if chunk and length + len(value) > ALTERNATION_LIMIT:
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += len(value) + 1
    if chunk:
        yield chunk


def _plain(serves: Sequence[Declared]) -> Query:
    first = serves[0]
    return Query(_text(first, selector(first.series, first.labels)), tuple(serves))


def _parted(serves: Sequence[Declared], key: str, values: Sequence[str]) -> Query:
    first = serves[0]
    pattern = "|".join(_META.sub(r"\\\g<0>", value) for value in values)
    matchers = [f"{name}={quote(value)}" for name, value in first.labels if name != key]
    selected = _select(first.series, [*matchers, f"{key}=~{quote(pattern)}"])
    return Query(_text(first, selected, key), tuple(serves), key)


def _text(declared: Declared, selected: str, split_by: str = "") -> str:
    if declared.kind is Kind.PROMQL:
        return declared.series
    if declared.kind is Kind.GAUGE:
        return selected
    own = "le" if declared.kind is Kind.HISTOGRAM else "instance"
    grouping = ", ".join(dict.fromkeys(label for label in (own, split_by) if label))
    return f"sum by ({grouping}) (rate({selected}[{_range(declared.window)}]))"


def _select(name: str, matchers: Sequence[str]) -> str:
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def _range(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole}s" if whole == seconds and whole > 0 else f"{max(1, round(seconds * 1000))}ms"


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
