"""Lines of text with roles, which all screens are made of before colours are applied.

Invariant: a line is a tuple of spans; a span's text contains no line feed; its role says what it
means, never how it looks. Widths are terminal cells, not characters.
"""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from opsconsole.model.state import State


class Role(StrEnum):
    """What a piece of text means. Themes give each a look; state roles are for state only."""

    TEXT = "text"
    STRONG = "strong"
    MUTED = "muted"
    FAINT = "faint"
    ACCENT = "accent"
    TITLE = "title"
    TITLE_FOCUSED = "title-focused"
    HEADER = "header"
    RULE = "rule"
    STALE = "stale"
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    BIG_OK = "big-ok"
    BIG_DEGRADED = "big-degraded"
    BIG_UNKNOWN = "big-unknown"
    BAR = "bar"
    BAR_MUTED = "bar-muted"
    BAR_STRONG = "bar-strong"
    BAR_OK = "bar-ok"
    BAR_DEGRADED = "bar-degraded"
    BAR_DOWN = "bar-down"
    BAR_UNKNOWN = "bar-unknown"
    BADGE = "badge"
    BADGE_LOW = "badge-low"
    BADGE_HIGH = "badge-high"
    BADGE_NOTE = "badge-note"
    REPLAY = "replay"
    TRACE = "trace"
    TRACE_FILL = "trace-fill"
    TRACE_LOW = "trace-low"
    TRACE_HIGH = "trace-high"
    TRACE_OVER = "trace-over"
    OBJECTIVE = "objective"
    KEY = "key"
    KEY_LABEL = "key-label"
    KEY_OFF = "key-off"
    KEY_NOTICE = "key-notice"
    MATCH = "match"
    CURSOR_TEXT = "cursor-text"
    CURSOR = "cursor"
    CURSOR_IDLE = "cursor-idle"
    CHOSEN = "chosen"


_BADGES: Final = {"high": Role.BADGE_HIGH, "low": Role.BADGE_LOW}


def badge_role(danger: str) -> Role:
    """The role of an environment's name, by its danger."""
    return _BADGES.get(danger, Role.BADGE)


class Align(StrEnum):
    """The alignment of text in its column; figures are right-aligned."""

    LEFT = "left"
    RIGHT = "right"


class Span(NamedTuple):
    """A run of text with one role."""

    text: str
    role: Role = Role.TEXT


Line = tuple[Span, ...]

BLANK: Final[Line] = ()
ELLIPSIS: Final = "…"

_STATE_ROLES: Final = {
    State.OK: Role.OK,
    State.DEGRADED: Role.DEGRADED,
    State.DOWN: Role.DOWN,
    State.UNKNOWN: Role.UNKNOWN,
}


class Cell(NamedTuple):
    """One cell of a table before it is fitted to its column."""

    text: str
    role: Role = Role.TEXT
    align: Align = Align.LEFT
    spans: Line = ()


class Row(NamedTuple):
    """A line that has an identity: ``key`` stays the same while its text changes."""

    key: str
    line: Line


def state_role(state: State, *, stale: bool = False) -> Role:
    """The role that a state is painted with."""
    return Role.STALE if stale else _STATE_ROLES[state]


@lru_cache(maxsize=4096)
def width_of(text: str) -> int:
    """Width of ``text`` in cells: two for wide characters, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clip(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; a cut text ends in an ellipsis."""
    if width_of(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    kept: list[str] = []
    used = 0
    for char in text:
        used += _char_width(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def fit(text: str, width: int, align: Align = Align.LEFT) -> str:
    """``text`` in exactly ``width`` cells, padded or cut."""
    clipped = clip(text, width)
    padding = " " * max(0, width - width_of(clipped))
    return padding + clipped if align is Align.RIGHT else clipped + padding


def line_width(line: Line) -> int:
    """Width of ``line`` in cells."""
    return sum(width_of(span.text) for span in line)


def clip_line(line: Line, width: int) -> Line:
    """``line`` in at most ``width`` cells."""
    out: list[Span] = []
    left = width
    for span in line:
        if left <= 0:
            break
        size = width_of(span.text)
        out.append(span if size <= left else Span(clip(span.text, left), span.role))
        left -= size
    return tuple(out)


def spread(left: Line, right: Line, width: int, filler: Role = Role.TEXT) -> Line:
    """``left`` and ``right`` at the two ends of ``width`` cells; ``left`` is cut if needed."""
    room = width - line_width(right)
    if room < 4:
        return clip_line(left, width)
    kept = clip_line(left, room - 1)
    gap = room - line_width(kept)
    return (*kept, Span(" " * gap, filler), *right)


def titled(title: str, width: int, *, focused: bool = False, note: Line = ()) -> Line:
    """A panel's first line: its name, a thin rule, and a note at the right."""
    role = Role.TITLE_FOCUSED if focused else Role.TITLE
    name = clip(title, max(0, width - 4))
    tail = clip_line(note, max(0, width - width_of(name) - 6))
    used = width_of(name) + 3 + (line_width(tail) + 1 if tail else 0)
    rule = Span("─" * max(0, width - used), Role.RULE)
    middle = (Span(f" {name} ", role), rule)
    return (*middle, Span(" "), *tail, Span(" ")) if tail else (*middle, Span(" "))


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces if there are any.

    Leading spaces are kept.
    """
    lines: list[str] = []
    current = ""
    begun = text.lstrip(" ")
    first, *more = begun.split(" ")
    for word in (text[: len(text) - len(begun)] + first, *more):
        candidate = f"{current} {word}" if current else word
        if width_of(candidate) <= width:
            current = candidate
            continue
        if current:
            lines.append(current)
        *full, current = _pieces(word, width)
        lines += full
    lines.append(current)
    return lines


def labelled(label: str, text: str, width: int, *, room: int, role: Role = Role.TEXT) -> list[Line]:
    """``text`` in as many lines as it needs, behind a label that is given ``room`` cells."""
    return [
        (Span(f" {label if index == 0 else '':<{room}} ", Role.MUTED), Span(part, role))
        for index, part in enumerate(wrap(text, max(8, width - room - 3)))
    ]


def _pieces(word: str, width: int) -> list[str]:
    """``word`` cut into pieces of at most ``width`` cells."""
    pieces: list[str] = []
    piece, used = "", 0
    for char in word:
        size = _char_width(char)
        if piece and used + size > max(1, width):
            kept = _break(piece)
            pieces.append(piece[:kept])
            piece = piece[kept:]
            used = width_of(piece)
        piece += char
        used += size
    return [*pieces, piece]


def _break(piece: str) -> int:
    """Where to break a long word: after a separator of paths and arguments near its end."""
    after = max(piece.rfind(char) for char in "/=,;&?:") + 1
    return after if after > len(piece) * 2 // 3 else len(piece)


def plain(lines: Iterable[Line]) -> str:
    """The text of ``lines`` alone, for copying and for tests."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)
