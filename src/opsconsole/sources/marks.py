"""What something is made of: names with marks, by which two makings are compared. Pure.

Invariant: no value leaves a mark. It says whether two values are the same and nothing else: it is
keyed by a secret of this process, so that not even a short value can be guessed from it.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass

_KEY: Final = secrets.token_bytes(32)
_MOST: Final = 6
"""Names of one kind that are listed; further ones are counted."""


def mark(value: object) -> str:
    """The mark of any value of JSON."""
    written = json.dumps(value, sort_keys=True, default=str).encode("utf-8", "replace")
    return hashlib.blake2b(written, key=_KEY, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """The names of what is gone, new and another, each listed with commas."""

    gone: str = ""
    new: str = ""
    other: str = ""

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.other)


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    """How what something is made of ``after`` differs from ``before``."""
    return Difference(
        _listed(name for name in before if name not in after),
        _listed(name for name in after if name not in before),
        _listed(name for name in after if before.get(name, after[name]) != after[name]),
    )


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return ", ".join([*found[:_MOST], *more])
