"""A choice in a dialog.

Invariant: enter selects only harmless choices; one that starts a change is selected with space or
the mouse, and says so when enter is pressed.
"""

from textual import events
from textual.message import Message

from opsconsole.render.ink.cells import Role, Span, width_of
from opsconsole.ui.widgets.line_widget import LineWidget, Painted


class Choice(LineWidget, can_focus=True):
    """A word that can be selected. ``harmless`` ones accept enter too."""

    class Chosen(Message):
        """It was selected, by input given at the moment ``at``."""

        def __init__(self, choice: "Choice", at: float) -> None:
            super().__init__()
            self.choice = choice
            self.at = at

    class EnterRefused(Message):
        """Enter was pressed on a choice that enter does not start."""

    def __init__(self, label: str, *, id: str, harmless: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = label
        self._harmless = harmless
        self._allowed = True
        self._missing = ""

    @property
    def does(self) -> tuple[str, str]:
        """The keys that select it, and what it is then; '' for keys that do nothing yet."""
        keys = "space enter" if self._harmless else "space"
        return (keys if self._allowed else "", self._label)

    def rename(self, label: str) -> None:
        """Change its label."""
        if label != self._label:
            self._label = label
            self._fit()

    @property
    def _text(self) -> str:
        """Text in brackets, with what is missing, while it cannot be selected."""
        if self._allowed:
            return self._label
        return f"({self._label}: {self._missing})" if self._missing else f"({self._label})"

    def _fit(self) -> None:
        """As wide as its text."""
        self.styles.width = width_of(self._text) + 4
        self.call_after_refresh(self.repaint)

    @property
    def allowed(self) -> bool:
        """Whether it can be selected now."""
        return self._allowed

    def allow(self, allowed: bool, missing: str = "") -> None:
        """Enable it, or disable it and say what is missing."""
        if (allowed, missing) != (self._allowed, self._missing):
            self._allowed, self._missing = allowed, missing
            self._fit()

    def on_mount(self) -> None:
        """As wide as its label."""
        self._fit()

    def repaint(self) -> None:
        """A band with a mark before it when focused; plain text while it cannot be selected."""
        role = Role.BADGE if self.has_focus else Role.BAR_STRONG
        if not self._allowed:
            role = Role.STRONG if self.has_focus else Role.MUTED
        mark = "▸" if self.has_focus else " "
        self.paint([Painted((Span(f" {mark}{self._text}  ", role),))])

    def on_key(self, event: events.Key) -> None:
        """Space selects; enter only harmless choices."""
        if event.key == "space" or (event.key == "enter" and self._harmless):
            event.stop()
            self._choose(event.time)
        elif event.key == "enter":
            event.stop()
            self.post_message(self.EnterRefused())

    def on_click(self, event: events.Click) -> None:
        """A click selects."""
        event.stop()
        self._choose(event.time)

    def _choose(self, at: float) -> None:
        if self._allowed:
            self.post_message(self.Chosen(self, at))
