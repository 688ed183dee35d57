"""Where a table's cursor is, and where it was when a key was pressed.

Invariant: a key refers to the rows that were listed when it was pressed, however late it is handled
and whatever was listed since. The cursor and the choices belong to keys of rows, never to
positions: sorting, filtering and new rows never move them to another row. Until the user moves the
cursor it stays on the row to begin with. Moments are those of input events, in seconds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Final

from opsconsole.dataclass import dataclass

REMEMBERED: Final = 32
"""How many listings are kept; a key that waited longer refers to the oldest of them."""


@dataclass(slots=True)
class Picture:
    """What was listed up to the moment ``until``, below ``top`` fixed lines.

    ``first`` is the first visible row. ``key`` may have left the rows: then no row is meant.
    """

    keys: Sequence[str] = ()
    top: int = 0
    key: str | None = None
    position: int = 0
    first: int = 0
    chosen: frozenset[str] = frozenset()
    until: float = inf

    def put(self, key: str) -> bool:
        """Put the cursor on ``key``. Returns whether it is listed."""
        self.key = key
        listed = key in self.keys
        if listed:
            self.position = self.keys.index(key)
        return listed


class RowCursor:
    """The cursor of one table.

    Input comes with the moment ``pressed`` of its key; None means now.
    """

    def __init__(self) -> None:
        self._pictures = deque([Picture()], REMEMBERED)
        self.touched = False

    @property
    def now(self) -> Picture:
        """What is listed at present."""
        return self._pictures[-1]

    def at(self, pressed: float | None) -> Picture:
        """What was listed at the moment ``pressed``; at present if that is None."""
        if pressed is None:
            return self.now
        return next(each for each in self._pictures if each.until > pressed)

    def relist(self, keys: Sequence[str], top: int, when: float, start: int = 0) -> None:
        """List other rows from the moment ``when`` on; the cursor stays on its row.

        ``when`` is the moment of the key that caused it, if any: keys pressed later refer to the
        new rows. An untouched cursor is on the row ``start``.
        """
        before = self.now
        after = replace(before, keys=keys, top=top, chosen=before.chosen.intersection(keys))
        if not keys:
            after.key, after.position, after.first = None, 0, 0
        elif not self.touched:
            after.put(keys[start])
        elif before.key is None or not after.put(before.key):
            after.put(keys[min(before.position, len(keys) - 1)])
        if (before.keys, before.top, before.key) != (keys, top, after.key):
            self._begin(after, when)

    def place(self, key: str, when: float) -> None:
        """Put the cursor on a listed row, not on the user's request."""
        self.touched = True
        if key != self.now.key:
            after = replace(self.now)
            after.put(key)
            self._begin(after, when)

    def go(self, key: str, pressed: float | None) -> None:
        """Put the cursor where the user wants it; keys pressed later refer to that row too."""
        self.touched = True
        for each in self._since(pressed):
            each.put(key)

    def toggle(self, pressed: float | None) -> None:
        """Choose or unchoose the row under the cursor."""
        key = self.at(pressed).key
        if key is not None:
            for each in self._since(pressed):
                each.chosen = each.chosen ^ {key}

    def clear_chosen(self) -> None:
        """Unchoose all."""
        for each in self._pictures:
            each.chosen = frozenset()

    def _begin(self, picture: Picture, when: float) -> None:
        for each in self._pictures:
            each.until = min(each.until, when)
        self._pictures.append(picture)

    def _since(self, pressed: float | None) -> list[Picture]:
        return [self.now] if pressed is None else [e for e in self._pictures if e.until > pressed]
