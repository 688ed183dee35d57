"""What changed between two looks at one page.

Invariant: pure. Every entry of the later look is kept in its order; what is gone stands where it
stood, after what was before it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from opsconsole.model.pages import Change, EntryKind, PageEntry

_HOLDERS: Final = frozenset({EntryKind.OBJECT, EntryKind.LIST})
"""What holds others, which tell themselves what became of them."""


def marked(before: Sequence[PageEntry], after: Sequence[PageEntry]) -> tuple[PageEntry, ...]:
    """The entries of ``after`` with what became of each, and those of ``before`` that are gone."""
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
    """What is gone, by the path of the entry before it that is still there; None for the top."""
    found: dict[str | None, list[PageEntry]] = {}
    place: str | None = None
    for entry in before:
        if entry.path in kept:
            place = entry.path
        else:
            found.setdefault(place, []).append(replace(entry, change=Change.REMOVED))
    return found
