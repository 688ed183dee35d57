"""Contrast as WCAG 2.1 calculates it; known pairs are from WebAIM's and the W3C's examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.contrast import contrast, is_colour, relative_luminance

COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_known_pairs(first: str, second: str, ratio: float) -> None:
    assert contrast(first, second) == pytest.approx(ratio, abs=0.005)


@given(COLOURS, COLOURS)
def test_contrast_is_symmetric_and_bounded(first: str, second: str) -> None:
    assert contrast(first, second) == contrast(second, first)
    assert 1.0 <= contrast(first, second) <= 21.0 + 1e-9
    assert 0.0 <= relative_luminance(first) <= 1.0


@pytest.mark.parametrize(
    "text", ["", "#fff", "#12345g", "red", "#1234567", " #123456", "#123456\n"]
)
def test_what_is_no_colour(text: str) -> None:
    assert not is_colour(text)
