"""One thing that is wrong with a configuration, and where.

Invariant: ``str(problem)`` is one line that is safe for a terminal, ``file:line: where: message``,
as compilers write it, so that editors and people find the position. It holds no value that may be
a secret. All problems of all files are reported at once.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from opsconsole.text import sanitize

KeyPath = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file; line and column count from 1, and 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """``where`` is a dotted path, or ''; ``suggestion`` is a question or a remedy, or ''."""

    file: str
    line: int
    column: int
    where: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        position = str(Position(self.file, self.line, self.column))
        parts = [part for part in (position, self.where, self.message) if part]
        text = ": ".join(parts)
        return sanitize(f"{text}, {self.suggestion}" if self.suggestion else text)

    @classmethod
    def at(cls, position: Position, path: KeyPath, message: str, suggestion: str = "") -> "Problem":
        """A problem at ``position`` with the value that ``path`` leads to."""
        return cls(position.file, position.line, position.column, dotted(path), message, suggestion)


def dotted(path: KeyPath) -> str:
    """``services.api.instances[0].url``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'interval'?`` for the nearest of ``known``; '' when none is near."""
    nearest = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]!r}?" if nearest else ""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file and line, each once."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.file, problem.line, problem.column, problem.where),
        )
    )
