"""A person's choices in a file of their own.

Invariant: one file for each configuration, in a folder that this user alone may write; a file or
folder that others could change is not read. The file is replaced whole, and what it holds beyond
what is known is left out.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from opsconsole import durable
from opsconsole.model.choices import Choices, SavedView
from opsconsole.ownership import looseness
from opsconsole.text import sanitize

_LIMIT: Final = 256 * 1024
_MOST: Final = 500
_WORD: Final = 200
_FOLDER_MODE: Final = 0o700
_MODE: Final = 0o600


class ChoicesFile:
    """Where the choices for one configuration are kept; it blocks. Raises OSError."""

    def __init__(self, configuration: Path | None) -> None:
        home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        of = str(configuration.absolute()) if configuration is not None else ""
        digest = hashlib.sha256(of.encode()).hexdigest()[:16]
        self.path = Path(home).absolute() / "opsconsole" / "choices" / f"{digest}.json"

    def read(self) -> Choices:
        """What was kept; nothing chosen where there is no file that is this user's alone."""
        try:
            if looseness(self.path) is not None:
                return Choices()
            found = json.loads(durable.read(self.path, _LIMIT))
        except (FileNotFoundError, ValueError, RecursionError):
            return Choices()
        return _choices(found if isinstance(found, dict) else {})

    def write(self, choices: Choices) -> None:
        """Keep ``choices``."""
        folder = self.path.parent
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        text = json.dumps(asdict(choices), ensure_ascii=False, indent=1)
        durable.replace(self.path, f"{text}\n".encode(), _MODE)


def _choices(found: dict[str, Any]) -> Choices:
    views = [_view(each) for each in _items(found.get("views")) if isinstance(each, dict)]
    return Choices(
        _word(found.get("grouping")),
        _words(found.get("columns")),
        tuple(each for each in views if each.name),
        _words(found.get("ignored")),
    )


def _view(found: dict[str, Any]) -> SavedView:
    return SavedView(
        _word(found.get("name")),
        _word(found.get("filter")),
        _word(found.get("sort")),
        _word(found.get("grouping")),
        found.get("failing") is True,
    )


def _items(value: object) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for each in _items(value) if (word := _word(each)))


def _word(value: object) -> str:
    return sanitize(value, limit=_WORD) if isinstance(value, str) else ""
