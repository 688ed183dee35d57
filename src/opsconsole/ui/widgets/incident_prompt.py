"""The prompt for what somebody says or does in an incident.

Invariant: only enter gives what was typed; esc drops it, and so does enter on an empty line where
something is to be said.
"""

from textual import events
from textual.message import Message

from opsconsole.model.incidents import STATUS, IncidentRequest, IncidentVerb
from opsconsole.ui.widgets.prompt import Prompt

MAY_BE_EMPTY = frozenset({IncidentVerb.JOIN, IncidentVerb.COMMAND})


class IncidentPrompt(Prompt):
    """A line that completes ``request``; ``hint`` says what to type."""

    class Given(Message):
        """What was typed for the request."""

        def __init__(self, request: IncidentRequest, text: str) -> None:
            super().__init__()
            self.request = request
            self.text = text

    def __init__(self, request: IncidentRequest, hint: str) -> None:
        super().__init__(placeholder=f"{hint}, esc drops it", mark="!", maximum=STATUS)
        self._request = request
        self._dropped = False

    def take(self, event: events.Key | events.Paste) -> bool:
        """Let one key change the line."""
        self._dropped = isinstance(event, events.Key) and event.key == "escape"
        return super().take(event)

    def report(self, text: str, *, final: bool) -> None:
        """Report what was typed, once."""
        given = text.strip() or self._request.verb in MAY_BE_EMPTY
        if final and given and not self._dropped:
            self.post_message(self.Given(self._request, text.strip()))


class TakePrompt(Prompt):
    """A line whose enter takes over what is open."""

    class Taken(Message):
        """It is taken over."""

    def __init__(self, open_things: int) -> None:
        count = f"{open_things} open thing{'' if open_things == 1 else 's'}"
        super().__init__(placeholder=f"enter takes over {count}, esc does not", mark="!", maximum=1)
        self._dropped = False

    def take(self, event: events.Key | events.Paste) -> bool:
        """Only enter and esc mean something."""
        self._dropped = isinstance(event, events.Key) and event.key == "escape"
        return super().take(event)

    def report(self, text: str, *, final: bool) -> None:
        """Report that it is taken."""
        if final and not self._dropped:
            self.post_message(self.Taken())
