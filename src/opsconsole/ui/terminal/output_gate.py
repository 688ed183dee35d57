"""The last gate: output to the terminal contains no control characters from outside.

Invariant: every strip that is painted passes here. Widths are kept: a zero-width character is
dropped, one of a cell becomes U+FFFD. Links of styles are removed; nothing on the screen is an OSC
8 link. On an ASCII-only terminal every character becomes an ASCII one.
"""

import re
import unicodedata
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from opsconsole.render.ink.ascii import to_ascii

_SUSPECT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str) -> str:
    """``text`` without anything that a terminal would act on, at the same width."""
    if not _SUSPECT.search(text):
        return text
    return "".join(_clean_char(char) for char in text)


def _clean_char(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    return "\ufffd" * cell_len(char)


class OutputGate(LineFilter):
    """Applies the gate to every line that Textual paints."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, cleaned."""
        out: list[Segment] = []
        for segment in segments:
            if segment.control:
                continue
            text = clean(segment.text)
            if self._ascii_only:
                text = to_ascii(text)
            out.append(Segment(text, _unlinked(segment.style)))
        return out


def _unlinked(style: Style | None) -> Style | None:
    return style.update_link(None) if style is not None and style.link else style
