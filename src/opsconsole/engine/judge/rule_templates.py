"""The simple part of Prometheus' annotation templates. Pure.

Invariant: ``{{ $labels.x }}`` and ``{{ $value }}``, with the formats that are used for numbers, are
filled in; anything else in braces stays as it was written. A label's value is never expanded as a
template.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.units import format_duration

_ACTION: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_LABEL: Final = re.compile(
    r"""\$labels\.([A-Za-z_]\w*)|\(?index \$labels "([^"]+)"\)?|\.Labels\.([A-Za-z_]\w*)"""
)
_PRINTF: Final = re.compile(
    r"""(?:\$value \| printf |printf )"(%\.?[0-9]*[fgde]%?%?)"(?: \$value)?"""
)
_PREFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY: Final = ((2.0**40, "Ti"), (2.0**30, "Gi"), (2.0**20, "Mi"), (2.0**10, "ki"))


def render(template: str, labels: Mapping[str, str], value: float) -> str:
    """``template`` for one series."""
    if "{{" not in template:
        return template

    def fill(match: re.Match[str]) -> str:
        filled = _fill(match[1], labels, value)
        return match[0] if filled is None else filled

    return _ACTION.sub(fill, template)


def _fill(action: str, labels: Mapping[str, str], value: float) -> str | None:
    label = _LABEL.fullmatch(action)
    if label is not None:
        return labels.get(label[1] or label[2] or label[3], "")
    if action in {"$value", ".Value"}:
        return _plain(value)
    head, _, pipe = action.partition("|")
    if head.strip() == "$value" and pipe.strip() in _FORMATS:
        return _FORMATS[pipe.strip()](value)
    printf = _PRINTF.fullmatch(action)
    if printf is not None and math.isfinite(value):
        try:
            return printf[1] % value
        except (TypeError, ValueError):
            return None
    return None


def _plain(value: float) -> str:
    """As Go prints a float: the shortest form that reads back."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def _humanize(value: float) -> str:
    return _scaled(value, _PREFIXES)


def _scaled(value: float, prefixes: tuple[tuple[float, str], ...]) -> str:
    if not math.isfinite(value):
        return _plain(value)
    for size, prefix in prefixes:
        if abs(value) >= size:
            return f"{value / size:.4g}{prefix}"
    return f"{value:.4g}"


def _percentage(value: float) -> str:
    return f"{value * 100:.4g}%" if math.isfinite(value) else _plain(value)


def _duration(value: float) -> str:
    if not math.isfinite(value):
        return _plain(value)
    return format_duration(value) if value >= 0 else f"-{format_duration(-value)}"


_FORMATS: Final[Mapping[str, Callable[[float], str]]] = {
    "humanize": _humanize,
    "humanize1024": lambda value: _scaled(value, _BINARY),
    "humanizePercentage": _percentage,
    "humanizeDuration": _duration,
}
