"""Reading one of many items of an answer from outside.

Invariant: an item costs itself: whatever is wrong with it, the others are read.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def each_alone(read: Callable[[Any], T | None], item: Any) -> T | None:
    """What ``read`` makes of ``item``; None where that fails, in whichever way."""
    try:
        return read(item)
    except Exception:  # noqa: BLE001 - the boundary of one item: it may hold anything
        return None
