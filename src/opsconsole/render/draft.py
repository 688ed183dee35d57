"""A draft of a configuration as YAML, with the reason behind each line. Pure.

Invariant: what stands is what the draft says; every other line is a comment that is valid
YAML without its ``#``. A heading below which nothing stands is a comment itself.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.model.written.draft import Entry
from opsconsole.render.yaml_text import flow, scalar
from opsconsole.text import sanitize

_WHY: Final = 200
"""Characters of a reason; the names and titles in it are another's."""


def entry_lines(entry: Entry, indent: int = 0, *, stands: bool = True) -> Iterator[str]:
    """The lines of ``entry``; all are comments where what is above it does not stand."""
    stands = stands and _stands(entry)
    begin = f"{' ' * indent}{'' if stands else '#'}"
    said = f"  # {sanitize(entry.why, limit=_WHY)}"
    name = f"{scalar(entry.key)}:" if entry.key else "-"
    if not entry.block:
        yield f"{begin}{name} {flow(entry.value)}{said}"
        return
    yield f"{begin}{name}{said}"
    for each in entry.block:
        yield from entry_lines(each, indent + 2, stands=stands)


def _stands(entry: Entry) -> bool:
    """A mapping of which every line is a comment would be empty."""
    return entry.stands and (not entry.block or any(map(_stands, entry.block)))
