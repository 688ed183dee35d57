"""A console without a configuration: no key in the footer that does nothing, each key answered."""

import pytest

from opsconsole.ui.screens.base import ConsoleScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage


async def test_the_footer_offers_no_key_that_has_nothing_to_act_on(open_stage: OpenStage) -> None:
    async with open_stage(fleet.empty()) as stage:
        last = stage.text.splitlines()[-1]
        for label in ("enter open", "what changed", "logs", "restart", "failing", "/ filter"):
            assert label not in last
        assert "? help" in last


@pytest.mark.parametrize("key", ["R", "l", "enter", "x", "w", "D", "B", "U", "y", "n", "d", "space",
                                 "right", "A", "S", "r"])  # fmt: skip
async def test_every_key_without_effect_is_answered(open_stage: OpenStage, key: str) -> None:
    async with open_stage(fleet.empty()) as stage:
        before = stage.text
        await stage.press(key)
        screen = stage.app.screen
        assert isinstance(screen, ConsoleScreen)
        assert "· " in stage.text.splitlines()[-1], (key, before)
