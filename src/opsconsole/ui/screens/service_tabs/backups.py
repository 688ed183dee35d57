"""The backups tab: a list with a cursor; verify reads, restore opens a form."""

from typing import ClassVar

from textual.message import Message

from opsconsole.model.backups import BackupView
from opsconsole.model.operation import ActionKind
from opsconsole.render.ink.cells import Line
from opsconsole.render.keys import Scope
from opsconsole.ui.bindings import bindings
from opsconsole.ui.messages import BackupsArrived, BackupVerified
from opsconsole.ui.screens.service_tab import Bindings, ServiceTab, Sight
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.backup_list import BackupList


class BackupsTab(BackupList, ServiceTab):
    """What is kept of the service; asked for whenever the tab comes into sight."""

    LIVE: ClassVar[bool] = True
    NAME: ClassVar[str] = "backups"
    SHORT: ClassVar[str] = "back"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.BACKUPS,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__(service, id="backups")
        self.service_name = service

    def show_tab(self, top: tuple[Line, ...], sight: Sight | None) -> None:
        """Bring the rows up to date; they are there whether the service is or not."""
        del sight
        self.show(top, self.host.console_app.clock.now())

    def opened(self) -> None:
        """Ask what there is."""
        self.host.console_app.bridge.backups(self.service_name)

    def arrived(self, message: Message) -> str:
        """The list, or one of it after it was compared."""
        if isinstance(message, BackupsArrived | BackupVerified):
            return self.take(message)
        return ""

    @property
    def copied(self) -> str:
        """The row under the cursor."""
        return next((text for text in clipboard.rows(self) if text), "")

    def action_verify(self) -> None:
        """Compare the backup under the cursor with its hashes; reads only."""
        chosen = self._backup()
        if chosen is not None:
            self.checks(chosen.id)
            self.host.console_app.bridge.verify_backup(self.service_name, chosen.id)
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
        from opsconsole.ui.screens.request import RequestScreen

        self.app.push_screen(RequestScreen((service,), views[0], backup=chosen.id))

    def _backup(self) -> BackupView | None:
        chosen = self.under_cursor
        if chosen is None:
            self.host.say("there is no backup to choose")
        return chosen
