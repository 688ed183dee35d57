"""What inspecting the real world shows about a configuration.

Invariant: a finding names the configuration value that it is about; its texts are sanitised and
hold no secret.
"""

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from opsconsole.config.files.problems import KeyPath, Position
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault
from opsconsole.text import sanitize

LISTED: Final = 5
"""How many names a message lists."""

_NAME_LIMIT: Final = 400
_COMPARED: Final = 3000


class Weight(StrEnum):
    """How bad it is. A note says what was not looked at, and why."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """``path`` leads to the value; ``remedy`` says what to write or do, or ''.

    ``position`` is set where the value stands in another file, a rule file. ``cause`` is the fault
    behind it, which shows that several findings on one value are the same. ``guessed``: nothing was
    found of what is named, which may be right all the same, and the remedy is a guess.
    """

    path: KeyPath
    weight: Weight
    message: str
    remedy: str = ""
    position: Position | None = None
    cause: str = ""
    guessed: bool = False


def of_fault(path: KeyPath, fault: Fault, weight: Weight, what: str = "") -> Finding:
    """The finding for a look that failed."""
    message = f"{what}: {fault}" if what else str(fault)
    return Finding(path, weight, message, fault.hint, cause=str(fault))


def once_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without those that repeat what an earlier one says of the same value."""
    kept: dict[object, Finding] = {}
    for finding in findings:
        kept.setdefault((finding.path, finding.position, finding.cause or finding.message), finding)
    return tuple(kept.values())


def shown(text: str) -> str:
    """A name from outside, safe to show."""
    return sanitize(text, limit=_NAME_LIMIT)


def listed(names: Iterable[str]) -> str:
    """``a, b, c and 4 more``."""
    every = list(names)
    text = ", ".join(shown(name) for name in every[:LISTED])
    return f"{text} and {len(every) - LISTED} more" if len(every) > LISTED else text


def nearest(word: str, known: Iterable[str]) -> str:
    """The name that ``word`` was most likely meant to be; '' when none is similar."""
    every = sorted(known)
    if len(every) > _COMPARED:
        alike = [name for name in every if name[:3] == word[:3]]
        every = alike[:_COMPARED]
    found = difflib.get_close_matches(word, every, n=1, cutoff=0.75)
    return found[0] if found else ""
