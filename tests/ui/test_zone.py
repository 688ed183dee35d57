"""The key that shows times in another zone."""

import re

from opsconsole import zones
from opsconsole.render.ink import figures
from tests.ui.conftest import OpenStage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW, calm


async def test_a_key_shows_the_next_zone_on_the_whole_screen(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=FakeEngine(calm())) as stage:
        assert re.search(rf"{figures.clock(NOW, seconds=False)}:\d\dZ", stage.text)
        await stage.press("ctrl+o")
        assert zones.shown() == "local"
        assert "times are local now" in stage.text
        await stage.press("ctrl+o")
        assert zones.shown() == "utc"
        assert "times are UTC now" in stage.text
        zones.begin_in("Asia/Kolkata")
        assert zones.shown() == "utc", "what the user chose stays when the configuration is read"


async def test_the_clock_shows_the_offset_of_another_zone(open_stage: OpenStage) -> None:
    zones.show_in("Asia/Kolkata")
    async with open_stage(None, engine=FakeEngine(calm())) as stage:
        assert re.search(r"\d\d:\d\d:\d\d\+05:30", stage.text)
