"""A configuration that is about to be written: each line with its reason, and whether it stands.

Invariant: nothing here is text yet; ``render.draft`` writes it. What does not stand is written as a
comment, which holds once its ``#`` is taken away.
"""

from collections.abc import Sequence

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """``key`` with ``value``, which is plain or a block of entries; '' for an item of a list.

    ``why`` is where it comes from; what is below an entry that does not ``stand`` does not either.
    """

    key: str
    value: object
    why: str
    stands: bool = True

    @property
    def block(self) -> tuple["Entry", ...]:
        """The entries below it; () where its value is plain."""
        value = self.value
        if not isinstance(value, tuple):
            return ()
        return tuple(each for each in value if isinstance(each, Entry))


def offered_ports(urls: Sequence[str], why: str) -> tuple[Entry, Entry]:
    """Where its published ports are, of which the path of health is not known."""
    return (
        Entry("instances", list(urls), why, stands=False),
        Entry("health", "/health", "a guess", stands=False),
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """``settings`` stand above the services. ``found`` is what was found, with its evidence.

    ``left_open`` and ``not_understood`` are sentences for people, a line each.
    """

    settings: tuple[Entry, ...]
    services: tuple[Entry, ...]
    found: tuple[tuple[str, str], ...] = ()
    left_open: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
