"""Replaces characters for a terminal that can show only ASCII.

Invariant: each character is replaced by one character, so that no width changes.
"""

from typing import Final

_PLAIN: Final = {
    "●": "o", "▲": "!", "✖": "x", "○": "o", "◌": "~", "◐": "%", "▶": ">", "▸": ">", "▾": "*",
    "─": "-", "│": "|", "┤": "+", "├": "+", "└": "`", "┌": ",", "┐": ".", "┘": "'", "┴": "+",
    "┬": "+", "┼": "+", "━": "=", "┄": "-", "╌": "-", "·": ".", "–": "-", "—": "-", "…": "~",
    "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#", "█": "#", "▔": "-",
    "♥": "h", "□": "c", "⇧": "^", "↻": "r", "→": ">", "↑": "^", "↓": "v", "←": "<", "×": "x",
    "≤": "<", "≥": ">", "▌": "|", "▐": "|", "✓": "+", "↯": "*", "µ": "u", "⇅": "=", "«": "<",
    "»": ">", "≡": "=", "▕": "|", "▏": "|", "△": "m", "↳": ">", "↗": "/", "⊕": "+", "┅": ":",
    "§": "s", "▤": "n", "⊘": "0", "‼": "!", "◇": "@",
}  # fmt: skip
_BRAILLE_ROWS: Final = ((0x80 | 0x40, "."), (0x20 | 0x04, "-"), (0x10 | 0x02, "-"), (0x09, "'"))


def to_ascii(text: str) -> str:
    """``text`` with each non-ASCII character replaced by an ASCII one."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _plain(char) for char in text)


def _plain(char: str) -> str:
    code = ord(char) - 0x2800
    if not 0 <= code <= 0xFF:
        return _PLAIN.get(char, "?")
    if code == 0:
        return " "
    marks = [mark for bits, mark in _BRAILLE_ROWS if code & bits]
    return marks[0] if len(marks) == 1 else "|" if len(marks) > 2 else ":"
