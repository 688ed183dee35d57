"""People, and the consoles that they have open.

Invariant: what is known of somebody is what their console says; it names them, and gives them no
right. A person is known by name, whichever bastion they come from.
"""

from collections.abc import Iterable
from enum import StrEnum

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Who, and from which host."""

    who: str
    host: str = ""

    def __str__(self) -> str:
        """``ana@bastion-2``."""
        return f"{self.who}@{self.host}" if self.host else self.who


class PresentKind(StrEnum):
    """What somebody has open: a wall and a watcher look by themselves."""

    CONSOLE = "console"
    WALL = "wall"
    WATCHER = "watcher"


@dataclass(frozen=True, slots=True)
class Present:
    """One console that is open now. ``service`` is what it looks at, '' for none.

    ``own``: it is this one.
    """

    who: str
    host: str
    tty: str
    since: float
    service: str = ""
    kind: PresentKind = PresentKind.CONSOLE
    own: bool = False

    @property
    def person(self) -> Person:
        """Whose it is."""
        return Person(self.who, self.host)


def people(present: Iterable[Present]) -> tuple[str, ...]:
    """Who is here, each once, whatever they have open; walls and watchers are nobody."""
    names = (each.who for each in present if each.kind is PresentKind.CONSOLE)
    return tuple(sorted(set(names)))


def at_service(present: Iterable[Present], service: str) -> tuple[Person, ...]:
    """Who looks at ``service`` from another console, each once."""
    found = (
        each.person
        for each in present
        if each.service == service and not each.own and each.kind is PresentKind.CONSOLE
    )
    return tuple(sorted(set(found), key=str)) if service else ()
