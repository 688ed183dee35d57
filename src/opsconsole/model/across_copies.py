"""One figure of a service from those of its copies.

Invariant: what is declared ``any`` is judged copy by copy, never by their average: a pool that is
full on one of two is full. It is shown as their mean, with the copy that decides.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import fmean
from typing import Final, assert_never


class Across(StrEnum):
    """How the figures of copies become one of their service."""

    ANY = "any"
    MEAN = "mean"
    MAX = "max"
    MIN = "min"
    SUM = "sum"


_UPWARDS: Final = frozenset({">", ">="})
_DOWNWARDS: Final = frozenset({"<", "<="})


def combined(across: Across, numbers: Sequence[float]) -> float:
    """The figure of the service; there is at least one number."""
    match across:
        case Across.ANY | Across.MEAN:
            return fmean(numbers)
        case Across.MAX:
            return max(numbers)
        case Across.MIN:
            return min(numbers)
        case Across.SUM:
            return sum(numbers)
        case _:
            assert_never(across)


def deciding(
    across: Across, parts: Mapping[str, float], operator: str, *, alarm: bool
) -> str | None:
    """The copy by which a comparison is decided; None where it is no single one.

    With ``alarm`` the comparison says what is wrong, as a rule does; else what is right, as an
    objective does.
    """
    if len(parts) < 2 or operator not in _UPWARDS | _DOWNWARDS:
        return None
    match across:
        case Across.ANY:
            highest = (operator in _UPWARDS) is alarm
        case Across.MAX | Across.MIN:
            highest = across == Across.MAX
        case Across.MEAN | Across.SUM:
            return None
        case _:
            assert_never(across)
    return (max if highest else min)(sorted(parts), key=parts.__getitem__)
