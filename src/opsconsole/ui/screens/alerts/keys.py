"""Actions on the selected alert, on any screen that shows alerts.

Invariant: each opens a form that leads to a plan; if changes are refused it says so at once and
opens no form.
"""

from opsconsole.model.alerting.alerts import Alert
from opsconsole.render.alerts.rows import about_latency
from opsconsole.render.ink.own_keys import key_of
from opsconsole.ui.routes import ServicePage, SilencingDialog
from opsconsole.ui.screens.incident.keys import TriageKeys

NO_ALERT = "no alert is under the cursor: go to the panel of alerts first"
NOT_FIRING = "this alert does not fire: there is nothing to acknowledge"


class AlertKeys(TriageKeys, inherit_bindings=False):
    """A screen with a selected alert."""

    def refused(self, what: str) -> bool:
        """Show why ``what`` cannot be done here. Returns whether that is so."""
        if self.console_app.read_only:
            self.say(f"refused: this console is read-only, and {what} is a change")
            return True
        return self.refuses()

    def action_acknowledge(self) -> None:
        """Open the form for a reason, which leads to the plan."""
        from opsconsole.render.forms.silencing import acknowledge_form

        alert = self.alert
        if alert is None:
            self.say(NO_ALERT)
        elif not self.refused("acknowledging"):
            form = acknowledge_form(alert)
            if form is None:
                self.say(NOT_FIRING)
            else:
                self.console_app.open(SilencingDialog(form))

    def action_silence(self) -> None:
        """Open the form of a silence prefilled with the labels of the alert."""
        from opsconsole.render.forms.silencing import silence_form, source_of

        alert, snapshot = self.alert, self.snapshot
        if alert is None or snapshot is None:
            self.say(NO_ALERT)
        elif not self.refused("silencing"):
            source = source_of(alert, snapshot.alerts, snapshot.silences)
            if source:
                self.console_app.open(SilencingDialog(silence_form(alert, source)))
            else:
                key = key_of("acknowledge", "A")
                self.say(f"no Alertmanager is there to silence it at: {key} acknowledges it here")

    def action_alert_start(self) -> None:
        """Show the moment at which the alert began."""
        alert = self.alert
        if alert is None:
            self.say(NO_ALERT)
        else:
            self.console_app.time.go_to(alert.since)

    def open_service_at(self, alert: Alert) -> None:
        """Open why the alert's service is as it is, or the latency with the alert's start marked
        where the alert is about that; never acts."""
        if self.snapshot is None or self.snapshot.service(alert.service) is None:
            self.say(f"this alert belongs to no service: {key_of('describe', 'd')} describes it")
            return
        tab = "latency" if about_latency(alert) else ""
        self.console_app.open(ServicePage(alert.service, tab=tab, began=alert))
