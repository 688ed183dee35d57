"""The keys of triage, on every screen with a selected service or alert.

Invariant: each looks or writes a note; none changes anything else. No notes on a past moment: a
note is written now.
"""

from collections.abc import Callable

from textual import on

from opsconsole.model.alerting.alerts import Alert
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.own_keys import esc
from opsconsole.ui.routes import ChangedPage, RunbookPage, TimelinePage
from opsconsole.ui.screens.team.keys import IncidentKeys
from opsconsole.ui.widgets.note_prompt import NotePrompt


class TriageKeys(IncidentKeys, inherit_bindings=False):
    """A screen with a selected service or alert."""

    @property
    def alert(self) -> Alert | None:
        """The alert that keys act on; it takes precedence over the service."""
        return None

    def action_what_changed(self) -> None:
        """What changed before the selected alert or service first went wrong."""
        alert, target = self.alert, self.target
        if alert is not None:
            self.console_app.open(ChangedPage(alert.service, alert.key))
        elif target is not None:
            self.console_app.open(ChangedPage(target.name))
        else:
            self.say("no service is selected")

    def action_runbooks(self) -> None:
        """The runbook that the selected alert names; without one, those of the service."""
        from opsconsole.model.runbooks.runbook import of_alert

        alert, latest = self.alert, self.console_app.bridge.latest
        found = of_alert(latest.runbooks, alert) if alert is not None and latest else None
        if found is None or alert is None:
            super().action_runbooks()
            return
        service = alert.service or next(iter(found.services), "")
        self.console_app.open(RunbookPage(found.name, service))

    def action_timeline(self) -> None:
        """Everything that happened, on the whole screen."""
        self.console_app.open(TimelinePage())

    def action_say_when(self) -> None:
        """Ask to hear when the alert or the service has another end; once more, no longer."""
        from opsconsole.model.awaited import of_alert, of_service

        alert, target = self.alert, self.target
        if alert is not None:
            self.say(self.console_app.awaiting.ask(of_alert(alert)))
        elif target is not None:
            self.say(self.console_app.awaiting.ask(of_service(target)))
        else:
            self.say("no service is selected")

    def action_note(self) -> None:
        """Type a note about the selected service."""
        if not self.console_app.time.is_live:
            self.say(f"this is the past: {esc()} returns to now, where notes are taken")
            return
        self.ask(NotePrompt(self.target.name if self.target else ""))

    @on(NotePrompt.Noted)
    def _noted(self, message: NotePrompt.Noted) -> None:
        """Keep the note; it then appears on the timeline of every console."""
        message.stop()
        text = message.text.strip()
        if text:
            self.console_app.bridge.note(text, message.service)
            self.say(f"noted for {message.service or 'all services'}")

    def openers(self) -> dict[str, Callable[[], None]]:
        """The note's prompt opens at once."""
        note = {"note": self.action_note} if Scope.TRIAGE in self.scopes else {}
        return {**super().openers(), **note}
