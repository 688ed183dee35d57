"""The keys and commands by which the services are looked at: filter, order, headings, saved views.

Invariant: none of them changes anything but what is seen.
"""

from collections.abc import Callable, Iterable

from textual import on

from opsconsole.render.fleet.wanted import Wanted
from opsconsole.render.frame.keys import Key
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.overview import Panel
from opsconsole.render.service import columns as grid
from opsconsole.ui.contracts import Typed
from opsconsole.ui.routes import TrayPage
from opsconsole.ui.screens.alerts.keys import AlertKeys
from opsconsole.ui.screens.overview.services import ServicesTable
from opsconsole.ui.screens.overview.views import WaysToLook
from opsconsole.ui.widgets.command_prompt import CommandPrompt
from opsconsole.ui.widgets.grid_table import GridTable
from opsconsole.ui.widgets.prompt import Prompt

HOW_TO_FILTER = "text, env: group: state: alert:, ! inverts, esc clears"


class LookKeys(AlertKeys, inherit_bindings=False):
    """A screen with a table of services."""

    def __init__(self) -> None:
        super().__init__()
        self._services = ServicesTable()
        self._ways: WaysToLook | None = None

    @property
    def ways(self) -> WaysToLook:
        """How the services are looked at."""
        if self._ways is None:
            self._ways = WaysToLook(self._services.choice, self.console_app.choosing)
        return self._ways

    @property
    def typed(self) -> Iterable[Typed]:
        """Grouping, saved views and columns."""
        return self.ways.typed(self.snapshot, self._looked)

    def exists(self, key: Key) -> bool:
        """Of the views by number those that there are."""
        number = key.id.removeprefix("view-")
        return not number.isdigit() or int(number) <= self.ways.count(self.snapshot)

    def _looked(self, said: str) -> None:
        """Show what was chosen, and say what that is."""
        self.show_body()
        self.say(said)

    def action_tray(self) -> None:
        """What was found and is not watched."""
        if self.console_app.tray.finder is None:
            self.say("this console looks for nothing that is not configured")
        else:
            self.console_app.open(TrayPage())

    def action_view_next(self) -> None:
        """The next saved view, or all services again."""
        self._looked(self.ways.step(self.snapshot))

    def action_view(self, number: int) -> None:
        """The saved view of that number."""
        self._looked(self.ways.number(number, self.snapshot))

    @on(GridTable.HeadingClicked, f"#{Panel.SERVICES}")
    def _heading_clicked(self, message: GridTable.HeadingClicked) -> None:
        """Sort by the column that was clicked."""
        columns = self._services.columns(self.snapshot, self.console_app.time_axis.window)
        column = grid.column_at(columns, message.x)
        if column is None or column.sort is None:
            self.say(
                f"this column has no order: {key_of('sort', 'o')} sorts by the next that has one"
            )
            return
        self._services.choice.sort = column.sort
        self.show_body()
        self.say(f"sorted by {column.sort.value}")

    def openers(self) -> dict[str, Callable[[], None]]:
        """The columns are typed too."""
        return {**super().openers(), "columns": self.action_choose_columns}

    def action_choose_columns(self) -> None:
        """Type which figures are shown, beginning with those that are."""
        columns = self._services.columns(self.snapshot, self.console_app.time_axis.window)
        shown = " ".join(each.id for each in columns if each.id in grid.CHOOSABLE)
        self.ask(CommandPrompt([each.name for each in self._commands()], f"columns {shown}"))

    def action_filter(self) -> None:
        """Type a filter at the bottom."""
        self.ask(Prompt(self._services.choice.filter.text, placeholder=HOW_TO_FILTER))

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        if message.text != self._services.choice.filter.text:
            self._services.choice.filter, self._services.choice.view = Wanted(message.text), ""
        if message.final:
            self._services.focus()
        with self.console_app.pressed(message.at):
            self.show_body()

    def action_failing(self) -> None:
        """Show only what is not ok, or all again."""
        self._services.choice.failing_only = not self._services.choice.failing_only
        self.show_body()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        self._services.choice.sort_by_next(step)
        self.show_body()
        self.say(f"sorted by {self._services.choice.sort.value}")
