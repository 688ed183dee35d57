"""One figure of a service from those of its copies.

Invariant: what is declared ``any`` is judged copy by copy, never by their average: a pool that is
full on one of two is full. It is shown as their mean, with the copy that decides.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final, Literal, TypeAlias, assert_never

Across: TypeAlias = Literal["any", "mean", "max", "min", "sum"]

_UPWARDS: Final = frozenset({">", ">="})
_DOWNWARDS: Final = frozenset({"<", "<="})


def combined(across: Across, numbers: Sequence[float]) -> float:
    """The figure of the service; there is at least one number."""
    match across:
        case "any" | "mean":
            return fmean(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case "sum":
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
        case "any":
            highest = (operator in _UPWARDS) is alarm
        case "max" | "min":
            highest = across == "max"
        case "mean" | "sum":
            return None
        case _:
            assert_never(across)
    return (max if highest else min)(sorted(parts), key=parts.__getitem__)
