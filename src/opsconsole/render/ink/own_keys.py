"""What people press for a key that a text names, when they may have remapped it.

Invariant: a text names a key by its id and by what is usual, which is what the registry of keys
says; where the key was remapped it names the own one. A process shows one keymap.
"""

from collections.abc import Mapping
from typing import Final

_own: Final[dict[str, str]] = {}


def use_keys(shown: Mapping[str, str]) -> None:
    """From now on these ids are named so; all others as is usual."""
    _own.clear()
    _own.update(shown)


def key_of(id_: str, usual: str) -> str:
    """What the key ``id_`` is called, which is ``usual`` unless it was remapped."""
    return _own.get(id_, usual)


def enter() -> str:
    """What opens what the cursor is on."""
    return key_of("open", "enter")


def esc() -> str:
    """What leads one level back."""
    return key_of("back", "esc")
