"""Which backups may be removed. Pure.

Invariant: never the newest one that is whole, never so many that fewer than three whole ones
are left, and never one that is not whole: that one is for a person to look at.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.operations.backups.catalogue import Listed

LEAST: Final = 3


def surplus(listed: Sequence[Listed], keep: int, *, to_come: int = 0) -> tuple[Listed, ...]:
    """The whole backups beyond the ``keep`` newest once ``to_come`` more are made, oldest first."""
    whole = sorted((each for each in listed if each.whole), key=lambda each: each.created_ns)
    return tuple(whole[: max(0, len(whole) + to_come - max(keep, LEAST))])
