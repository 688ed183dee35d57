"""Makes a thing once from the same part of a snapshot.

Invariant: what is given out was made from the very object that was passed in; a part that did not
change is the same object in the next snapshot. One result is kept, with what it was made from.
"""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def once_for_the_same(make: Callable[[K], V]) -> Callable[[K], V]:
    """``make``, which is not called again while it is given the same object as last time.

    Its result must not be changed by who gets it.
    """
    kept: list[tuple[K, V]] = []

    def made(part: K) -> V:
        for known, result in kept:
            if known is part:
                return result
        result = make(part)
        kept[:] = [(part, result)]
        return result

    return made
