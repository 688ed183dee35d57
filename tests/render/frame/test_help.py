"""The page of keys: all that a footer offers is on its first page, and words are explained."""

import pytest

from opsconsole.model.events import EventKind
from opsconsole.model.state import State
from opsconsole.render.frame.help import WORDS
from opsconsole.render.frame.keys import KEYS, Key, of_most_use, printed, with_keymap


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_what_is_read_is_what_is_pressed(key: Key) -> None:
    pressed = [printed(name) for name in key.keys.split(",")]
    assert set(with_keymap(key, {}).split()) <= set(pressed)
    own = with_keymap(key, {key.id: key.keys})
    assert own.split() == pressed


@pytest.mark.parametrize(("name", "said"), [
    ("plus", "+"), ("ctrl+plus", "ctrl-+"), ("minus", "-"), ("ctrl+k", "ctrl-k"),
    ("f1,question_mark", "f1 ?"), ("slash", "/"), ("underscore", "_"), ("shift+left", "shift-←"),
])  # fmt: skip
def test_a_person_s_own_key_is_read_as_it_is_pressed(name: str, said: str) -> None:
    assert with_keymap(KEYS[0], {KEYS[0].id: name}) == said


@pytest.mark.parametrize("key", [key for key in KEYS if key.hint], ids=lambda key: key.id)
def test_what_is_offered_is_of_most_use(key: Key) -> None:
    assert key in of_most_use((key.scope,), (key.id,))


def test_every_mark_below_a_chart_is_explained() -> None:
    explained = {glyph for word, text in WORDS if "below a chart" in text for glyph in word}
    about_a_service = {
        EventKind.ALERT, EventKind.CONTAINER, EventKind.IMAGE, EventKind.RESTART,
        EventKind.VERSION, EventKind.OPERATION, EventKind.NOTE, EventKind.RUNBOOK,
        EventKind.CERTIFICATE,
    }  # fmt: skip
    assert {kind.glyph for kind in about_a_service} <= explained
    assert {state.glyph for state in State} <= explained
