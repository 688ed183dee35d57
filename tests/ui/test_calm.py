"""In calm, a screen is calm: what is well, what can be pressed, and no other hue."""

import pytest
from rich.color import Color

from opsconsole.ui.theme_loader import read
from opsconsole.ui.themes import Palette
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.hostile.test_text import WAYS

PALETTES = read()[0]
HUES = {
    "accent": ("accent", "trace_fill"),
    "ok": ("ok",),
    "degraded": ("degraded",),
    "down": ("down",),
    "unknown": ("unknown",),
}
"""The hues of a theme. An environment's badge has its own, and is to be seen in calm too."""
LOOKING = WAYS.keys() - {"plan", "theme", "copies"}
"""A plan may warn, who chooses a theme sees all of it, and no engine here knows the second copy."""


def hues(stage: Stage, palette: Palette) -> dict[str, set[str]]:
    """What is written in each hue on the screen."""
    names = {getattr(palette, each): name for name, colours in HUES.items() for each in colours}
    found: dict[str, set[str]] = {}
    for strip in stage.app.screen._compositor.render_strips():
        for segment in strip:
            for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                name = names.get(_hex(colour))
                if name is not None and segment.text.strip():
                    found.setdefault(name, set()).add(segment.text.strip())
    return found


def _hex(colour: Color | None) -> str:
    return colour.triplet.hex if colour is not None and colour.triplet is not None else ""


@pytest.mark.parametrize("way", sorted(LOOKING))
async def test_a_screen_in_calm_has_two_hues_at_most(open_stage: OpenStage, way: str) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press(*WAYS[way])
        await stage.pilot.pause()
        found = hues(stage, PALETTES["dark"])
        assert found.keys() <= {"accent", "ok"}, found


async def test_trouble_has_a_hue(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        assert {"down", "degraded"} <= hues(stage, PALETTES["dark"]).keys()
