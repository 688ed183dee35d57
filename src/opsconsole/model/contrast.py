"""How well two colours can be distinguished.

Invariant: ``contrast`` is symmetric, 1.0 for equal colours and at most 21.0. Colours are
``#rrggbb`` in sRGB. Source: WCAG 2.1, "relative luminance" and "contrast ratio".
"""

import re
from typing import Final

READABLE: Final = 4.5
"""The least contrast of text, success criterion 1.4.3."""

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def is_colour(text: str) -> bool:
    """Whether ``text`` is of the form ``#rrggbb``."""
    return _COLOUR.fullmatch(text) is not None


def relative_luminance(colour: str) -> float:
    """Lightness as WCAG defines it, 0.0 for black to 1.0 for white."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1.0 to 21.0."""
    one, other = relative_luminance(first), relative_luminance(second)
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
