"""The base of dialogs: a box in the middle; the screen behind it stays live.

Invariant: a dialog takes no input in its first half second, and none that was typed before it
opened; closing it stops nothing.
"""

import time
from collections.abc import Callable
from typing import Final

from textual import events, on
from textual.screen import ModalScreen
from textual.widgets import Input

from opsconsole.ui.contracts import Shown
from opsconsole.ui.widgets.line_widget import LineWidget

DEAD_TIME: Final = 0.5


class Dialog(Shown, ModalScreen[None], inherit_bindings=False):
    """A box over a screen. Dialogs with ``CAREFUL`` ignore early input."""

    CAREFUL = False

    def __init__(self) -> None:
        super().__init__()
        self._opened_at = time.monotonic()

    def on_mount(self) -> None:
        """The half second starts when the dialog is visible."""
        self.readable_from_now()
        self.call_after_refresh(self.show)

    def readable_from_now(self) -> None:
        """Start the half second at this moment."""
        self._opened_at = time.monotonic()

    @on(LineWidget.Resized)
    def _part_resized(self) -> None:
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        """The box depends on the size."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Subclasses update their lines here, if their parts are mounted.

        A snapshot may arrive before they are.
        """

    def too_early(self, event: events.Event) -> bool:
        """Whether ``event`` is input meant for the previous screen."""
        given = isinstance(event, events.InputEvent | events.Paste)
        early = given and self.CAREFUL and event.time < self._opened_at + DEAD_TIME
        if early and isinstance(event, events.Key):
            self.console_app.say("typed before it could be read: not used")
        return early

    def edited(self, event: events.Event, on_enter: Callable[[], object]) -> bool:
        """A key changes the field that has the focus at once, so that none reaches the next one.

        Returns whether it was one of these keys.
        """
        field = self.focused
        if not isinstance(event, events.Key) or event.is_forwarded or not isinstance(field, Input):
            return False
        edits: dict[str, Callable[[], object]] = {
            "enter": on_enter,
            "backspace": field.action_delete_left,
            "ctrl+u": field.action_delete_left_all,
        }
        if event.key in edits:
            edits[event.key]()
        elif event.is_printable and event.character and field.selection.is_empty:
            field.insert_text_at_cursor(event.character)
        else:
            return False
        return True

    def action_close(self) -> None:
        """Close; what runs continues."""
        self.dismiss(None)
