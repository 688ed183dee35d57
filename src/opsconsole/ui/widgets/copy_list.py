"""The copies that a plan is for, chosen in place.

Invariant: choosing only asks for another plan; a copy is known by its name, whatever is listed.
"""

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message

from opsconsole.render.ink.cells import Line
from opsconsole.ui.widgets.line_widget import LineWidget

_STEPS = {"down": 1, "j": 1, "up": -1, "k": -1}


class CopyList(LineWidget, can_focus=True):
    """One line for each copy; space takes it in or leaves it out."""

    class Toggled(Message):
        """A copy was taken in or left out."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._at = 0
        self._draw: Callable[[str], Sequence[Line]] = lambda _cursor: ()

    def show(self, names: tuple[str, ...], draw: Callable[[str], Sequence[Line]]) -> None:
        """List ``names``; ``draw`` makes the lines, given the one under the cursor."""
        self._names, self._draw = names, draw
        self._at = max(0, min(self._at, len(names) - 1))
        self.styles.height = len(names)
        self.call_after_refresh(self.repaint)

    @property
    def _cursor(self) -> str:
        return self._names[self._at] if self.has_focus and self._names else ""

    def repaint(self) -> None:
        """The lines, with the cursor while it has the focus."""
        self.paint_lines(self._draw(self._cursor))

    def on_key(self, event: events.Key) -> None:
        """Arrows move, space chooses."""
        if event.key in _STEPS and self._names:
            event.stop()
            self._at = (self._at + _STEPS[event.key]) % len(self._names)
            self.repaint()
        elif event.key == "space" and self._names:
            event.stop()
            self.post_message(self.Toggled(self._names[self._at]))

    def on_click(self, event: events.Click) -> None:
        """A click chooses the copy under it."""
        event.stop()
        if event.y < len(self._names):
            self._at = event.y
            self.focus()
            self.post_message(self.Toggled(self._names[self._at]))
