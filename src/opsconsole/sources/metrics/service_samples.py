"""The figures of one service out of the samples of all its instances.

Invariant: a figure is that of every instance together, whichever was scraped last, calculated for
one moment as a query would. An instance that does not answer fades from a rate as its samples
leave the window, and counts in no gauge.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.series import MetricValue
from opsconsole.sources.metrics.budget_series import BudgetSeries, SeriesKind
from opsconsole.sources.metrics.declared import Declared, Kind, bound_of, series_names, to_values
from opsconsole.sources.metrics.exposition import Exposed, Exposition
from opsconsole.sources.metrics.quantiles import bucket_share
from opsconsole.sources.metrics.sample_book import Labels, SampleBook

TARGET_LABELS: Final = frozenset({"job", "instance"})
"""Labels that a Prometheus adds to what it scrapes. No target exposes them, and the console asks
only the service's own instances, so that they select nothing here."""

REUSED_FOR: Final = 1.0
"""Seconds for which an instance's part is not calculated again when nothing came from it."""

_UNTYPED: Final = frozenset({"", "untyped", "unknown"})
_TYPES: Final = {
    Kind.COUNTER: _UNTYPED | {"counter", "histogram", "summary"},
    Kind.HISTOGRAM: _UNTYPED | {"histogram"},
}
"""As what a page may have the series of a declared metric; a histogram's own are counters."""

_Part = list[tuple[Mapping[str, str], float]]


@dataclass(slots=True, eq=False)
class _Target:
    """One instance: its samples, and its part of each declared metric at ``computed_at``."""

    book: SampleBook
    computed_at: float | None = None
    parts: dict[str, _Part] = field(default_factory=dict)


class ServiceSamples:
    """Shared by the scrapes of one service's instances; on the engine's loop alone."""

    def __init__(self, declared: Sequence[Declared], targets: Sequence[BudgetSeries] = ()) -> None:
        self._targeted = [each for each in targets if each.kind is SeriesKind.BUCKETS]
        self._declared = [each for each in declared if each.kind is not Kind.PROMQL]
        self._mistaken: frozenset[str] = frozenset()
        self._keep = max((each.window for each in self._declared), default=0.0)
        self._targets: dict[str, _Target] = {}
        self.names = series_names(self._declared)
        self._needs = {
            name: tuple(each for each in self._declared if each.series == name)
            for name in self.names
        }

    def add(self, instance: str, at: float, samples: Iterable[Exposed]) -> bool:
        """Take in a scrape of ``instance``; False when it has more series than are kept."""
        target = self._target(instance)
        target.computed_at = None
        return target.book.add(at, self._needed(samples))

    def failed(self, instance: str) -> None:
        """A scrape of ``instance`` gave nothing."""
        target = self._target(instance)
        target.computed_at = None
        target.book.failed()

    def values(self, now: float) -> tuple[MetricValue, ...]:
        """Every declared figure at ``now``; None where it cannot be known yet."""
        for instance, target in self._targets.items():
            if target.computed_at is None or now - target.computed_at > REUSED_FOR:
                target.parts = {
                    each.name: list(_part(each, instance, target.book, now))
                    for each in self._declared
                }
                target.computed_at = now
        found: list[MetricValue] = []
        for each in self._declared:
            vector = [
                sample
                for target in self._targets.values()
                for sample in target.parts[each.name]
                if each.name not in self._mistaken
            ]
            found.extend(to_values(each, vector, now, "scrape"))
        return tuple(found)

    def counts(self, instance: str, at: float) -> Iterator[WindowCounts]:
        """Requests of ``instance`` between its last two scrapes, within and beyond each target."""
        book = self._target(instance).book
        for each in self._targeted:
            gained = [
                (bound_of(dict(labels).get("le", "")), gain)
                for labels, gain in book.gained(each.series)
                if matches(each.labels, labels)
            ]
            good, total = bucket_share(each.target, gained)
            span = book.last_span
            if span:
                yield WindowCounts(each.service, each.objective, span, at, good, total - good, span)

    def mistaken(self, page: Exposition) -> tuple[str, ...]:
        """What is declared as something that the page says it is not."""
        found = {each.name: words for each in self._declared if (words := mistaken(each, page))}
        self._mistaken = frozenset(found)
        return tuple(f"{name}: {words}" for name, words in found.items())

    def _target(self, instance: str) -> _Target:
        target = self._targets.get(instance)
        if target is None:
            target = self._targets[instance] = _Target(SampleBook(keep=self._keep))
        return target

    def _needed(self, samples: Iterable[Exposed]) -> Iterator[Exposed]:
        for sample in samples:
            needs = self._needs.get(sample.name, ())
            if any(matches(each.labels, sample.labels) for each in needs):
                yield sample


def mistaken(declared: Declared, page: Exposition) -> str:
    """Why ``declared`` cannot be right, as far as the page says what its series are; or ''.

    A counter may be shown as it is; the rate of anything else, or its quantiles, mean nothing.
    """
    kind = page.type_of(declared.series)
    wanted = _TYPES.get(declared.kind)
    if wanted is None or kind in wanted:
        return ""
    return f"{declared.series} is a {kind}, and declared as a {declared.kind}"


def matches(wanted: Labels, labels: Labels) -> bool:
    """Whether a series with ``labels`` is selected; an empty value means no such label."""
    if not wanted:
        return True
    given = dict(labels)
    return all(given.get(key, "") == value for key, value in wanted if key not in TARGET_LABELS)


def _part(
    declared: Declared, instance: str, book: SampleBook, now: float
) -> Iterator[tuple[Mapping[str, str], float]]:
    """What ``instance`` adds: one rate, its gauges, or the rates of its buckets by ``le``."""
    if declared.kind is Kind.GAUGE:
        for labels, value in book.latest(declared.series, now):
            if matches(declared.labels, labels):
                yield {"instance": instance}, value
        return
    label = "le" if declared.kind is Kind.HISTOGRAM else ""
    summed: dict[str, float] = {}
    for labels, rate in book.rates(declared.series, declared.window, now):
        if matches(declared.labels, labels):
            key = dict(labels).get(label, "") if label else instance
            summed[key] = summed.get(key, 0.0) + rate
    for key, rate in summed.items():
        yield {label or "instance": key}, rate
