"""Reads values that older versions recorded in other words than this version.

Invariant: nothing is guessed: a value that the older version did not write is ``unknown``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opsconsole.model.snapshot import SourceView
from opsconsole.model.source_id import SourceId, SourceKind


def _source_id(text: str) -> SourceId:
    """``prometheus:main`` of an alert, or ``local``."""
    kind, _, name = text.partition(":")
    try:
        return SourceId(SourceKind(kind), name)
    except ValueError:
        return SourceId(SourceKind.UNKNOWN, text)


def _named(name: str) -> SourceId:
    return SourceId(SourceKind.UNKNOWN, name)


CLASSES: Final[Mapping[type, Callable[[Any], Any]]] = {SourceId: _source_id}
"""How to read a value that was not a dataclass in the file."""

FIELDS: Final[Mapping[tuple[type, str], tuple[str, Callable[[Any], Any]]]] = {
    (SourceView, "id"): ("name", _named),
}
"""The field of the file that a field comes from, and how to convert it."""
