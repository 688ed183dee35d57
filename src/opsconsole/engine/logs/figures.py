"""Figures from the patterns of a service's logs: rates, and quantiles of captured numbers.

Invariant: pure. A figure is None while one of its logs is not read, and before enough was seen.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from opsconsole.config.log_figures import Value
from opsconsole.config.services import Service
from opsconsole.engine.logs.intake import LogIntake
from opsconsole.engine.logs.values import at_least, quantile
from opsconsole.model.series import MetricValue
from opsconsole.model.written.expressions import ExpressionError, parse, quantity_of

ORIGIN: Final = "logs"
_SHARES: Final = (0.5, 0.95, 0.99)


class _Numbers(NamedTuple):
    """The numbers captured by one group: how many fell into each bucket; None if not known."""

    value: Value
    counts: Counter[int] | None


def figures(
    name: str, intakes: Sequence[LogIntake], shares: Iterable[float], now: float
) -> Iterator[MetricValue]:
    """The figures of service ``name``; ``shares`` are the quantiles to compute."""
    rates: dict[str, dict[str, float | None]] = {}
    numbers: dict[str, _Numbers] = {}
    for intake in intakes:
        for pattern, counted in intake.patterns.items():
            rate = None if intake.troubled else counted.rate(now)
            rates.setdefault(pattern, {})[intake.ring.source] = rate
            for value, window in counted.values.items():
                figure = f"{pattern}.{value.group}"
                seen = None if intake.troubled else window.counts(now)
                numbers[figure] = _joined(numbers.get(figure), _Numbers(value, seen))
    for pattern, parts in rates.items():
        yield _rate(name, pattern, parts, now)
    for figure, found in numbers.items():
        yield from _quantiles(name, figure, found, shares, now)


def shares_of(service: Service | None) -> tuple[float, ...]:
    """The quantiles to compute: the usual ones and those that an expression of the service
    names."""
    found = set(_SHARES)
    texts = [] if service is None else [*service.objectives, *(r.when for r in service.alerts)]
    for text in texts:
        try:
            quantity = quantity_of(parse(text))
        except ExpressionError:
            continue
        if quantity is not None and quantity.quantile is not None:
            found.add(quantity.quantile)
    return tuple(sorted(found))


def _joined(known: _Numbers | None, more: _Numbers) -> _Numbers:
    if known is None:
        return more
    if known.counts is None or more.counts is None:
        return _Numbers(known.value, None)
    return _Numbers(known.value, known.counts + more.counts)


def _rate(name: str, pattern: str, parts: dict[str, float | None], now: float) -> MetricValue:
    known = {source: rate for source, rate in parts.items() if rate is not None}
    whole = sum(known.values()) if len(known) == len(parts) else None
    return MetricValue(name, pattern, whole, "/s", now, known, origin=ORIGIN)


def _quantiles(
    name: str, figure: str, found: _Numbers, shares: Iterable[float], now: float
) -> Iterator[MetricValue]:
    for share in shares:
        value = None if found.counts is None else quantile(found.counts, share)
        called = f"p{share * 100:g}({figure})"
        lower = None if found.counts is None else at_least(found.counts, share)
        yield MetricValue(name, called, value, found.value.unit, now, origin=ORIGIN, at_least=lower)
