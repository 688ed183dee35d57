"""Checking a person's own keys before they are used.

Invariant: pure; what passes leaves every key with one meaning, and a way to quit and to help.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field

from opsconsole.config.files.problems import did_you_mean
from opsconsole.dataclass import dataclass

MODIFIERS = ("ctrl", "shift", "alt", "super")

KEY_NAMES = frozenset(
    {
        *(f"f{number}" for number in range(1, 25)),
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
        *("enter", "escape", "tab", "space", "backspace"),
        *("slash", "backslash", "colon", "semicolon", "comma", "full_stop", "question_mark"),
        *("exclamation_mark", "at", "number_sign", "dollar_sign", "percent_sign", "ampersand"),
        *("asterisk", "plus", "minus", "underscore", "equals_sign", "vertical_line", "tilde"),
        *("left_square_bracket", "right_square_bracket", "left_curly_bracket"),
        *("right_curly_bracket", "left_parenthesis", "right_parenthesis", "apostrophe"),
        *("quotation_mark", "grave_accent", "circumflex_accent", "less_than_sign"),
        "greater_than_sign",
    }
)
"""Textual's names of the keys that are not a single letter or digit."""

# A terminal cannot distinguish these from enter, tab and escape (ASCII control codes).
_SAME_AS = {"ctrl+m": "enter", "ctrl+i": "tab", "ctrl+left_square_bracket": "escape"}


@dataclass(frozen=True, slots=True)
class Bindings:
    """What can be remapped. ``keys`` maps each binding's id to its usual keys.

    ``scopes`` maps an id to where it works; two bindings clash only where both work. ``vital``
    must keep a key each, or there is no way out.
    """

    keys: Mapping[str, tuple[str, ...]]
    scopes: Mapping[str, str] = field(default_factory=dict)
    vital: Collection[str] = ("quit", "help")
    everywhere: str = "everywhere"


def check_keymap(keymap: Mapping[str, str], bindings: Bindings) -> tuple[str, ...]:
    """What is wrong with ``keymap``, binding id to comma-separated keys; () when nothing is."""
    problems = [*_unknown(keymap, bindings)]
    problems += _clashes(keymap, bindings)
    problems += _unreachable(keymap, bindings)
    return tuple(problems)


def is_key(key: str) -> bool:
    """Whether ``key`` is a key's name, with any modifiers before it."""
    *modifiers, name = key.split("+")
    if len(set(modifiers)) != len(modifiers) or not set(modifiers) <= set(MODIFIERS):
        return False
    return name in KEY_NAMES or (len(name) == 1 and name.isascii() and name.isalnum())


def split_keys(keys: str) -> tuple[str, ...]:
    """The keys of a comma-separated list, without those that are empty."""
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def _unknown(keymap: Mapping[str, str], bindings: Bindings) -> Iterator[str]:
    for name, keys in keymap.items():
        if name not in bindings.keys:
            yield _line(name, "no binding has this id", did_you_mean(name, bindings.keys))
        for key in split_keys(keys):
            if not is_key(key):
                hint = did_you_mean(key.rsplit("+", 1)[-1], KEY_NAMES)
                yield _line(name, f"no key is called {key!r}", hint)


def _clashes(keymap: Mapping[str, str], bindings: Bindings) -> Iterator[str]:
    """Keys that a remapped binding shares with another one that works in the same place."""
    taken = {name: _keys_of(name, keymap, bindings) for name in bindings.keys}
    names = list(taken)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if not {first, second} & set(keymap) or not _meet(first, second, bindings):
                continue
            for key in sorted(taken[first] & taken[second]):
                name, other = (first, second) if first in keymap else (second, first)
                yield _line(name, f"{key} is the key of {other} already", "")


def _unreachable(keymap: Mapping[str, str], bindings: Bindings) -> Iterator[str]:
    for name in sorted(bindings.vital):
        if name in keymap and not any(is_key(key) for key in split_keys(keymap[name])):
            yield _line(name, "must keep a key", "")


def _keys_of(name: str, keymap: Mapping[str, str], bindings: Bindings) -> set[str]:
    keys = split_keys(keymap[name]) if name in keymap else bindings.keys[name]
    return {_SAME_AS.get(key, key) for key in keys}


def _meet(first: str, second: str, bindings: Bindings) -> bool:
    scopes = {bindings.scopes.get(name, bindings.everywhere) for name in (first, second)}
    return len(scopes) == 1 or bindings.everywhere in scopes


def _line(name: str, message: str, hint: str) -> str:
    return f"keys.{name}: {message}, {hint}" if hint else f"keys.{name}: {message}"
