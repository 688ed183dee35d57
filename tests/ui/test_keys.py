"""The registry of keys: every one remappable, none that acts by itself, none twice."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import TypeVar

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import opsconsole.ui
from opsconsole.render.frame.keys import (
    KEYS,
    VITAL,
    Group,
    Key,
    Scope,
    default_keys,
    moved,
    reachable,
)
from opsconsole.ui.bindings import bindings, keymap_problems
from opsconsole.ui.options import Options
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from tests.ui import fleet
from tests.ui.conftest import OpenStage


def test_ids_are_unique_and_vital_ones_exist() -> None:
    ids = [key.id for key in KEYS]
    assert len(ids) == len(set(ids))
    assert set(ids) >= VITAL


T = TypeVar("T")


def of_ui(base: type[T]) -> Iterator[type[T]]:
    """Every class of the console's own that is a ``base``."""
    for module in walk_packages(opsconsole.ui.__path__, "opsconsole.ui."):
        for found in vars(import_module(module.name)).values():
            if not inspect.isclass(found) or not issubclass(found, base):
                continue
            if found.__module__ == module.name:
                yield found


def letters(names: str) -> set[str]:
    """The plain letters among physical keys."""
    return {name for name in names.split(",") if len(name) == 1 and name.isalpha()}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_small_letters_look_and_capitals_change(key: Key) -> None:
    for letter in letters(key.keys):
        assert letter.isupper() == (key.group is Group.CHANGE)


def test_what_dialogs_do_with_a_letter_of_their_own_is_looking() -> None:
    """Their changes start by space on a choice alone."""
    known, seen = default_keys(), 0
    for widget in of_ui(DOMNode):
        for binding in widget.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding)
            if binding.id not in known:
                seen += 1
                assert all(letter.islower() for letter in letters(binding.key)), binding
    assert seen > 10


def contexts() -> list[tuple[str, tuple[Scope, ...]]]:
    """Each screen, and each of its tabs, with the scopes of the keys that work there."""
    screens = {each.__name__: each.SCOPES for each in of_ui(ConsoleScreen)}
    tabs = {each.NAME: (*each.SCOPES, *ServiceScreen.SCOPES) for each in TABS}
    return [*screens.items(), *tabs.items()]


@pytest.mark.parametrize("scopes", [each[1] for each in contexts()],
                         ids=[each[0] for each in contexts()])  # fmt: skip
def test_a_letter_that_is_shadowed_keeps_its_nature(scopes: tuple[Scope, ...]) -> None:
    natures: dict[str, bool] = {}
    for key in KEYS:
        if key.scope in scopes:
            for letter in letters(key.keys):
                changes = key.group is Group.CHANGE
                assert natures.setdefault(letter, changes) == changes


def test_a_key_of_before_says_which_it_is_now_and_never_what_it_is_not() -> None:
    for _, scopes in contexts():
        for key in reachable(scopes):
            for old in filter(None, key.was.split(",")):
                now = moved(old, scopes)
                assert now is not None
                assert old not in now.keys.split(",")


@pytest.mark.parametrize(("pressed", "said"), [
    ("a", "a is A now: acknowledge"),
    ("O", "O is u now: operations"),
    ("G", "G is end > now: bottom"),
    ("Y", "Y does nothing here"),
])  # fmt: skip
async def test_the_key_of_before_is_answered(
    open_stage: OpenStage, pressed: str, said: str
) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press(pressed)
        assert said in stage.text


async def test_the_key_of_before_names_a_person_s_own_key(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=Options(keys={"operations": "f7"})) as stage:
        await stage.press("O")
        assert "O is f7 now" in stage.text


def test_no_key_has_two_meanings_on_one_screen() -> None:
    for screen in (OverviewScreen, ServiceScreen):
        seen: dict[str, str] = {}
        for key in KEYS:
            if key.scope in screen.SCOPES:
                for name in key.keys.split(","):
                    assert seen.setdefault(name, key.id) == key.id
                    assert name not in {"ctrl+a", "ctrl+s", "ctrl+q"}


def test_every_binding_carries_its_id_and_help() -> None:
    for binding in bindings(*Scope):
        assert not isinstance(binding, tuple)
        assert binding.id in default_keys()
        assert binding.tooltip


def test_the_usual_keys_are_sound() -> None:
    assert keymap_problems({}) == ()
    assert keymap_problems({"nonsense": "j"})
    assert keymap_problems({"help": "notakey"})


async def test_a_sound_keymap_is_used(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=Options(keys={"failing": "F"})) as stage:
        await stage.press("F")
        assert "failing only" in stage.text


async def test_an_unsound_keymap_is_refused_whole(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), options=Options(keys={"quit": "notakey"})) as stage:
        assert "your keys are not used" in stage.text
        await stage.press("f")
        assert "failing only" in stage.text
