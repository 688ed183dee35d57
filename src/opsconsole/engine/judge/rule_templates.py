"""Prometheus' annotation templates: its variables, its functions, its way to print numbers. Pure.

Invariant: what is filled in is what Prometheus fills in; what needs a query stays as it was
written. A label's value is never expanded as a template.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/,
``template/template.go`` of Prometheus for the scales, ``fmt`` of Go for numbers
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from opsconsole.model.written.go_templates import Function, Scope, Value, expand
from opsconsole.patterns import pattern
from opsconsole.zones import in_calendar

_VERB: Final = re.compile(r"%([-+# 0]*)(\d*)(?:\.(\d*))?([a-zA-Z%])")
_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")

_MOST_SECONDS: Final = 2.0**63
"""Where Go's whole numbers end; Prometheus shows what is left of a longer duration."""


def render(template: str, labels: Mapping[str, str], value: float) -> str:
    """``template`` for one series."""
    dot: Mapping[str, Value] = {"Labels": labels, "Value": value}
    return expand(template, Scope({"labels": labels, "value": value}, dot, _FUNCTIONS), _shown)


def _shown(value: Value) -> str:
    """As Go prints a value with ``%v``."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return str(value).lower()
        case str():
            return value
        case Mapping():
            inner = " ".join(f"{name}:{text}" for name, text in sorted(value.items()))
            return f"map[{inner}]"
        case _:
            return _plain(float(value))


def _plain(value: float) -> str:
    """The shortest form that reads back; with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    digits = repr(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return digits.removesuffix(".0")
    scale = Decimal(digits).normalize()
    sign, figures, _ = scale.as_tuple()
    first, *rest = map(str, figures)
    base = f"{'-' if sign else ''}{first}{'.' if rest else ''}{''.join(rest)}"
    return f"{base}e{scale.adjusted():+03d}"


def _short(value: float) -> str:
    """``%.4g``."""
    return f"{value:.4g}" if math.isfinite(value) else _plain(value)


def _number(value: object) -> float:
    """A number as Prometheus' functions take one. Raises TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | float | int):
        raise TypeError("not a number")
    return float(value)


def _scaled(value: float, prefixes: tuple[str, ...], step: float) -> str:
    prefix = ""
    for each in prefixes:
        if (abs(value) >= 1) if step < 1 else (abs(value) < step):
            break
        prefix, value = each, value / step
    return f"{_short(value)}{prefix}"


def _humanize(given: object) -> str:
    value = _number(given)
    if value == 0 or not math.isfinite(value):
        return _short(value)
    return _scaled(value, _LARGE, 1000.0) if abs(value) >= 1 else _scaled(value, _SMALL, 0.001)


def _humanize1024(given: object) -> str:
    value = _number(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return _short(value)
    return _scaled(value, _BINARY, 1024.0)


def _percentage(given: object) -> str:
    return f"{_short(_number(given) * 100)}%"


def _duration(given: object) -> str:
    value = _number(given)
    if not math.isfinite(value):
        return _short(value)
    if 0 < abs(value) < 1:
        return f"{_scaled(value, _SMALL, 0.001)}s"
    sign, value = ("-" if value < 0 else ""), abs(value)
    if value >= _MOST_SECONDS:
        return f"{sign}-106751991167300d -15h -30m -8s"
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{_short(value)}s"


def _timestamp(given: object) -> str:
    value = _number(given)
    if not math.isfinite(value):
        return _short(value)
    moment = datetime.fromtimestamp(in_calendar(value), UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _printf(form: object, *values: Value) -> str:
    """Go's ``Sprintf``, with its words for a verb that does not fit."""
    if not isinstance(form, str):
        raise TypeError("printf takes a text")
    left = list(values)

    def filled(match: re.Match[str]) -> str:
        if match[4] == "%":
            return "%"
        if not left:
            return f"%!{match[4]}(MISSING)"
        return _verb(match, left.pop(0))

    text = _VERB.sub(filled, form)
    extra = ", ".join(f"{_kind(value)}={_shown(value)}" for value in left)
    return f"{text}%!(EXTRA {extra})" if left else text


def _verb(match: re.Match[str], value: Value) -> str:
    flags, width, precision, verb = match.groups()
    number = isinstance(value, float) and not isinstance(value, bool)
    if isinstance(value, float) and verb in "feEgGF":
        if not math.isfinite(value):
            return _padded(_plain(value), flags.replace("0", ""), width)
        if precision is None and verb in "gG":
            return _padded(_plain(value), flags, width)
        return f"%{flags}{width}{'' if precision is None else f'.{precision or 0}'}{verb}" % value
    if verb == "v" or (verb == "s" and not number and not isinstance(value, bool)):
        shown = _shown(value)
        return _padded(shown if precision is None else shown[: int(precision or 0)], flags, width)
    if verb == "q" and isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return _padded(f'"{escaped}"', flags, width)
    if verb == "t" and isinstance(value, bool):
        return _padded(_shown(value), flags, width)
    return f"%!{verb}({_kind(value)}={_shown(value)})"


def _padded(text: str, flags: str, width: str) -> str:
    return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0))


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case float() | int():
            return "float64"
        case _:
            return "map[string]string"


def _index(holder: Value, *names: Value) -> Value:
    found: Value = holder
    for name in names:
        if not isinstance(found, Mapping) or not isinstance(name, str):
            raise TypeError("index takes labels and a name")
        found = found.get(name, "")
    return found


def _text(function: Callable[[str], str]) -> Function:
    def called(value: Value) -> Value:
        if not isinstance(value, str):
            raise TypeError("not a text")
        return function(value)

    return called


def _match(wanted: Value, text: Value) -> bool:
    return isinstance(wanted, str) and isinstance(text, str) and pattern(wanted).search(text)


def _all(*values: Value) -> Value:
    return next((value for value in values if not value), values[-1])


def _any(*values: Value) -> Value:
    return next((value for value in values if value), values[-1])


def _equal(first: Value, *others: Value) -> bool:
    if any(type(first) is not type(other) for other in others) or not others:
        raise TypeError("of different kinds")
    return first in others


def _less(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    if isinstance(one, float) and isinstance(other, float):
        return one < other
    raise TypeError("of different kinds")


_FUNCTIONS: Final[Mapping[str, Function]] = {
    "humanize": _humanize,
    "humanize1024": _humanize1024,
    "humanizePercentage": _percentage,
    "humanizeDuration": _duration,
    "humanizeTimestamp": _timestamp,
    "printf": _printf,
    "index": _index,
    "title": _text(lambda text: re.sub(r"(^|\s)(\S)", lambda m: m[1] + m[2].upper(), text)),
    "toUpper": _text(str.upper),
    "toLower": _text(str.lower),
    "stripPort": _text(lambda text: re.sub(r":\d+$", "", text)),
    "safeHtml": _text(str),
    "match": _match,
    "len": lambda value: float(len(value)),
    "not": lambda value: not value,
    "and": _all,
    "or": _any,
    "eq": _equal,
    "ne": lambda one, other: not _equal(one, other),
    "lt": _less,
    "le": lambda one, other: _less(one, other) or _equal(one, other),
    "ge": lambda one, other: not _less(one, other),
    "gt": lambda one, other: not (_less(one, other) or _equal(one, other)),
}
