"""A person's own keys are checked before they are used."""

import pytest

from opsconsole.config.keymap import Bindings, check_keymap, is_key

BINDINGS = Bindings(
    keys={
        "quit": ("ctrl+c",),
        "help": ("question_mark", "f1"),
        "restart": ("R",),
        "sort": ("o",),
        "open": ("enter",),
    },
    scopes={"restart": "service", "sort": "overview", "open": "overview"},
)


@pytest.mark.parametrize(
    ("keymap", "problems"),
    [
        ({}, ()),
        ({"restart": "ctrl+r"}, ()),
        ({"restart": "f9, ctrl+r"}, ()),
        ({"restart": "o"}, ()),
        ({"sort": "R", "restart": "o"}, ()),
        ({"restrat": "r"}, ("keys.restrat: no binding has this id, did you mean 'restart'?",)),
        ({"restart": "entr"}, ("keys.restart: no key is called 'entr', did you mean 'enter'?",)),
        ({"restart": "ctlr+r"}, ("keys.restart: no key is called 'ctlr+r'",)),
        ({"restart": "f1"}, ("keys.restart: f1 is the key of help already",)),
        ({"sort": "enter"}, ("keys.sort: enter is the key of open already",)),
        ({"sort": "ctrl+m"}, ("keys.sort: enter is the key of open already",)),
        ({"quit": ""}, ("keys.quit: must keep a key",)),
        (
            {"help": "hlep"},
            ("keys.help: no key is called 'hlep'", "keys.help: must keep a key"),
        ),
        ({"restart": ""}, ()),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_keymap(keymap: dict[str, str], problems: tuple[str, ...]) -> None:
    assert check_keymap(keymap, BINDINGS) == problems


@pytest.mark.parametrize("key", ["a", "R", "5", "f12", "ctrl+shift+left", "space", "alt+x"])
def test_what_is_a_key(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "+", "ctrl", "ctrl+", "ctrl+ctrl+a", "f99", "é", "A B"])
def test_what_is_no_key(key: str) -> None:
    assert not is_key(key)
