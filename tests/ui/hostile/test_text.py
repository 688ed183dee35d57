"""Text from outside acts on nothing, crashes nothing and controls no terminal."""

import re

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from opsconsole.model.operation import ConfirmLevel, Refusal
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from opsconsole.ui.terminal.output_gate import OutputGate, clean
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.tabs import key_of

FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

WAYS = {
    "overview": (),
    "service": ("enter",),
    **{tab.NAME: ("enter", key_of(tab.NAME)) for tab in TABS},
    "raw": ("enter", "y"),
    "actions": ("x",),
    "plan": ("R",),
    "help": ("question_mark",),
    "theme": ("ctrl+t",),
    "filter": ("slash", "left_square_bracket", "slash"),
    "zoomed alerts": ("2", "z"),
    "zoomed timeline": ("4", "z"),
    "what changed": ("w", "j"),
    "timeline": ("t", "j"),
}


def assert_harmless(stage: Stage) -> None:
    assert not FORBIDDEN.search(stage.text)
    assert stage.app._exception is None
    assert stage.app.is_running
    assert stage.engine.performed == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_screen_survives(
    open_stage: OpenStage, way: str, size: tuple[int, int]
) -> None:
    async with open_stage(fleet.hostile(), size=size) as stage:
        await stage.press(*WAYS[way])
        assert_harmless(stage)
        for y in range(0, size[1], 4):
            await stage.pilot.click(offset=(20, y))
        assert_harmless(stage)


async def test_the_palette_shows_hostile_names_as_they_stand(open_stage: OpenStage) -> None:
    async with open_stage(fleet.hostile()) as stage:
        await stage.press("ctrl+p")
        await stage.pilot.pause(0.3)
        await stage.press(*"service")
        await stage.pilot.pause(0.3)
        assert_harmless(stage)


@pytest.mark.parametrize("text", fleet.EVIL)
async def test_a_hostile_refusal_is_read_as_it_stands(open_stage: OpenStage, text: str) -> None:
    engine = FakeEngine(fleet.calm(), ConfirmLevel.CHOICE)
    engine.refusal = Refusal(text, text, text)
    async with open_stage(None, engine=engine) as stage:
        await stage.press("R")
        stage.let_read()
        assert_harmless(stage)


async def test_what_is_said_and_copied_is_clean(open_stage: OpenStage) -> None:
    async with open_stage(fleet.hostile()) as stage:
        for text in fleet.EVIL:
            stage.app.say(text)
            await stage.pilot.pause()
            assert_harmless(stage)
        await stage.press("c")
        assert not FORBIDDEN.search(stage.app.clipboard)


@pytest.mark.parametrize("text", fleet.EVIL)
def test_the_gate_keeps_widths_and_drops_controls(text: str) -> None:
    from rich.cells import cell_len

    cleaned = clean(text)
    assert not FORBIDDEN.search(cleaned)
    assert cell_len(cleaned) == cell_len(text)


def test_the_gate_removes_links_and_controls() -> None:
    linked = Segment("x\x1by", Style(link="https://evil"))
    (out,) = OutputGate().apply([linked, Segment("z", None, [(1,)])], Color(0, 0, 0))  # type: ignore[list-item]
    assert out.text == "xy" or out.text == "x\ufffdy"
    assert out.style is not None
    assert out.style.link is None


def test_the_gate_speaks_ascii_where_it_must() -> None:
    (out,) = OutputGate(ascii_only=True).apply([Segment("● ok ▁█ ⣿ é")], Color(0, 0, 0))
    assert out.text.isascii()
    assert len(out.text) == len("● ok ▁█ ⣿ é")
