"""The prompt for a note for the timeline.

Invariant: only the final text is reported, or '' if it was dropped.
"""

from textual.message import Message

from opsconsole.ui.widgets.prompt import Prompt

LIMIT = 400
"""Characters of one note."""


class NotePrompt(Prompt):
    """A note about ``service``; '' for all of them."""

    class Noted(Message):
        """The note to keep; '' if it was dropped."""

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

    def report(self, text: str, *, final: bool) -> None:
        """Report the final text."""
        if final:
            self.post_message(self.Noted(text, self._service))
