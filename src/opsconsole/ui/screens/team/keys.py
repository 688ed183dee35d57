"""The key that declares an incident, on every screen with a selected service or alert.

Invariant: it opens a line that names what the incident would be about; only enter opens one.
"""

from collections.abc import Callable

from textual import on

from opsconsole.model.incidents import IncidentRequest, IncidentSeverity, IncidentVerb
from opsconsole.render.ink.own_keys import esc
from opsconsole.ui import team
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.incident_prompt import IncidentPrompt


def replayed() -> str:
    """Why none is opened or changed here."""
    return f"this is the past: {esc()} returns to now, where incidents are opened"


class IncidentKeys(ConsoleScreen, inherit_bindings=False):
    """A screen from which an incident can be declared."""

    def action_incident_open(self) -> None:
        """Type the title of a new incident about what is selected."""
        if not self.console_app.time.is_live:
            self.say(replayed())
            return
        services = tuple(each.name for each in self.targets)
        about = f" about {', '.join(services)}" if services else ""
        request = IncidentRequest(IncidentVerb.OPEN, services=services)
        self.ask(IncidentPrompt(request, f"what is wrong: enter opens an incident{about}"))

    @on(IncidentPrompt.Given)
    def _incident_given(self, message: IncidentPrompt.Given) -> None:
        """Ask the engine for what was typed."""
        message.stop()
        request, text = message.request, message.text
        if request.verb is IncidentVerb.SEVERITY:
            found = (each for each in IncidentSeverity if each.value.startswith(text.lower()))
            request = IncidentRequest(request.verb, request.number, severity=next(found, None))
        elif request.verb is IncidentVerb.SERVICES:
            names = tuple(text.replace(",", " ").split())
            request = IncidentRequest(request.verb, request.number, services=names)
        else:
            request = IncidentRequest(
                request.verb, request.number, text, request.services, commander=request.commander
            )
        team.ask(self.console_app, request)

    def openers(self) -> dict[str, Callable[[], None]]:
        """The line for a title opens at once."""
        return {**super().openers(), "incident-open": self.action_incident_open}
