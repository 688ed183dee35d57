"""What the person at this console chose to see, kept for the next one.

Invariant: it is read and written on threads; what is chosen counts at once, kept or not. The last
choice is the one that stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from opsconsole.model.choices import Choices
from opsconsole.text import sanitize


class ChoiceStore(Protocol):
    """Where choices are kept; it blocks. Raises OSError."""

    def read(self) -> Choices:
        """What was kept."""
        ...

    def write(self, choices: Choices) -> None:
        """Keep ``choices``."""
        ...


class Choosing:
    """``now`` is what is chosen; without a store it ends with the console. ``say`` is called on a
    thread."""

    def __init__(self, store: ChoiceStore | None, say: Callable[[str], object]) -> None:
        self.now = Choices()
        self._store = store
        self._say = say
        self._changed = False
        self._writing = threading.Lock()

    def load(self, loaded: Callable[[], object]) -> None:
        """Read what was kept, and call ``loaded`` on the thread that read it."""
        if self._store is not None:
            threading.Thread(target=self._load, args=(loaded,), name="choices", daemon=True).start()

    def _load(self, loaded: Callable[[], object]) -> None:
        if self._store is None:
            return
        try:
            found = self._store.read()
        except OSError as error:
            self._say(f"what you chose earlier was not read: {_reason(error)}")
            return
        if not self._changed:
            self.now = found
            loaded()

    def keep(self, choices: Choices) -> None:
        """Choose ``choices``."""
        self.now, self._changed = choices, True
        if self._store is not None:
            threading.Thread(target=self._write, name="choices", daemon=True).start()

    def _write(self) -> None:
        with self._writing:
            try:
                if self._store is not None:
                    self._store.write(self.now)
            except OSError as error:
                self._say(f"what you chose is not kept: {_reason(error)}")


def _reason(error: OSError) -> str:
    return sanitize(error.strerror or str(error), limit=200)
