"""What changed between two looks at one page.

Invariant: pure. Every entry of the later look is kept in its order; a removed entry keeps its
place, after the entry that preceded it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from opsconsole.model.asked.pages import Change, EntryKind, PageEntry

_HOLDERS: Final = frozenset({EntryKind.OBJECT, EntryKind.LIST})
"""Entries that contain others; their children show what changed."""


def marked(before: Sequence[PageEntry], after: Sequence[PageEntry]) -> tuple[PageEntry, ...]:
    """The entries of ``after``, each with how it changed, and the removed entries of ``before``."""
    old = {entry.path: entry for entry in before}
    gone = _gone_by_place(before, {entry.path for entry in after})
    out = list(gone.get(None, ()))
    for entry in after:
        out.append(_compared(old.get(entry.path), entry))
        out.extend(gone.get(entry.path, ()))
    return tuple(out)


def _compared(old: PageEntry | None, entry: PageEntry) -> PageEntry:
    if old is None:
        return replace(entry, change=Change.ADDED)
    if old.kind is entry.kind and (old.value == entry.value or entry.kind in _HOLDERS):
        return entry
    return replace(entry, change=Change.CHANGED, before=old.value)


def _gone_by_place(
    before: Sequence[PageEntry], kept: set[str]
) -> dict[str | None, list[PageEntry]]:
    """Removed entries, by the path of the last entry before them that remains; None for the top."""
    found: dict[str | None, list[PageEntry]] = {}
    place: str | None = None
    for entry in before:
        if entry.path in kept:
            place = entry.path
        else:
            found.setdefault(place, []).append(replace(entry, change=Change.REMOVED))
    return found
