"""Kubernetes' quantities: ``250m`` of a core, ``128Mi`` of memory. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import math
import re
from typing import Final

_QUANTITY: Final = re.compile(
    r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:([eE][+-]?[0-9]+)|([a-zA-Z]{0,2}))"
)
_LONGEST: Final = 64
_SUFFIXES: Final = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "P": 1e15, "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
    "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def quantity(value: object) -> float | None:
    """``value`` as a number; None for what is no quantity, is less than 0 or beyond all bounds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    found = _QUANTITY.fullmatch(value)
    if found is None or (found[3] or "") not in _SUFFIXES:
        return None
    number = float(f"{found[1]}{found[2] or ''}") * _SUFFIXES[found[3] or ""]
    return number if math.isfinite(number) and number >= 0 else None


def size(value: object) -> int | None:
    """A quantity of bytes, as a whole number; None for none, and for 0, which is no limit."""
    found = quantity(value)
    return int(found) if found and found < 2**63 else None
