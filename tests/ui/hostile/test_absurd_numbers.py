"""Numbers that nobody expects, wherever a screen is given one: it shows them, and goes on.

A server's clock may stand at the year 1, a counter may be negative, a figure as large as there
are. As if no door bounded them.
"""

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final

import pytest

from opsconsole.model.snapshot import Snapshot
from tests.ui.conftest import OpenStage
from tests.ui.fleet import NOW
from tests.ui.hostile.poison import everything
from tests.ui.hostile.test_text import WAYS, assert_harmless

NUMBERS: Final[dict[str, float]] = {
    "the year 9999": 253_402_300_799.0,
    "the year 1": -62_135_596_800.0,
    "as large as there are": 1.7e308,
    "as small as there are": -1.7e308,
    "less than nothing": -1.0,
}


OWN: Final = frozenset({"start", "step", "window", "interval"})
"""How the console itself lays out time; nobody else gives them."""


def absurd(value: Any, number: float) -> Any:
    """The same structure where every number is ``number``, but truths and codes."""
    if isinstance(value, (Enum, bool)):
        return value
    if isinstance(value, float):
        return number
    if isinstance(value, int):
        return int(max(-(2**63), min(number, 2**63 - 1)))
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(absurd(each, number) for each in value)
    if isinstance(value, dict):
        return {key: absurd(each, number) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            each.name: absurd(getattr(value, each.name), number)
            for each in fields(value)
            if each.init and each.name not in OWN
        }
        return replace(value, **changes)
    return value


def fleet_of(number: float) -> Snapshot:
    whole, _ = everything()
    made: Snapshot = absurd(whole, number)
    return replace(made, taken_at=NOW)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NUMBERS)
async def test_every_screen_shows_any_number(open_stage: OpenStage, name: str, way: str) -> None:
    async with open_stage(fleet_of(NUMBERS[name]), size=(120, 40)) as stage:
        await stage.press(*WAYS[way])
        assert_harmless(stage)
