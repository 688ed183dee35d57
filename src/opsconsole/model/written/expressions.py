"""The small language of objectives and local alert rules.

    p95(latency) < 100ms      rate(requests) > 100/s      memory < 4GB      cpu < 70%
    cache_hit_rate > 80%      error_rate > 5%             state == down            disk > 90%
    availability 99.9% over 30d

Invariant: thresholds are in base units (seconds, bytes, fractions, per second), a figure whose
dimension is known is never compared with a bare number, and ``parse(str(expression))`` is the
same expression.
"""

import difflib
import re
from collections.abc import Iterable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, NoReturn

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.model.written.units import BYTES, SECONDS, format_duration, parse_duration

OPERATORS: Final = ("<", "<=", ">", ">=", "==", "!=")

BUILT_IN: Final = {
    "latency": "time",
    "error_rate": "share",
    "request_rate": "rate",
    "cpu": "share",
    "memory": "size",
    "restarts": "number",
    "cert_days": "number",
    "disk": "size",
    "disk_free": "size",
    "host_cpu": "share",
    "host_memory": "size",
    "host_swap": "size",
    "host_load": "number",
}
"""Figures that every service has without declaring them, with their dimension.

``disk`` and ``host_`` are of the host that it is on.
"""

DEFAULT_WINDOW: Final = 30 * 86400.0
"""Seconds over which availability is calculated by default."""

_SHARES: Final = {"%": Fraction(1, 100)}
_RATES: Final = {
    "/s": Fraction(1),
    "/m": Fraction(1, 60),
    "/min": Fraction(1, 60),
    "/h": Fraction(1, 3600),
    "/d": Fraction(1, 86400),
}
_SCALES: Final[dict[str, Fraction]] = {
    "": Fraction(1),
    **_SHARES,
    **_RATES,
    **{unit: Fraction(str(seconds)) for unit, seconds in SECONDS.items()},
    **{unit: Fraction(size) for unit, size in BYTES.items()},
}
_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "time": tuple(SECONDS),
    "share": tuple(_SHARES),
    "rate": tuple(_RATES),
    "size": (*BYTES, *_SHARES),
    "number": ("",),
}
_EXAMPLES: Final = {
    "time": "100ms",
    "share": "5%",
    "rate": "100/s",
    "size": "4GB",
    "number": "3",
}
_LONGEST: Final = 200
_MOST_DIGITS: Final = 30  # 17 distinguish all floats; a scale of 1/86400 needs more
_MOST_ZEROS: Final = 16
_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_OPERATOR: Final = re.compile(r"[<>=!]=?|=")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_UNIT: Final = re.compile(r"[%/A-Za-zµ]*")
_WINDOW: Final = re.compile(r"[0-9A-Za-z.]+")
_QUANTILE: Final = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)")


class ExpressionError(ValueError):
    """The text is not an expression. ``position`` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure: ``name`` alone, ``rate(name)``, or ``p95(name)`` with ``quantile`` 0.95."""

    name: str
    function: str = ""
    quantile: float | None = None

    def __str__(self) -> str:
        return f"{self.function}({self.name})" if self.function else self.name


@dataclass(frozen=True, slots=True)
class Comparison:
    """``threshold`` is in base units; ``unit`` is the one it was written in."""

    quantity: Quantity
    operator: str
    threshold: float
    unit: str = ""

    def __str__(self) -> str:
        written = _written(self.threshold, _SCALES[self.unit])
        return f"{self.quantity} {self.operator} {written}{self.unit}"

    def holds(self, value: float) -> bool:
        """Whether ``value``, in base units, satisfies it."""
        return {
            "<": value < self.threshold,
            "<=": value <= self.threshold,
            ">": value > self.threshold,
            ">=": value >= self.threshold,
            "==": value == self.threshold,
            "!=": value != self.threshold,
        }[self.operator]


@dataclass(frozen=True, slots=True)
class Availability:
    """``target`` is a fraction between 0 and 1; ``window`` is in seconds."""

    target: float
    window: float = DEFAULT_WINDOW

    def __str__(self) -> str:
        share = _written(self.target, _SHARES["%"])
        return f"availability {share}% over {format_duration(self.window)}"


@dataclass(frozen=True, slots=True)
class StateIs:
    """The service, or an instance of it, is in ``state``."""

    state: State

    def __str__(self) -> str:
        return f"state == {self.state}"


Expression = Comparison | Availability | StateIs


def parse(text: str) -> Expression:
    """Read one expression. Raises ExpressionError with the place and what to write instead."""
    return _Parser(text).expression()


def quantity_of(expression: Expression) -> Quantity | None:
    """The figure that ``expression`` is about, if it is about one."""
    return expression.quantity if isinstance(expression, Comparison) else None


