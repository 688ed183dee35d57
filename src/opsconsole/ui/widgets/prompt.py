"""The line that a filter or a search is typed into."""

from typing import ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input


class Prompt(Input, inherit_bindings=True):
    """Invariant: every change is told at once; enter keeps what was typed, esc drops it."""

    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "drop", "drop", show=False)
    ]
    DEFAULT_CSS = """
    Prompt { dock: bottom; height: 1; border: none; padding: 0 1; background: $surface;
             color: $foreground; }
    Prompt:focus { border: none; background: $surface; }
    """

    class Typed(Message):
        """The text as it is now; ``final`` when the prompt has closed."""

        def __init__(self, text: str, *, final: bool) -> None:
            super().__init__()
            self.text = text
            self.final = final

    def __init__(self, text: str, *, placeholder: str, maximum: int = 120) -> None:
        super().__init__(text, placeholder=placeholder, max_length=maximum, id="prompt")
        self.cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is typed."""
        event.stop()
        self.post_message(self.Typed(event.value, final=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close and keep."""
        event.stop()
        self.post_message(self.Typed(event.value, final=True))

    def action_drop(self) -> None:
        """Close and clear."""
        self.post_message(self.Typed("", final=True))
