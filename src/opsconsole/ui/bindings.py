"""Textual's bindings, made from the registry of keys, and the user's own keymap.

Invariant: every binding has its key's id; a keymap that removes every way to leave, or gives one
key two meanings, is rejected as a whole.
"""

from collections.abc import Mapping

from textual.binding import Binding

from opsconsole.render.frame.keys import VITAL, Scope, default_keys, of


def bindings(*scopes: Scope) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """Textual's bindings of the keys that work in ``scopes``."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=False,
            id=key.id,
            tooltip=key.help,
            priority=key.priority,
        )
        for key in of(scopes)
    ]


def keymap_problems(keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Why ``keymap`` cannot be used; keys of all screens are checked against each other."""
    from opsconsole.config.keymap import Bindings, check_keymap

    return check_keymap(keymap, Bindings(default_keys(), vital=VITAL))
