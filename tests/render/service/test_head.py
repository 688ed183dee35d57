"""The line of tabs: all of them at every width, the one in sight in full."""

import pytest

from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.service.head import TabName, tabs
from opsconsole.ui.screens.service.tabs.all_tabs import TABS

NAMES = [TabName(tab.NAME, tab.SHORT, "12" if tab.NAME == "alerts" else "") for tab in TABS]


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 200])
@pytest.mark.parametrize("here", range(len(TABS)))
def test_every_tab_is_named_with_its_key(here: int, width: int) -> None:
    line = tabs(NAMES, here, width)
    text = plain([line])
    assert line_width(line) <= width
    assert NAMES[here].name in text
    for number, name in enumerate(NAMES, 1):
        assert f" {number % 10} {name.short[:2]}" in text


def test_names_of_tabs_and_their_beginnings_differ() -> None:
    assert len({name.name for name in NAMES}) == len(NAMES)
    assert len({name.short[:2] for name in NAMES}) == len(NAMES)
    assert all(len(name.short) == 4 for name in NAMES)
