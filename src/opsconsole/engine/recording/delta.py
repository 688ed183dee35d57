"""Computes what changed between two JSON-like trees, and applies such a change. Pure.

Invariant: ``apply(old, diff(old, new)) == new`` for trees of lists, dicts with string keys, text,
numbers, booleans and None; a delta is itself such a tree. ``apply`` may change ``old`` in place and
may take over parts of the delta, so that neither is used again.

Forms of a delta: anything that is not a list is the new value; a list begins with one of the
numbers below. A trace that moves on by some slots costs only its new slots.
"""

from collections.abc import Callable
from typing import Any, Final

Tree = Any
"""Any JSON value; the recursion is not expressed in the type."""

REPLACE: Final = 0
"""``[0, value]``"""
CHANGE: Final = 1
"""``[1, index, delta, …]`` of a list."""
SHIFT: Final = 2
"""``[2, dropped, kept, items]`` of a list: some items removed at the front, some added at the
end."""
MAP: Final = 3
"""``[3, {key: delta}]`` of a dict; a dict that lost a key or changed its order is replaced."""
SPLICE: Final = 4
"""``[4, start, removed, items]`` of a list, or of a text if items is a text."""
PIECES: Final = 5
"""``[5, index, text, …]`` of a text cut at its commas."""

_SHORT: Final = 40
"""Texts of up to this many characters are replaced whole."""

_LEAST_SLOTS: Final = 8
"""Minimum length of a list of numbers that may be a trace."""

_FEW: Final = 4
_NO_CHANGE: Final = [CHANGE]
_SLOTS: Final = frozenset({float, int, type(None)})
_IN_PARTS: Final = frozenset({list, dict, str})
_CUT: Final = ","


def diff(old: Tree, new: Tree) -> Tree:
    """The delta from ``old`` to ``new``; neither is changed."""
    if type(new) is list:
        if type(old) is list:
            return _diff_lists(old, new)
        return [REPLACE, new]
    if type(new) is dict:
        if type(old) is dict:
            return _diff_dicts(old, new)
        return [REPLACE, new]
    if type(new) is str and type(old) is str and len(new) > _SHORT and len(old) > _SHORT:
        return _diff_texts(old, new)
    return new


def apply(old: Tree, delta: Tree) -> Tree:
    """The tree that results from applying ``delta`` to ``old``."""
    if type(delta) is not list:
        return delta
    form = delta[0]
    if form == CHANGE:
        for place in range(1, len(delta), 2):
            index, change = delta[place], delta[place + 1]
            # Most are values; a call for each would be half the cost of a replay.
            old[index] = apply(old[index], change) if type(change) is list else change
        return old
    return _APPLY[form](old, delta)


def _diff_lists(old: list[Tree], new: list[Tree]) -> list[Tree]:
    if len(old) != len(new):
        return _diff_ends(old, new)
    changes: list[Tree] = [CHANGE]
    same = len(new) - _FEW
    if same < _LEAST_SLOTS or old[:same] != new[:same]:
        same = 0
        # A trace that moved on is not gone through slot by slot to find that out.
        moved = _diff_traces(old, new, most=_FEW) if _may_be_trace(new) else None
        if moved is not None:
            return moved
    # Of a trace it is the last slots that change.
    for index in range(same, len(new)):
        before, after = old[index], new[index]
        if before is after:
            continue
        kind = type(after)
        if kind is list and type(before) is list:
            # Compared once, not once more to find out whether they differ at all.
            inner = _diff_lists(before, after)
            if inner != _NO_CHANGE:
                changes += (index, inner)
        elif before != after:
            changes += (index, after if kind not in _IN_PARTS else diff(before, after))
    if len(changes) > 1 + 2 * _FEW and len(new) >= _LEAST_SLOTS and type(new[0]) is not list:
        return _diff_traces(old, new, most=len(new)) or changes
    return changes


def _may_be_trace(items: list[Tree]) -> bool:
    return len(items) >= _LEAST_SLOTS and type(items[0]) in _SLOTS


def _diff_traces(old: list[Tree], new: list[Tree], *, most: int) -> list[Tree] | None:
    """The same values shifted by up to ``most`` slots; the last one of ``old`` was not complete
    yet."""
    size = len(new)
    first = new[0]
    for dropped in range(1, min(most + 1, size - 1)):
        kept = size - dropped - 1
        if old[dropped] == first and old[dropped : dropped + kept] == new[:kept]:
            return [SHIFT, dropped, kept, new[kept:]]
    return None


def _diff_ends(old: list[Tree], new: list[Tree]) -> list[Tree]:
    """One run of items replaced by another, where lengths differ."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return [SPLICE, start, len(old) - end - start, new[start : len(new) - end]]


def _diff_dicts(old: dict[str, Tree], new: dict[str, Tree]) -> list[Tree]:
    if list(new)[: len(old)] != list(old):
        return [REPLACE, new]
    changed = {
        key: diff(old[key], value) if key in old else _whole(value)
        for key, value in new.items()
        if key not in old or (old[key] is not value and old[key] != value)
    }
    return [MAP, changed]


def _whole(value: Tree) -> Tree:
    return [REPLACE, value] if type(value) in {list, dict} else value


def _diff_texts(old: str, new: str) -> Tree:
    before, after = old.split(_CUT), new.split(_CUT)
    if len(before) == len(after) > _FEW:
        pieces: list[Tree] = [PIECES]
        for index, (piece, other) in enumerate(zip(before, after, strict=True)):
            if piece != other:
                pieces.append(index)
                pieces.append(other)
        return pieces if len(pieces) < len(after) else new
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    if start + end < len(new) // 2:
        return new
    return [SPLICE, start, len(old) - end - start, new[start : len(new) - end]]


def _common(one: str, other: str) -> int:
    """Length of the common prefix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _replace(_: Tree, delta: list[Tree]) -> Tree:
    return delta[1]


def _shift(old: list[Tree], delta: list[Tree]) -> list[Tree]:
    _, dropped, kept, items = delta
    return [*old[dropped : dropped + kept], *items]


def _change_map(old: dict[str, Tree], delta: list[Tree]) -> dict[str, Tree]:
    for key, change in delta[1].items():
        old[key] = apply(old.get(key), change)
    return old


def _splice(old: Tree, delta: list[Tree]) -> Tree:
    _, start, removed, items = delta
    return old[:start] + items + old[start + removed :]


def _change_pieces(old: str, delta: list[Tree]) -> str:
    pieces = old.split(_CUT)
    for place in range(1, len(delta), 2):
        pieces[delta[place]] = delta[place + 1]
    return _CUT.join(pieces)


_APPLY: Final[dict[int, Callable[[Tree, list[Tree]], Tree]]] = {
    REPLACE: _replace,
    SHIFT: _shift,
    MAP: _change_map,
    SPLICE: _splice,
    PIECES: _change_pieces,
}
