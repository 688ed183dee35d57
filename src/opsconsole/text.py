"""Making text from outside safe to show.

Invariant: what ``sanitize`` returns holds no character that a terminal acts on, that changes the
direction or width of the text around it, or that is invisible: no C0 or C1 control, no escape, no
bidirectional override, no zero-width or private character, at most three combining marks in a row.
What was there stays visible as a stand-in, because an attempt to hide is worth seeing; but a
secret of the console's own (``hiding``) is not in it. Every string
that a source, a driver or a file brings in is sanitised once, where it enters.
"""

import re
import unicodedata
from typing import Final

from opsconsole.hiding import hidden

LINE_LIMIT: Final = 4096
"""Characters kept of one line; the rest is counted, not kept."""

_CLEAN: Final = re.compile(r"[ -~]*")
_CLEAN_LINES: Final = re.compile(r"[ -~\n]*")
_MARKS: Final = 3
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def sanitize(text: str, *, limit: int = LINE_LIMIT, multiline: bool = False) -> str:
    """Return ``text`` safe for a terminal, cut to ``limit`` characters a line.

    ``multiline`` keeps line feeds (carriage returns before them are dropped); otherwise a line
    feed becomes its picture. Tabs become four spaces. A cut line ends in ``… +N``.
    """
    text = hidden(text)
    if multiline and ("\n" in text or "\r" in text):
        lines = text.replace("\r\n", "\n").split("\n")
        if max(map(len, lines)) <= limit and _CLEAN_LINES.fullmatch(text):
            return text
        return "\n".join(sanitize(line, limit=limit) for line in lines)
    kept = text[:limit]
    if not _CLEAN.fullmatch(kept):
        kept = _replace_hidden(kept)
    over = len(text) - limit
    return f"{kept}… +{over}" if over > 0 else kept


def sanitize_bytes(raw: bytes, *, limit: int = LINE_LIMIT, multiline: bool = False) -> str:
    """Decode UTF-8, showing bytes that are not UTF-8 as ``\\xNN``, then ``sanitize``."""
    return sanitize(raw.decode("utf-8", "backslashreplace"), limit=limit, multiline=multiline)


def _replace_hidden(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        if " " <= char <= "~":
            out.append(char)
            marks = 0
            continue
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            marks += 1
            if marks <= _MARKS and not "\ufe00" <= char <= "\ufe0f":
                out.append(char)
            continue
        marks = 0
        out.append(_stand_in(char, category))
    return "".join(out)


def _stand_in(char: str, category: str) -> str:
    if char == "\t":
        return "    "
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if category in _HIDDEN or char in _FILLERS:
        return f"<{code:04X}>"
    return " " if category == "Zs" else char
