"""Ids of sources, as short as they are written in a test."""

from opsconsole.model.source_id import SourceId, SourceKind


def named(text: str) -> SourceId:
    """``docker:main`` as an id."""
    kind, _, name = text.partition(":")
    return SourceId(SourceKind(kind), name)
