"""Suggestions for a name that no series has. Pure.

Invariant: a fix is suggested only if the name that it suggests exists.

Source of the usual mistakes: clients add ``_total`` to a counter and ``_bucket``, ``_sum`` and
``_count`` to a histogram when they expose it; a summary has ``_sum`` and ``_count`` alone.
"""

from collections.abc import Set as AbstractSet

from opsconsole.inspection.finding import nearest
from opsconsole.sources.metrics.declared import Declared, Kind
from opsconsole.sources.prometheus.promql_selectors import Selector

DEFAULT_WINDOW = "5m"
_BUCKET = "_bucket"


def remedy_for_selector(selector: Selector, known: AbstractSet[str]) -> str:
    """What to write instead of ``selector`` in an expression; '' when nothing is near."""
    name = selector.name
    if f"{name}{_BUCKET}" in known:
        if selector.function == "histogram_quantile":
            return f"write {quantile_of(name)}"
        return f"it is a histogram: it has {name}_bucket, {name}_sum and {name}_count"
    return _plain_remedy(name, known)


def remedy_for_declared(declared: Declared, known: AbstractSet[str]) -> str:
    """What to declare instead; '' when nothing is near."""
    if declared.kind is Kind.HISTOGRAM:
        return _histogram_remedy(declared.series.removesuffix(_BUCKET), known)
    if f"{declared.series}{_BUCKET}" in known:
        return f"it is a histogram: write histogram: {declared.series}"
    return _plain_remedy(declared.series, known)


def is_other_form(name: str, known: AbstractSet[str]) -> bool:
    """Whether a series has ``name`` in another of its forms, so that what to write is no guess."""
    return any(
        f"{name}{suffix}" in known or (name.endswith(suffix) and name.removesuffix(suffix) in known)
        for suffix in (_BUCKET, "_total", "_count", "_sum")
    )


def quantile_of(name: str, window: str = DEFAULT_WINDOW) -> str:
    """The usual query for a quantile of a classic histogram."""
    return f"histogram_quantile(0.95, sum by (le) (rate({name}_bucket[{window}])))"


def _plain_remedy(name: str, known: AbstractSet[str]) -> str:
    if f"{name}_total" in known:
        return f"write {name}_total: a counter is exposed with _total"
    for suffix in ("_total", "_count", "_sum"):
        if name.endswith(suffix) and name.removesuffix(suffix) in known:
            return f"write {name.removesuffix(suffix)}"
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else ""


def _histogram_remedy(name: str, known: AbstractSet[str]) -> str:
    for suffix in (_BUCKET, "_count", "_sum"):
        short = name.removesuffix(suffix)
        if short != name and f"{short}{_BUCKET}" in known:
            return f"write histogram: {short}, without {suffix}"
    if f"{name}_sum" in known and f"{name}_count" in known:
        return f"{name} is a summary, not a histogram: write gauge: {name} with its quantile label"
    if name in known:
        return f"{name} is no histogram: write gauge: {name}"
    histograms = {each.removesuffix(_BUCKET) for each in known if each.endswith(_BUCKET)}
    near = nearest(name, histograms)
    return f"did you mean {near!r}?" if near else ""
