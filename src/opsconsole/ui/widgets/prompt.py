"""The prompt for a filter, a search or a command.

Invariant: a key changes the line at once, so that none is lost however fast it follows the key that
opened the line. Every change is reported; enter keeps what was typed, esc drops it.
"""

from textual import events
from textual.message import Message

from opsconsole.render.frame.command_line import TypedLine, prompt_line
from opsconsole.render.ink.cells import Role
from opsconsole.text import sanitize
from opsconsole.ui.widgets.line_widget import LineWidget


class Prompt(LineWidget, can_focus=True):
    """One line at the bottom, above the keys. It needs no focus: the screen passes keys to it."""

    DEFAULT_CSS = "Prompt { dock: bottom; width: 100%; height: 1; }"
    FILL = Role.KEY_LABEL

    class Typed(Message):
        """The text as it is now; ``final`` when the prompt has closed. ``at``: when typed."""

        def __init__(self, text: str, *, final: bool, at: float | None) -> None:
            super().__init__()
            self.text = text
            self.at = at
            self.final = final

    def __init__(
        self, text: str = "", *, placeholder: str, mark: str = "/", maximum: int = 120
    ) -> None:
        super().__init__(id="prompt")
        self._typed = TypedLine(text, len(text))
        self._placeholder = placeholder
        self._mark = mark
        self._maximum = maximum
        self.closed = False

    @property
    def value(self) -> str:
        """The text of the line."""
        return self._typed.text

    def take(self, event: events.Key | events.Paste) -> bool:
        """Let one key or a paste change the line. Returns whether that closed it."""
        if isinstance(event, events.Paste):
            self._change(self._typed.with_text(sanitize(event.text), self._maximum))
        elif event.key == "escape":
            self._close("")
        elif event.key == "enter":
            self._close(self.value)
        elif event.key == "tab":
            self._change(self.completed(self._typed))
        elif event.character is not None and event.is_printable:
            self._change(self._typed.with_text(event.character, self._maximum))
        elif event.key == "backspace" and not self.value and self._mark == ":":
            self._close("")
        else:
            self._change(self._typed.moved(event.key))
        return self.closed

    def completed(self, typed: TypedLine) -> TypedLine:
        """The line after tab; subclasses complete names."""
        return typed

    def hint(self) -> str:
        """The hint at the right of the text."""
        return self._placeholder

    def report(self, text: str, *, final: bool) -> None:
        """Report the text to the part that opened the prompt."""
        self.post_message(self.Typed(text, final=final, at=self.pressed_at))

    def _change(self, typed: TypedLine) -> None:
        same = typed.text == self.value
        self._typed = typed
        self.repaint()
        if not same:
            self.report(typed.text, final=False)

    def _close(self, text: str) -> None:
        self.closed = True
        self.report(text, final=True)

    def repaint(self) -> None:
        """Paint the line."""
        if self.is_mounted:
            line = prompt_line(self._mark, self._typed, self.size.width, hint=self.hint())
            self.paint_lines([line])

    def on_mount(self) -> None:
        """Show what was typed before the widget was mounted."""
        self.call_after_refresh(self.repaint)

    def on_key(self, event: events.Key) -> None:
        """Keys that came by focus."""
        event.stop()
        self.take(event)
