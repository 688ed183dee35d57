"""Every key of a screen's footer works there and is in its help, on the first page."""

import pytest

from opsconsole.render.frame import keys
from opsconsole.ui.options import Options
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.help import HelpScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.screens.test_tray import FakeFinder, looked

SCREENS = (
    "", "u", "s", "b", "t", "w", "l", "plus", "2", "4", "5", "2 d", "question_mark",
    *(f"enter {tab}" for tab in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)),
)  # fmt: skip


@pytest.mark.parametrize("way", SCREENS)
async def test_every_key_of_the_footer_is_in_the_help(open_stage: OpenStage, way: str) -> None:
    options = Options(finder=FakeFinder())
    async with open_stage(fleet.on_fire(), size=(160, 60), options=options) as stage:
        await looked(stage)
        await stage.press(*way.split())
        screen = stage.app.screen
        assert isinstance(screen, ConsoleScreen)
        offered = screen.offered()
        assert {key.id for key in offered} <= {key.id for key in keys.reachable(screen.scopes)}
        if isinstance(screen, HelpScreen):
            assert "help" not in {key.id for key in offered}
            await stage.press("tab")
            assert "tab those of most use" in stage.text.splitlines()[-1]
            return
        await stage.press("question_mark")
        helped = stage.text
        for key in offered:
            assert f"   {key.shown:<14}{key.help[:40]}" in helped


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_operations_offer_what_concerns_an_operation(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(fleet.on_fire(), size=size) as stage:
        await stage.press("u")
        screen = stage.app.screen
        assert isinstance(screen, ConsoleScreen)
        assert not {"restart", "actions", "degrade", "backup", "rollback"} & {
            key.id for key in screen.offered()
        }
