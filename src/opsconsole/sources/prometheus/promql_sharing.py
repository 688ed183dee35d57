"""Which series can share one query of the whole fleet, and the text that selects them.

Invariant: a label value is quoted so that it cannot change the query; everything that is given is
served by exactly one group; a pattern of alternatives is at most ``ALTERNATION_LIMIT`` long,
unless one value is longer.

Source of the forms: Prometheus' documentation of selectors and of RE2, which anchors a label's
pattern at both ends.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from opsconsole.dataclass import dataclass

ALTERNATION_LIMIT: Final = 2000
"""Characters of one pattern; proxies before a Prometheus refuse URLs of more than some KiB."""

Labels = tuple[tuple[str, str], ...]
T = TypeVar("T")

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ESCAPED: Final = re.compile(r'[\\"\n\r\t]')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Shared(Generic[T]):
    """Matchers that select the series of all that are served.

    ``split_by`` names the label whose value distinguishes them, '' where all have the same series;
    ``by_value`` maps that value, or '', to those that it serves.
    """

    matchers: tuple[str, ...]
    split_by: str
    by_value: Mapping[str, tuple[T, ...]]

    @property
    def serves(self) -> tuple[T, ...]:
        """All that are served, in order."""
        return tuple(each for served in self.by_value.values() for each in served)

    def selector(self, name: str, *more: str) -> str:
        """``name{label="value"}`` with ``more`` matchers."""
        return select(name, (*self.matchers, *more))


def shared(
    items: Iterable[tuple[Labels, T]], limit: int = ALTERNATION_LIMIT
) -> Iterator[Shared[T]]:
    """The fewest groups for ``items``, labels and what has them, that differ in one label each."""
    by_labels: dict[Labels, list[T]] = {}
    for labels, item in items:
        by_labels.setdefault(labels, []).append(item)
    key = _splitting_label(list(by_labels))
    merged: dict[Labels, dict[str, tuple[T, ...]]] = {}
    for labels, same in by_labels.items():
        value = dict(labels).get(key)
        if key and value is not None:
            rest = tuple(pair for pair in labels if pair[0] != key)
            merged.setdefault(rest, {})[value] = tuple(same)
        else:
            yield Shared(_equal(labels), "", {"": tuple(same)})
    for rest, by_value in merged.items():
        for values in _chunks(by_value, limit):
            yield _group(rest, key, {value: by_value[value] for value in values})


def quote(text: str) -> str:
    """A PromQL string; what no encoding has becomes a replacement character."""
    escaped = _ESCAPED.sub(lambda match: _ESCAPES[match[0]], _SURROGATE.sub("\ufffd", text))
    return f'"{escaped}"'


def select(name: str, matchers: Sequence[str]) -> str:
    """``name{matcher,…}``; a name that PromQL has no words for is a matcher itself."""
    if name and not _NAME.fullmatch(name):
        return f"{{{','.join((f'__name__={quote(name)}', *matchers))}}}"
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def seconds(span: float) -> str:
    """A range in PromQL: ``300s``, or whole milliseconds."""
    whole = round(span)
    return f"{whole}s" if whole == span and whole > 0 else f"{max(1, round(span * 1000))}ms"


def parted(vector: Iterable[tuple[Mapping[str, str], Any]], label: str) -> dict[str, list[Any]]:
    """Samples by the value of ``label``; '' where they have none."""
    parts: dict[str, list[Any]] = {}
    for sample in vector:
        parts.setdefault(sample[0].get(label, "") if label else "", []).append(sample)
    return parts


def _group(rest: Labels, key: str, by_value: Mapping[str, tuple[T, ...]]) -> Shared[T]:
    if len(by_value) == 1:
        ((value, same),) = by_value.items()
        return Shared(_equal(tuple(sorted((*rest, (key, value))))), "", {"": same})
    pattern = "|".join(_META.sub(r"\\\g<0>", value) for value in by_value)
    return Shared((*_equal(rest), f"{key}=~{quote(pattern)}"), key, by_value)


def _equal(labels: Labels) -> tuple[str, ...]:
    return tuple(f"{key}={quote(value)}" for key, value in labels)


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


def _chunks(values: Iterable[str], limit: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for value in values:
        if chunk and length + len(value) > limit:
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += len(value) + 1
    if chunk:
        yield chunk
