"""The prompt of ``:``: a command, a service or a place by name.

Invariant: only a full name or a unique prefix runs; anything else is reported and runs nothing.
"""

from collections.abc import Sequence
from typing import Final

from textual.message import Message

from opsconsole.render.frame.command_line import TypedLine, completions
from opsconsole.ui.widgets.prompt import Prompt

_NAMED: Final = 8


class CommandPrompt(Prompt):
    """Knows the names; the screen knows their commands."""

    class Given(Message):
        """The prompt was closed with enter, at the moment ``at``; ``text`` is as typed."""

        def __init__(self, text: str, at: float | None) -> None:
            super().__init__()
            self.text = text
            self.at = at

    def __init__(self, names: Sequence[str], text: str = "") -> None:
        super().__init__(text, placeholder="", mark=":")
        self._names = names

    def completed(self, typed: TypedLine) -> TypedLine:
        """The first name that fits."""
        found = completions(typed.text, self._names)
        return TypedLine(found[0], len(found[0])) if typed.text.strip() and found else typed

    def hint(self) -> str:
        """The names that fit; nothing behind one that is whole."""
        if self.value.partition(" ")[0].lower() in self._names and " " in self.value:
            return ""
        found = completions(self.value, self._names)
        more = " …" if len(found) > _NAMED else ""
        return " · ".join(found[:_NAMED]) + more if found else "no such name"

    def report(self, text: str, *, final: bool) -> None:
        """Report only the final text."""
        if final:
            self.post_message(self.Given(text, self.pressed_at))
