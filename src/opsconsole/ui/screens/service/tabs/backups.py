"""The backups tab: a list with a cursor; verify reads, restore opens a form."""

from functools import partial
from typing import ClassVar

from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.questions import BackupsOf, VerifyBackup
from opsconsole.model.operation import ActionKind, Refusal
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import Line
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import RequestDialog
from opsconsole.ui.screens.service.tab import Bindings, ServiceTab, Shown
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.backup_list import BackupList


class BackupsTab(BackupList, ServiceTab):
    """The backups of the service, requested whenever the tab becomes visible."""

    LIVE: ClassVar[bool] = True
    NAME: ClassVar[str] = "backups"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.BACKUPS,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__(service, id="backups")
        self.service_name = service

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """Update the rows; they are shown even if the service is gone."""
        del shown
        self.show(top, self.host.console_app.clock.now())

    def opened(self) -> None:
        """Request the list."""
        self.host.console_app.bridge.ask(BackupsOf(self.service_name), self._listed, asker=self)

    def _listed(self, answer: tuple[BackupView, ...] | Refusal) -> None:
        self.take(answer)
        self.host.show()

    @property
    def copied(self) -> str:
        """The row under the cursor."""
        return next((text for text in clipboard.rows(self) if text), "")

    def action_verify(self) -> None:
        """Compare the backup under the cursor with its hashes; reads only."""
        chosen = self._backup()
        if chosen is not None:
            self.checks(chosen.id)
            self.host.console_app.bridge.ask(
                VerifyBackup(self.service_name, chosen.id),
                partial(self._compared, chosen.id),
                asker=self,
            )
            self.host.show()

    def _compared(self, backup: str, answer: BackupView | Refusal) -> None:
        self.host.say(self.compared(backup, answer))
        self.host.show()

    def action_restore(self) -> None:
        """Open the form of a restore at the backup under the cursor."""
        chosen, service = self._backup(), self.host.target
        if chosen is None or service is None or self.host.refuses():
            return
        views = [view for view in service.actions if view.kind is ActionKind.RESTORE]
        if not views:
            self.host.say(f"{service.name} has no restore in its configuration")
            return
        self.host.console_app.open(RequestDialog((service,), views[0], backup=chosen.id))

    def _backup(self) -> BackupView | None:
        chosen = self.under_cursor
        if chosen is None:
            self.host.say("there is no backup to choose")
        return chosen
