"""Whether declared metrics and expressions find series in a Prometheus, and if not, why.

Invariant: each selector is checked separately, because a rule that does not fire finds nothing
either; a query that could not be asked is reported as such, never as a fault of the metric.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.services import AvailabilitySeries
from opsconsole.inspection.finding import Finding, Weight, listed, nearest, of_fault, shown
from opsconsole.inspection.names import (
    is_other_form,
    quantile_of,
    remedy_for_declared,
    remedy_for_selector,
)
from opsconsole.model.fault import Fault
from opsconsole.model.written.units import format_duration
from opsconsole.sources.metrics.declared import Declared, Kind
from opsconsole.sources.prometheus.promql_selectors import Matcher, Selector, selectors
from opsconsole.sources.prometheus.promql_sharing import quote
from opsconsole.sources.prometheus.series_index import SeriesIndex

RECENT: Final = "1h"
_ABSENCE: Final = frozenset({"absent", "absent_over_time"})
"""Functions that ask for absent series."""

SCRAPES: Final = 4
"""Scrapes that fit into a window which gives steady figures, as Prometheus' manual advises."""


async def check_declared(path: KeyPath, declared: Declared, index: SeriesIndex) -> list[Finding]:
    """Findings on one declared metric."""
    if declared.kind is Kind.PROMQL:
        return await check_expression((*path, "promql"), declared.series, index)
    matchers = tuple(Matcher(label, "=", quote(value)) for label, value in declared.labels)
    selector = Selector(declared.series, matchers, declared.window or None)
    return await _check(path, selector, index, declared)


async def check_availability(
    path: KeyPath, declared: AvailabilitySeries, common: Mapping[str, str], index: SeriesIndex
) -> list[Finding]:
    """Findings on the series of an availability; one of failures alone may have none so far.

    ``common`` are labels of all series of the service.
    """
    labels = {**common, **declared.labels}
    matchers = tuple(Matcher(label, "=", quote(value)) for label, value in labels.items())
    found: list[Finding] = []
    if declared.gauge is not None:
        found += await _check(path, Selector(declared.gauge, matchers), index)
    for name in (declared.total, None if declared.failed_labels else declared.failed):
        if name is not None:
            found += await _check(path, Selector(name, matchers, function="rate"), index)
    return found


async def check_expression(path: KeyPath, expression: str, index: SeriesIndex) -> list[Finding]:
    """Findings on every selector of a PromQL expression, and on the expression as a whole."""
    answer = await index.query(expression)
    if isinstance(answer, Fault):
        return [of_fault(path, answer, Weight.ERROR)]
    found: list[Finding] = []
    for selector in dict.fromkeys(selectors(expression)):
        if selector.function in _ABSENCE:
            continue
        found.extend(await _check(path, selector, index))
        found.extend(_misused(path, selector))
    return found


async def _check(
    path: KeyPath, selector: Selector, index: SeriesIndex, declared: Declared | None = None
) -> list[Finding]:
    targets = await index.targets(str(selector))
    if isinstance(targets, Fault):
        return [of_fault(path, targets, Weight.ERROR)]
    if targets:
        found = await _check_window(path, selector, index, targets)
        return found if declared is None else [*await _check_type(path, declared, index), *found]
    names = await index.names()
    if isinstance(names, Fault):
        return [of_fault(path, names, Weight.WARNING, "its name could not be looked up")]
    if not selector.name or selector.name in names:
        return [await _unmatched(path, selector, index)]
    if declared is not None:
        remedy = _of_native(declared, names) or remedy_for_declared(declared, names)
    else:
        remedy = remedy_for_selector(selector, names)
    message = f"no series is called {selector.name}"
    guessed = not is_other_form(selector.name, names)
    return [Finding(path, Weight.ERROR, message, remedy, guessed=guessed)]


