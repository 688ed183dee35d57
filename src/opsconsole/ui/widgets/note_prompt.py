"""The line that a note for the timeline is typed into.

Invariant: only its end is told: what was typed, or nothing where it was dropped.
"""

from textual.message import Message

from opsconsole.ui.widgets.prompt import Prompt

LIMIT = 400
"""Characters of one note."""


class NotePrompt(Prompt):
    """A note about ``service``; '' for what concerns all of them."""

    class Noted(Message):
        """The note as it is to be kept; '' where it was dropped."""

        def __init__(self, text: str, service: str) -> None:
            super().__init__()
            self.text = text
            self.service = service

    def __init__(self, service: str) -> None:
        about = service or "all services"
        super().__init__(
            placeholder=f"a note about {about}: enter keeps it, esc drops it",
            mark="#",
            maximum=LIMIT,
        )
        self._service = service

    def tell(self, text: str, *, final: bool) -> None:
        """Tell the end."""
        if final:
            self.post_message(self.Noted(text, self._service))