class _Parser:
    """One pass from left to right over one text."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ExpressionError(_LONGEST, f"is longer than {_LONGEST} characters")
        self._text = text
        self._at = 0

    def expression(self) -> Expression:
        self._skip_space()
        start = self._at
        word = self._take(_WORD)
        if not word:
            said = "begins with a figure such as latency, or with availability or state"
            self._fail(start, f"{said}; there are {', '.join(BUILT_IN)} and those declared")
        if word == "availability":
            return self._end(self._availability())
        if word == "state":
            return self._end(self._state())
        return self._end(self._comparison(self._quantity(word, start)))

    def _quantity(self, word: str, start: int) -> Quantity:
        if not self._skip("("):
            return Quantity(word)
        quantile = self._function(word, start)
        self._skip_space()
        inner = self._at
        name = self._take(_WORD)
        if not name:
            self._fail(inner, f"{word}(…) takes the name of a figure")
        if not self._skip(")"):
            self._fail(self._at, f"the bracket of {word}( is not closed")
        return Quantity(name, word, quantile)

    def _function(self, word: str, start: int) -> float | None:
        """The quantile that a function's name says; None for ``rate``."""
        if word == "rate":
            return None
        match = _QUANTILE.fullmatch(word)
        if not match or not float(match[1]):
            near = _nearest(word, ("rate", "p50", "p90", "p95", "p99"))
            self._fail(start, f"unknown function {word!r}{near}; there are rate, p50, p95, p99.9")
        return float(match[1]) / 100

    def _comparison(self, quantity: Quantity) -> Comparison:
        operator = self._operator(str(quantity))
        start = self._at
        number = self._number()
        unit = self._take(_UNIT)
        if unit not in _SCALES:
            self._fail(start, f"unknown unit {unit!r}{_nearest(unit, _SCALES)}")
        self._check_dimension(quantity, unit, start)
        try:
            threshold = float(number * _SCALES[unit])
        except OverflowError:
            self._fail(start, "the number is too large")
        return Comparison(quantity, operator, threshold, unit)

    def _check_dimension(self, quantity: Quantity, unit: str, start: int) -> None:
        function = "rate" if quantity.function == "rate" else ""
        dimension = function or BUILT_IN.get(quantity.name, "")
        if dimension and unit not in _UNITS[dimension]:
            example = _EXAMPLES[dimension]
            self._fail(start, f"{quantity} needs a number such as {example}")

    def _state(self) -> StateIs:
        self._skip_space()
        start = self._at
        if self._take(_OPERATOR) != "==":
            self._fail(start, "write state == down; there is no other comparison with a state")
        self._skip_space()
        start = self._at
        word = self._take(_WORD).lower()
        if word not in set(State):
            states = ", ".join(State)
            self._fail(start, f"unknown state {word!r}{_nearest(word, State)}; there are {states}")
        return StateIs(State(word))

    def _availability(self) -> Availability:
        self._take_leading_operator()
        start = self._at
        number = self._number()
        if self._take(_UNIT) != "%" or not 0 < number < 100:
            self._fail(start, "availability is a share between 0% and 100%, such as 99.9%")
        self._skip_space()
        if self._at == len(self._text):
            return Availability(float(number / 100))
        start = self._at
        if self._take(_WORD) != "over":
            self._fail(start, "write availability 99.9% over 30d")
        self._skip_space()
        start = self._at
        try:
            window = parse_duration(self._take(_WINDOW))
        except ValueError as error:
            self._fail(start, str(error))
        if window < 1:
            self._fail(start, "the window is at least 1s")
        return Availability(float(number / 100), round(window, 3))

    def _take_leading_operator(self) -> None:
        """``availability >= 99.9%`` is the same as ``availability 99.9%``."""
        self._skip_space()
        start = self._at
        if self._take(_OPERATOR) not in {"", ">", ">="}:
            self._fail(start, "write availability 99.9% over 30d")
        self._skip_space()

    def _operator(self, left: str) -> str:
        self._skip_space()
        start = self._at
        operator = self._take(_OPERATOR)
        if operator == "=":
            self._fail(start, "did you mean '=='?")
        if operator not in OPERATORS:
            known = " ".join(OPERATORS)
            self._fail(start, f"after {left} comes one of {known}")
        self._skip_space()
        return operator

    def _number(self) -> Fraction:
        start = self._at
        number = self._take(_NUMBER)
        if not number:
            self._fail(start, "here a number is missing, such as 100ms, 5%, 4GB or 100/s")
        return Fraction(number)

    def _end(self, expression: Expression) -> Expression:
        self._skip_space()
        if self._at == len(self._text):
            return expression
        start = self._at
        word = self._take(_WORD)
        hints = {
            "for": "write the time as a key of its own, for: 1m",
            "and": "there is no 'and'; write two entries",
            "or": "there is no 'or'; write two entries",
        }
        raise ExpressionError(start, hints.get(word, "nothing more is expected here"))

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if not match:
            return ""
        self._at = match.end()
        return match[0]

    def _skip(self, character: str) -> bool:
        self._skip_space()
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        return True

    def _skip_space(self) -> None:
        self._take(_SPACE)

    def _fail(self, position: int, message: str) -> NoReturn:
        raise ExpressionError(position, message)


def _written(value: float, scale: Fraction) -> str:
    """The shortest number that gives exactly ``value`` when multiplied by ``scale``."""
    exact = Fraction(value) / scale
    number = Decimal(0)
    for digits in range(1, _MOST_DIGITS):
        number = Context(prec=digits).divide(Decimal(exact.numerator), Decimal(exact.denominator))
        if float(Fraction(number) * scale) == value:
            break
    plain = -_MOST_ZEROS < number.adjusted() < _MOST_ZEROS
    return format(number, "f") if plain else str(number)


def _nearest(word: str, known: Iterable[str]) -> str:
    names = [str(name) for name in known]
    same = [name for name in names if name.lower() == word.lower()]
    found = same or difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f", did you mean {found[0]!r}?" if found else ""
