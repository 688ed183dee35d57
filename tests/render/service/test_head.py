"""The line of tabs: whole words from the left, digits alone at the right, counts longest."""

import pytest

from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.service.head import TabName, tabs
from opsconsole.ui.screens.service.tabs.all_tabs import TABS

BADGES = {"alerts": "12", "copies": "0/3", "runbooks": "▶1"}
NAMES = [TabName(tab.NAME, BADGES.get(tab.NAME, "")) for tab in TABS]


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 200])
@pytest.mark.parametrize("here", range(len(TABS)))
def test_every_tab_has_its_digit_and_no_name_is_a_stump(here: int, width: int) -> None:
    line = tabs(NAMES, here, width)
    text = plain([line])
    assert line_width(line) <= width
    assert NAMES[here].name in text
    words = text.split()
    assert [word for word in words if word.isdigit() and len(word) == 1] == [*"1234567890"]
    known = {*(name.name for name in NAMES), *BADGES.values(), *"1234567890"}
    assert set(words) <= known


@pytest.mark.parametrize("here", range(len(TABS)))
def test_counts_stay_at_eighty_columns(here: int) -> None:
    text = plain([tabs(NAMES, here, 80)])
    assert "copies 0/3" in text
    assert "alerts 12" in text


def test_names_of_tabs_differ_and_digits_are_where_they_were() -> None:
    assert [name.name for name in NAMES] == [
        "why", "latency", "metrics", "copies", "logs", "pages", "alerts", "backups", "timeline",
        "runbooks",
    ]  # fmt: skip
