"""The line of keys: what looks before what changes, remedies stay, notices stand beside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.frame.status_line import Hint, Part, hints, notice
from opsconsole.render.ink.cells import line_width, plain

LINE = (
    Hint("enter", "open"), Hint("l", "logs"), Hint("w", "what changed?"),
    Hint("U", "roll back", part=Part.CHANGE), Hint("R", "restart", part=Part.CHANGE),
    Hint("x", "actions", part=Part.CHANGE), Hint("D", "degrade", part=Part.CHANGE),
    Hint("/", "filter", part=Part.CONSOLE), Hint("?", "help", part=Part.CONSOLE),
)  # fmt: skip


@given(st.integers(60, 240))
def test_remedies_and_help_stay_and_stand_apart(width: int) -> None:
    line = hints(LINE, width)
    said = plain([line])
    assert line_width(line) == width
    for kept in ("U roll back", "R restart", "? help"):
        assert kept in said
    assert said.index("│") < said.index("U roll back")
    if "enter open" in said:
        assert said.index("enter open") < said.index("│")


def test_all_of_it_stands_where_there_is_room() -> None:
    said = plain([hints(LINE, 120)])
    assert all(f"{each.key} {each.label}" in said for each in LINE)
    assert said.count("│") == 2


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200),
       st.integers(20, 200))  # fmt: skip
def test_a_notice_fits_and_takes_no_more_than_it_needs(text: str, width: int) -> None:
    line = notice(text, LINE, width)
    assert line_width(line) == width
    if len(text) + 3 + 40 <= width:
        said = plain([line])
        assert text in said
        assert "R restart" in said


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_line_without_changes_has_no_stroke_too_many(width: int) -> None:
    said = plain([hints([LINE[0], LINE[-1]], width)])
    assert said.count("│") == 1
    assert not said.rstrip().endswith("│")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200),
       st.integers(60, 200))  # fmt: skip
def test_no_notice_takes_the_place_of_a_key_that_acts_on_the_dialog(text: str, width: int) -> None:
    keys = (Hint("space", "start", stays=True), Hint("tab", "next", stays=True),
            Hint("v", "calls"), Hint("esc", "go away", stays=True))  # fmt: skip
    line = notice(text, keys, width)
    said = plain([line])
    assert line_width(line) == width
    for kept in ("space start", "tab next", "esc go away"):
        assert kept in said
    if len(text) + 60 <= width:
        assert said.endswith(f"· {text}")
        assert "v calls" in said


@pytest.mark.parametrize("length", range(20, 75))
def test_the_least_important_keys_give_way_to_a_notice_first(length: int) -> None:
    said = plain([notice("x" * length, LINE, 80)])
    assert "x" * length in said
    listed = [f"{each.key} {each.label}" for each in LINE]
    shown = [each for each in listed if each in said]
    assert not shown or listed[-1] in shown


def test_one_reason_for_several_keys_is_said_once_behind_the_last() -> None:
    line = hints(
        [
            Hint("R", "restart", "read-only", Part.CHANGE),
            Hint("U", "roll back", "read-only", Part.CHANGE),
            Hint("D", "degrade", "recent change", Part.CHANGE),
            Hint("?", "help", part=Part.CONSOLE),
        ],
        120,
    )
    said = "R restart  U roll back (read-only)  D degrade (recent change)"
    assert said in plain([line])
