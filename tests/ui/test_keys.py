"""The registry of keys: every one remappable, none that acts by itself, none twice."""

from opsconsole.render.frame.keys import KEYS, VITAL, Scope, default_keys
from opsconsole.ui.bindings import bindings, keymap_problems
from opsconsole.ui.options import Options
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage


def test_ids_are_unique_and_vital_ones_exist() -> None:
    ids = [key.id for key in KEYS]
    assert len(ids) == len(set(ids))
    assert set(ids) >= VITAL


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
