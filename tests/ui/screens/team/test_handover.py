"""The hand-over on the screen: read, taken by a key and enter, and recorded."""

from dataclasses import replace

from opsconsole.model.handover import Handover
from opsconsole.model.people import Person
from opsconsole.ui.screens.team.handover import HandoverScreen
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fleet import NOW
from tests.ui.team_fleet import together


async def opened(stage: Stage) -> None:
    """The hand-over by its name."""
    await stage.press("colon", *"handover", "enter")
    assert isinstance(stage.app.screen, HandoverScreen)


async def test_h_and_enter_take_it_over_and_esc_does_not(open_stage: OpenStage) -> None:
    async with open_stage(together()) as stage:
        await opened(stage)
        assert "taken by nobody yet" in stage.text
        await stage.press("H")
        assert "enter takes over 7 open things" in stage.text
        await stage.press("escape", "H", "enter")
        assert stage.engine.taken == [7]
        assert "taken over; every console shows it" in stage.text


async def test_who_took_it_is_on_the_page_of_every_console(open_stage: OpenStage) -> None:
    handover = Handover("1-00000000", NOW - 720, Person("kim", "bastion-1"), 3)
    async with open_stage(replace(together(), handover=handover)) as stage:
        await opened(stage)
        assert "taken by kim 09:02:07" in stage.text


async def test_a_moment_that_has_passed_is_not_taken_over(open_stage: OpenStage) -> None:
    async with open_stage(together()) as stage:
        await stage.press("p")
        await opened(stage)
        await stage.press("H", "enter")
        assert stage.engine.taken == []
