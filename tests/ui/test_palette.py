"""The palette: what is not well first, then what is possible here, one line each."""

import pytest

from opsconsole.model.choices import Choices, SavedView
from opsconsole.ui.options import Options
from opsconsole.ui.palette import ConsoleCommands
from tests.patience import soon
from tests.ui import fleet
from tests.ui.conftest import OpenStage
from tests.ui.screens.overview.test_ways_to_look import Kept


async def listed(stage_screen) -> list[str]:  # type: ignore[no-untyped-def]
    provider = ConsoleCommands(stage_screen)
    return [hit.text or "" async for hit in provider.discover()]


async def test_services_that_are_not_well_come_first_and_the_way_out_last(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        names = await listed(stage.app.screen)
        assert names[0] == "service ai-service"
        ill = [name for name in names[:6] if name.startswith("service ")]
        assert names[: len(ill)] == ill
        assert names.index("restart") < names.index("theme") < names.index("service redis")
        assert set(names[-3:]) == {"quit", "reload", "export"}


async def test_what_is_not_possible_comes_after_what_is(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("p")
        names = await listed(stage.app.screen)
        assert names.index("zoom") < names.index("restart")


async def test_an_entry_is_one_line_with_its_key_at_the_right_end(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm(), size=(80, 24)) as stage:
        await stage.press("ctrl+p")
        await soon(lambda: "service ai-backend" in stage.text or " restart  " in stage.text)
        (found,) = (each for each in stage.text.splitlines() if each.startswith("  restart  "))
        assert found.rstrip(" ▁▂▃▄▅▆▇█").endswith("  R")
        assert "open the plan" in found


@pytest.mark.parametrize("count", [0, 2])
async def test_of_the_views_by_number_only_those_that_are_there_are_listed(
    open_stage: OpenStage, count: int
) -> None:
    views = tuple(SavedView(f"v{number}", "state:down") for number in range(count))
    options = Options(choices=Kept(Choices(views=views)))
    async with open_stage(fleet.calm(), options=options) as stage:
        await soon(lambda: len(stage.app.choosing.now.views) == count)
        names = await listed(stage.app.screen)
        assert [name for name in names if name.startswith("view ")] == [
            f"view {number}" for number in range(1, count + 1)
        ]
