"""The base of every panel: lines of roles, painted cell by cell as they change.

Invariant: ``paint`` sends only what differs from the previous paint to the terminal; a widget never
does I/O and never waits.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from opsconsole.render.ink.cells import BLANK, Line, Role, Span
from opsconsole.render.ink.difference import changed
from opsconsole.ui.themes import RoleStyles

_CACHE = 1024
_WORDS: Final = frozenset({Role.DOWN, Role.DEGRADED, Role.UNKNOWN, Role.TITLE_FOCUSED})
"""Roles of words; a theme without colours gives them a background or an underline."""


class Painted(NamedTuple):
    """A line with its overlay: nothing, the cursor or a choice.

    It is over the whole line, or over the spans from ``first`` on and before ``end``.
    """

    line: Line
    over: Role | None = None
    first: int = 0
    end: int = 1 << 30


class Styled(Protocol):
    """An app that knows the style of roles, and when the input being handled was given."""

    role_styles: RoleStyles
    pressed_at: float | None


class LineWidget(Widget):
    """Shows as many lines as it is high; subclasses decide which."""

    class Resized(Message):
        """The widget's size changed, so its content may have to change."""

    DEFAULT_CSS = "LineWidget { height: 1; }"
    FILL: Role = Role.TEXT

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._lines: list[Painted] = []
        self._strips: dict[Painted, Strip] = {}
        self._styles_seen: RoleStyles | None = None

    @property
    def role_styles(self) -> RoleStyles:
        """The style of roles in the current theme."""
        return cast(Styled, self.app).role_styles

    @property
    def pressed_at(self) -> float | None:
        """When the input being handled was given; None if there is none."""
        return cast(Styled, self.app).pressed_at

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines as painted, for copying and for tests."""
        return tuple(painted.line for painted in self._lines)

    @property
    def painted(self) -> tuple[Painted, ...]:
        """The lines as painted, with their overlays."""
        return tuple(self._lines)

    def paint(self, lines: Iterable[Painted]) -> None:
        """Show ``lines``, one per row, repainting what differs."""
        height = self.size.height
        wanted = list(lines)[:height]
        wanted += [Painted(BLANK)] * (height - len(wanted))
        before, self._lines = self._lines, wanted
        if len(before) != len(wanted) or self._styles_seen is not self.role_styles:
            self._strips.clear()
            self._styles_seen = self.role_styles
            self.refresh()
            return
        regions = _regions(before, wanted, self.size.width)
        if regions:
            self.refresh(*regions)

    def paint_lines(self, lines: Sequence[Line]) -> None:
        """Show lines without overlays."""
        self.paint(Painted(line) for line in lines)

    def repaint(self) -> None:
        """Compute the lines again; subclasses call ``paint`` here."""

    def watch_has_focus(self, _has_focus: bool) -> None:
        """What shows the focus is painted again, once it is there."""
        super().watch_has_focus(_has_focus)
        self.repaint()

    def on_resize(self) -> None:
        """Lines depend on the width."""
        self._strips.clear()
        self.repaint()
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        """One row of the widget."""
        painted = self._lines[y] if 0 <= y < len(self._lines) else Painted(BLANK)
        strip = self._strips.get(painted)
        if strip is None:
            if len(self._strips) > _CACHE:
                self._strips.clear()
            strip = self._strips[painted] = self._strip(painted)
        return strip

    def _strip(self, painted: Painted) -> Strip:
        styles = self.role_styles
        segments = [
            Segment(text, styles.style(role, over))
            for index, span in enumerate(painted.line)
            for over in (painted.over if painted.first <= index < painted.end else None,)
            for text, role in _parts(span)
        ]
        over = painted.over if len(painted.line) < painted.end else None
        fill: Style = styles.style(self.FILL, over)
        return Strip(segments).adjust_cell_length(self.size.width, fill)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as its container."""
        return container.width


def _parts(span: Span) -> Iterator[tuple[str, Role]]:
    """The spaces around a word are plain, so that a background or underline is as long as the
    word."""
    word = span.text.strip(" ")
    if span.role not in _WORDS or not word or word == span.text:
        yield span.text, span.role
        return
    before, _, after = span.text.partition(word)
    yield from ((text, role) for text, role in (
        (before, Role.TEXT), (word, span.role), (after, Role.TEXT)
    ) if text)  # fmt: skip


def _regions(before: list[Painted], wanted: list[Painted], width: int) -> list[Region]:
    regions: list[Region] = []
    for y, (old, new) in enumerate(zip(before, wanted, strict=True)):
        if old == new:
            continue
        if old[1:] != new[1:]:
            regions.append(Region(0, y, width, 1))
            continue
        for start, end in changed(old.line, new.line):
            if start < width:
                regions.append(Region(start, y, min(end, width) - start, 1))
    return regions
