"""The prompt in which a question of a runbook is answered.

Invariant: only enter answers; esc gives no answer. A unique prefix stands for the whole answer.
"""

from typing import Final

from textual.message import Message

from opsconsole.render.frame.command_line import TypedLine
from opsconsole.ui.widgets.prompt import Prompt

LONGEST: Final = 200


class AnswerPrompt(Prompt):
    """Knows the accepted answers; () for any."""

    class Answered(Message):
        """The prompt was closed with an answer."""

        def __init__(self, step: str, text: str) -> None:
            super().__init__()
            self.step = step
            self.text = text

    def __init__(self, step: str, answers: tuple[str, ...], placeholder: str = "") -> None:
        shown = placeholder or (" / ".join(answers) if answers else "type the answer, then enter")
        super().__init__("", placeholder=shown, mark="?", maximum=LONGEST)
        self._step = step
        self._answers = answers

    def completed(self, typed: TypedLine) -> TypedLine:
        """The answer with this prefix."""
        whole = self._meant(typed.text)
        return TypedLine(whole, len(whole))

    def report(self, text: str, *, final: bool) -> None:
        """Report only the final text."""
        if final and text.strip():
            self.post_message(self.Answered(self._step, self._meant(text.strip())))

    def _meant(self, text: str) -> str:
        found = [each for each in self._answers if text and each.startswith(text)]
        return found[0] if len(found) == 1 else text
