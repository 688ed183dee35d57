"""One word, one glyph: on every screen a word for a state stands behind its own glyph."""

import re

import pytest

from opsconsole.model.snapshot import Snapshot
from opsconsole.render.ink.cells import plain
from opsconsole.render.service.standing import Standing
from opsconsole.render.wall.panels import lines
from opsconsole.render.wall.scene import Scene, View
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.fleet import NOW
from tests.ui.tabs import key_of

GLYPHS = {each.value: each.glyph for each in Standing}
SAID = re.compile(rf"([{''.join(GLYPHS.values())}])(?: \d+)? ({'|'.join(GLYPHS)})\b", re.IGNORECASE)
SCENES = {"fire": fleet.on_fire(), "stale": fleet.stale(), "many": fleet.many(60)}


def assert_one_glyph(text: str) -> int:
    """How many words were seen, each behind its glyph."""
    found = [(glyph, word.lower()) for glyph, word in SAID.findall(text)]
    wrong = [(glyph, word) for glyph, word in found if GLYPHS[word] != glyph]
    assert not wrong, f"{wrong} in\n{text}"
    return len(found)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("scene", SCENES)
def test_on_the_wall(scene: str, size: tuple[int, int]) -> None:
    snapshot: Snapshot = SCENES[scene]
    seen = [
        assert_one_glyph(
            plain(lines(Scene(snapshot, snapshot.environment, NOW, NOW, view=view), *size))
        )
        for view in (View.OVERVIEW, View.SERVICES, View.RESOURCES, View.TIMELINE, View.RED)
    ]
    assert any(seen)


@pytest.mark.parametrize("scene", ["fire", "stale"])
async def test_on_the_screens(open_stage: OpenStage, scene: str) -> None:
    async with open_stage(SCENES[scene]) as stage:
        seen = assert_one_glyph(stage.text)
        await stage.press("p")
        assert_one_glyph(stage.text)
        await stage.press("p", "enter")
        for tab in TABS:
            await stage.press(key_of(tab.NAME))
            seen += assert_one_glyph(stage.text)
        assert seen > 10
