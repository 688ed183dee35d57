"""What differs by hue differs by form as well, in every theme: focus, and a moment that is past."""

import pytest

from opsconsole.render.ink.cells import Role
from opsconsole.ui.theme_loader import read
from opsconsole.ui.themes import Palette, RoleStyles
from tests.ui import fleet
from tests.ui.conftest import OpenStage

PALETTES = read()[0]


def test_all_themes_are_tried() -> None:
    assert {"dark", "light", "mono", "deuteranopia", "tritanopia"} <= PALETTES.keys()


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda each: each.name)
@pytest.mark.parametrize("past", [False, True])
def test_the_focus_is_a_form(palette: Palette, past: bool) -> None:
    styles = RoleStyles(palette, past=past)
    assert styles.style(Role.TITLE_FOCUSED).underline
    assert not styles.style(Role.TITLE).underline


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda each: each.name)
def test_a_past_moment_is_seen_on_any_part_of_the_screen(palette: Palette) -> None:
    now, past = RoleStyles(palette), RoleStyles(palette, past=True)
    assert past.style(Role.TITLE).italic
    assert past.style(Role.RULE).color != now.style(Role.RULE).color
    assert past.style(Role.TEXT) == now.style(Role.TEXT)


async def test_the_tint_comes_and_goes_with_the_past(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        tinted = []
        for key in ("f", "p", "p"):
            await stage.press(key)
            tinted.append(stage.app.role_styles.past)
        assert tinted == [False, True, False]