async def _check_type(path: KeyPath, declared: Declared, index: SeriesIndex) -> list[Finding]:
    """A rate of what only goes up and down means nothing."""
    kind = await index.type_of(declared.series)
    if declared.kind is not Kind.COUNTER or kind != "gauge":
        return []
    message = f"{declared.series} is a gauge, and declared as a counter"
    return [Finding(path, Weight.ERROR, message, f"write gauge: {declared.series}")]


def _of_native(declared: Declared, names: Container[str]) -> str:
    """What to write for a histogram that is there, and has no buckets of its own."""
    name = declared.series.removesuffix("_bucket")
    parts = ("_bucket", "_sum", "_count")
    if declared.kind is not Kind.HISTOGRAM or name not in names or name.endswith(parts):
        return ""
    query = f"histogram_quantile(0.95, sum(rate({name}[5m])))"
    return f"{name} has no buckets: if it is a native histogram, write promql: {query}"


async def _unmatched(path: KeyPath, selector: Selector, index: SeriesIndex) -> Finding:
    """Series of this name exist or existed, but the selector matches none of them now."""
    recent = await index.query(f"count(last_over_time({selector}[{RECENT}]))")
    if recent and not isinstance(recent, Fault):
        message = f"{selector} found series within the last hour, and finds none now"
        return Finding(path, Weight.WARNING, message, "is its target up?")
    for matcher in selector.matchers:
        alone = await index.query(f"count({Selector(selector.name, (matcher,))})")
        if not isinstance(alone, Fault) and not alone:
            return await _wrong_label(path, selector.name, matcher, index)
    if selector.matchers:
        message = f"no series of {selector.name} has all of these labels at once"
        return Finding(path, Weight.ERROR, message, guessed=True)
    message = f"{selector} has no series now"
    return Finding(path, Weight.WARNING, message, "is its target up?")


async def _wrong_label(path: KeyPath, name: str, matcher: Matcher, index: SeriesIndex) -> Finding:
    where = path if path[-1] == "promql" else (*path, "labels", matcher.label)
    values = await index.label_values(name, matcher.label) if name else []
    if values:
        written = matcher.value[1:-1]
        near = nearest(written, values)
        remedy = f"did you mean {shown(near)!r}?" if near else f"there is {listed(values)}"
        message = f"no series of {name} has {matcher}"
        weight = Weight.ERROR if near else Weight.WARNING
        return Finding(where, weight, message, remedy, guessed=True)
    labels = await index.label_names(name) if name else []
    near = nearest(matcher.label, labels)
    remedy = f"did you mean {shown(near)!r}?" if near else f"there is {listed(labels)}"
    message = f"no series of {name or 'any name'} has a label {matcher.label}"
    return Finding(where, Weight.ERROR, message, remedy if labels else "", guessed=True)


async def _check_window(
    path: KeyPath, selector: Selector, index: SeriesIndex, targets: list[tuple[str, str]]
) -> list[Finding]:
    if selector.window is None:
        return []
    every = await index.scrape_interval(targets)
    if every is None or selector.window >= 2 * every:
        return []
    where = path if path[-1] == "promql" else (*path, "window")
    return [short_window(where, selector.window, every)]


def short_window(path: KeyPath, window: float, every: float) -> Finding:
    """A window that does not always hold the two scrapes that a rate needs."""
    message = (
        f"a window of {format_duration(window)} holds fewer than two scrapes, "
        f"which are {format_duration(every)} apart"
    )
    remedy = f"write {format_duration(SCRAPES * every)} or more"
    return Finding(path, Weight.ERROR, message, remedy)


def _misused(path: KeyPath, selector: Selector) -> Iterator[Finding]:
    """A quantile of raw buckets covers the whole life of the process."""
    bare = selector.function == "histogram_quantile" and selector.window is None
    if bare and selector.name.endswith("_bucket"):
        message = f"histogram_quantile of {selector.name} itself counts since the process began"
        remedy = f"write {quantile_of(selector.name.removesuffix('_bucket'))}"
        yield Finding(path, Weight.WARNING, message, remedy)
