"""Big letters: one width a digit, rows of one width, and nothing that does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.wall.big_digits import (
    LARGEST,
    columns_of,
    drawable,
    drawn,
    largest,
    rows_of,
)

TEXTS = st.text("0123456789abcXYZ-_.:/+=%(),;!' ✖▲?●◌", min_size=1, max_size=12)
SCALES = st.integers(1, LARGEST)


@given(TEXTS, SCALES, st.booleans())
def test_a_drawing_is_as_large_as_it_says(text: str, scale: int, ascii_only: bool) -> None:
    rows = drawn(text, scale, ascii_only=ascii_only)
    assert len(rows) == rows_of(scale, ascii_only=ascii_only)
    assert {len(row) for row in rows} == {columns_of(text, scale)}


@given(st.integers(0, 9999), st.integers(0, 9999), SCALES)
def test_figures_of_as_many_digits_are_as_wide(one: int, two: int, scale: int) -> None:
    first, second = f"{one:04d}", f"{two:04d}"
    assert columns_of(first, scale) == columns_of(second, scale)


@given(TEXTS, st.integers(0, 200), st.integers(0, 60), st.booleans())
def test_the_largest_that_fits_fits_and_the_next_does_not(
    text: str, columns: int, rows: int, ascii_only: bool
) -> None:
    scale = largest(text, columns, rows, ascii_only=ascii_only)
    if scale:
        assert columns_of(text, scale) <= columns
        assert rows_of(scale, ascii_only=ascii_only) <= rows
    if 0 <= scale < LARGEST:
        wide = columns_of(text, scale + 1) > columns
        assert wide or rows_of(scale + 1, ascii_only=ascii_only) > rows


def test_each_character_has_a_drawing_of_its_own() -> None:
    named = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:/+=%(),;!'✖▲?●◌ "
    drawings = {drawn(char, 2) for char in named}
    assert len(drawings) == len(named)


@pytest.mark.parametrize("text", ["漢", "naïve", "a\x1b", "🚀", "tab\t"])
def test_what_has_no_drawing_is_told_before(text: str) -> None:
    assert not drawable(text)
    assert largest(text, 999, 99) == 0


def test_a_digit_is_drawn_in_halves_of_rows() -> None:
    assert drawn("1", 1) == (" ▄█  ", "▀ █  ", "  █  ", "▀▀▀▀▀")


def test_with_ascii_alone_only_whole_cells_are_used() -> None:
    assert set("".join(drawn("8 ok", 3, ascii_only=True))) == {"█", " "}
