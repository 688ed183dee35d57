"""What was found and is not watched, as far as it was looked for.

Invariant: looking and taking over happen on a thread, one at a time; the screen waits for neither.
Nothing is taken over that a person did not choose, and what they never want to see again is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.config.offers import Offer
    from opsconsole.ui.choosing import Choosing

LOOK_EVERY: Final = 600.0
"""Seconds between two looks at what runs here."""
FIRST_AFTER: Final = 2.0
"""Seconds after the first picture, which comes first."""
FIRST_TRIES: Final = 15
"""How often it waits as long again for what is watched, which comes before what is not."""


class Finder(Protocol):
    """Looks and takes over; it blocks. Raises OpsconsoleError."""

    @property
    def is_first(self) -> bool:
        """Whether there is no configuration yet."""
        ...

    def look(self) -> tuple[Offer, ...]:
        """What could be watched."""
        ...

    def file_of(self, offer: Offer) -> str:
        """The file that taking it over would make."""
        ...

    def take(self, offer: Offer) -> str:
        """Take ``offer`` over. Returns what to say."""
        ...


class LateFinder:
    """A finder that is made when it first looks, on the thread that looks."""

    def __init__(self, make: Callable[[], Finder], *, is_first: bool) -> None:
        self._make = make
        self._made: Finder | None = None
        self._first = is_first

    @property
    def is_first(self) -> bool:
        """Whether there is no configuration yet."""
        return self._first if self._made is None else self._made.is_first

    def look(self) -> tuple[Offer, ...]:
        """What could be watched."""
        return self._finder().look()

    def file_of(self, offer: Offer) -> str:
        """The file that taking it over would make."""
        return self._finder().file_of(offer)

    def take(self, offer: Offer) -> str:
        """Take ``offer`` over. Returns what to say."""
        return self._finder().take(offer)

    def _finder(self) -> Finder:
        if self._made is None:
            self._made = self._make()
        return self._made


class Tray:
    """``changed`` is called on a thread when there is something else, ``say`` with what is to be
    said."""

    def __init__(
        self,
        finder: Finder | None,
        choosing: Choosing,
        changed: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self.finder = finder
        self.looked = False
        self._found: tuple[Offer, ...] = ()
        self._choosing = choosing
        self._changed = changed
        self._say = say
        self._busy = threading.Lock()

    @property
    def offers(self) -> Sequence[Offer]:
        """What is offered: nothing that is never to be seen again."""
        ignored = self._choosing.now.ignored
        return [each for each in self._found if each.key not in ignored]

    def look(self) -> None:
        """Look again."""
        self._start(self._look)

    def take(self, offer: Offer) -> None:
        """Take ``offer`` over, then look again."""
        self._start(lambda: self._take(offer))

    def ignore(self, offer: Offer) -> None:
        """Never offer it again."""
        choices = self._choosing.now
        self._choosing.keep(replace(choices, ignored=(*choices.ignored, offer.key)))

    def _start(self, work: Callable[[], None]) -> None:
        if self.finder is not None:
            threading.Thread(target=self._alone, args=(work,), name="tray", daemon=True).start()

    def _alone(self, work: Callable[[], None]) -> None:
        with self._busy:
            try:
                work()
            except (OpsconsoleError, OSError) as error:
                self._say(sanitize(str(error).splitlines()[0], limit=300))

    def _look(self) -> None:
        if self.finder is None:
            return
        self._found, self.looked = self.finder.look(), True
        self._changed()

    def _take(self, offer: Offer) -> None:
        if self.finder is None:
            return
        self._say(self.finder.take(offer))
        self._found = tuple(each for each in self._found if each.key != offer.key)
        self._changed()
