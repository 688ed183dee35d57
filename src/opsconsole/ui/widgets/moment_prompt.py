"""The prompt for a moment."""

from textual.message import Message

from opsconsole.model.written.typed_time import HOW
from opsconsole.ui.widgets.prompt import Prompt


class MomentPrompt(Prompt):
    """Invariant: nothing happens before enter; esc drops what was typed."""

    class Given(Message):
        """The prompt was closed with enter; ``text`` is as typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__("", placeholder=HOW, mark="at ")

    def report(self, text: str, *, final: bool) -> None:
        """Report only the final text."""
        if final:
            self.post_message(self.Given(text))
