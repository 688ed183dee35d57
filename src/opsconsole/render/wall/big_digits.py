"""Figures and words several rows high, to be read across a room.

Invariant: a glyph is a drawing 7 pixels high; at scale n a pixel is n cells wide and n half-rows
high, so that it is square on a terminal whose cells are twice as high as wide. All digits have one
width, so that nothing moves when a figure changes. All rows of a text have the same width. With
ASCII only there are no half-rows: a pixel is whole cells, and text is taller.
"""

from functools import lru_cache
from typing import Final

LARGEST: Final = 12
_HEIGHT: Final = 7
_PITCH: Final = 6
_MARK_PITCH: Final = 8
_SPACE: Final = 3

# Names, pixels from one glyph to the next, rows. Digits keep a fixed width, others are trimmed to
# their drawing.
_SHEETS: Final = (
    (
        "0123456789",
        _PITCH,
        (
            " ###    #    ###   ###     #  #####  ###  #####  ###   ### ",
            "#   #  ##   #   # #   #   ##  #     #         # #   # #   #",
            "#   # # #       #     #  # #  #     #        #  #   # #   #",
            "# # #   #     ##    ##  #  #  ####  ####    #    ###   ####",
            "#   #   #    #        # #####     # #   #  #    #   #     #",
            "#   #   #   #     #   #    #  #   # #   #  #    #   #     #",
            " ###  ##### #####  ###     #   ###   ###   #     ###   ### ",
        ),
    ),
    (
        "ABCDEFGHIJKLM",
        _PITCH,
        (
            " ###  ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   #",
            "#   # #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ##",
            "#   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # #",
            "##### ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # #",
            "#   # #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   #",
            "#   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   #",
            "#   # ####   ###  ####  ##### #      ###  #   #  ###   ##   #   # ##### #   #",
        ),
    ),
    (
        "NOPQRSTUVWXYZ",
        _PITCH,
        (
            "#   #  ###  ####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####",
            "##  # #   # #   # #   # #   # #       #   #   # #   # #   # #   # #   #     #",
            "# # # #   # #   # #   # #   # #       #   #   # #   # #   #  # #   # #     # ",
            "# # # #   # ####  #   # ####   ###    #   #   # #   # # # #   #     #     #  ",
            "#  ## #   # #     # # # # #       #   #   #   # #   # # # #  # #    #    #   ",
            "#   # #   # #     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #    ",
            "#   #  ###  #      ## # #   # ####    #    ###    #   #   # #   #   #   #####",
        ),
    ),
    (
        "-_.:/+=%(),;!'",
        _PITCH,
        (
            "                            #             ##  #  #    #                 #     #",
            "                           #    #         ##  # #      #                #     #",
            "                  #        #    #   ####     #  #      #           #    #",
            "###                       #   #####         #   #      #                #",
            "                  #      #      #   ####   #    #      #                #",
            "                         #      #         #  ## #      #     #     #",
            "      ##### #           #                 #  ##  #    #     #     #     #",
        ),
    ),
    (
        "✖▲?●◌△",
        _MARK_PITCH,
        (
            "##   ##    #     #####    ###     # #      #   ",
            "### ###   ###   ##   ##  #####   #   #    # #  ",
            " #####    ###       ### ####### #     #   # #  ",
            "  ###    #####    ###   #######          #   # ",
            " #####   #####    ##    ####### #     #  #   # ",
            "### ### #######          #####   #   #  #     #",
            "##   ## #######   ##      ###     # #   #######",
        ),
    ),
)


def _ink(drawing: tuple[str, ...]) -> tuple[str, ...]:
    """The drawing without empty columns at its sides."""
    first = min(row.find("#") for row in drawing if "#" in row)
    last = max(row.rfind("#") for row in drawing)
    return tuple(row[first : last + 1] for row in drawing)


def _glyphs() -> dict[str, tuple[str, ...]]:
    glyphs: dict[str, tuple[str, ...]] = {" ": (" " * _SPACE,) * _HEIGHT}
    for names, pitch, rows in _SHEETS:
        for at, name in enumerate(names):
            start, end = at * pitch, (at + 1) * pitch - 1
            drawing = tuple(row[start:end].ljust(pitch - 1) for row in rows)
            glyphs[name] = drawing if name.isdigit() else _ink(drawing)
    return glyphs


_GLYPHS: Final = _glyphs()


def drawable(text: str) -> bool:
    """Whether each character of ``text`` has a glyph; small letters are drawn as capitals."""
    return all(char in _GLYPHS for char in text.upper())


def rows_of(scale: int, *, ascii_only: bool = False) -> int:
    """Height in rows of text at ``scale``; one if it is not enlarged."""
    if scale < 1:
        return 1
    return _HEIGHT * max(1, scale // 2) if ascii_only else (_HEIGHT * scale + 1) // 2


def columns_of(text: str, scale: int) -> int:
    """Width in cells of ``text`` at ``scale``."""
    if scale < 1:
        return len(text)
    widths = [len(_GLYPHS[char][0]) for char in text.upper()]
    return scale * (sum(widths) + max(0, len(widths) - 1))


def largest(text: str, columns: int, rows: int, *, ascii_only: bool = False) -> int:
    """The largest scale at which ``text`` fits; 0 for plain text."""
    if not text or not drawable(text):
        return 0
    for scale in range(LARGEST, 0, -1):
        high = rows_of(scale, ascii_only=ascii_only)
        if high <= rows and columns_of(text, scale) <= columns:
            return scale
    return 0


@lru_cache(maxsize=256)
def drawn(text: str, scale: int, *, ascii_only: bool = False) -> tuple[str, ...]:
    """``text`` as rows of blocks. Raises KeyError if a character has no glyph."""
    if scale < 1:
        return (text,)
    pixels = [" ".join(_GLYPHS[char][y] for char in text.upper()) for y in range(_HEIGHT)]
    wide = ["".join(pixel * scale for pixel in row) for row in pixels]
    if ascii_only:
        rows = [row.replace("#", "█") for row in wide for _ in range(max(1, scale // 2))]
        return tuple(rows)
    halves = [row for row in wide for _ in range(scale)]
    if len(halves) % 2:
        halves.append(" " * len(halves[0]))
    return tuple(
        "".join(_BLOCKS[top + low] for top, low in zip(upper, lower, strict=True))
        for upper, lower in zip(halves[::2], halves[1::2], strict=True)
    )


_BLOCKS: Final = {"##": "█", "# ": "▀", " #": "▄", "  ": " "}
