"""The logs of one service: followed, filtered over the whole buffer, searched, saved.

Invariant: nothing is read or worked out here; pages come from the engine and are shown as they
come, unless the screen is paused. The logs are let go when the screen is left.
"""

import threading
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from opsconsole.model.logs import LogPage, LogReader
from opsconsole.model.snapshot import ServiceView
from opsconsole.render import logs as render
from opsconsole.render.keys import Key, Scope
from opsconsole.render.logs import Look
from opsconsole.render.replay import live_lines
from opsconsole.text import sanitize
from opsconsole.ui import clipboard
from opsconsole.ui.bindings import bindings
from opsconsole.ui.messages import NotePosted
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.log_pane import LogPane
from opsconsole.ui.widgets.prompt import Prompt


class PageArrived(Message):
    """There is another page."""

    def __init__(self, page: LogPage) -> None:
        super().__init__()
        self.page = page


class SavePrompt(Prompt):
    """The line that a file's name is typed into."""

    class Named(Message):
        """The name that was given."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def tell(self, text: str, *, final: bool) -> None:
        """Tell the whole name, and only that."""
        if final and text.strip():
            self.post_message(self.Named(text.strip()))


class LogsScreen(ConsoleScreen, inherit_bindings=False):
    """Follow, pause, wrap, filter, search, windows, errors, save."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.LOGS, Scope.CHANGE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "logs"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, service: str) -> None:
        super().__init__()
        self._look = Look(service)
        self._reader: LogReader | None = None
        self._page: LogPage | None = None
        self._waiting: LogPage | None = None

    def compose(self) -> ComposeResult:
        """One pane between header and footer."""
        yield HeaderBar(id="header")
        yield LogPane(id="page")
        yield FooterBar(id="footer")

    def on_mount(self) -> None:
        """Open the logs; keys go to the pane."""
        self.pane.focus()
        self._reader = self.console_app.bridge.open_logs(
            self._look.service, lambda page: self.post_message(PageArrived(page))
        )
        super().on_mount()

    def on_unmount(self) -> None:
        """Let the logs go."""
        if self._reader is not None:
            self._reader.close()

    @property
    def pane(self) -> LogPane:
        """The pane with the rows."""
        return self.query_one("#page", LogPane)

    @property
    def target(self) -> ServiceView | None:
        """The service whose logs these are."""
        return self.snapshot.service(self._look.service) if self.snapshot else None

    @on(PageArrived)
    def _arrived(self, message: PageArrived) -> None:
        self._waiting = message.page
        same = self._page is not None and message.page.query == self._page.query
        if self._look.paused and same:
            return
        self._take_waiting()

    def _take_waiting(self) -> None:
        if self._waiting is not None:
            self._page, self._waiting = self._waiting, None
            self.pane.show_page(self._page)
            self.show_body()

    def show_body(self) -> None:
        """The title and how each source is followed; rows come with pages."""
        pane = self.pane
        width = pane.size.width
        self._look = self._look._replace(follows=pane.follows, wraps=pane.wraps)
        # What is dropped and how far it is behind goes on while the rows are held.
        page = self._waiting if self._look.paused and self._waiting else self._page
        live = live_lines(self.console_app.is_live)
        pane.show_top((render.title(self._look, page, width), *live, *render.status(page, width)))

    def _see(self, look: Look) -> None:
        """Look in another way."""
        self._look = look
        if self._reader is not None:
            self._reader.ask(
                render.query_of(
                    look.typed,
                    mark_only=look.mark_only,
                    context=look.context,
                    level=look.level,
                    window=render.WINDOWS.get(look.window),
                )
            )
        self.show_body()

    # ---- keys ----

    def offers(self, key: Key) -> bool:
        """Everything but what is open already."""
        return key.id != "logs" and super().offers(key)

    def action_move(self, rows: int) -> None:
        """Move the cursor; up ends following."""
        self.pane.move(rows)
        self.show_body()

    def action_edge(self, end: int) -> None:
        """To the beginning, or to the end and follow."""
        self.pane.move_to(10**9 if end else 0)
        self.show_body()

    def action_page(self, pages: float) -> None:
        """Scroll by screens; never acts."""
        self.pane.page(pages)
        self.show_body()

    def action_match(self, step: int) -> None:
        """To the next line that the filter selects."""
        self._jump(self.pane.rows.next_match(self.pane.cursor, step), "match")

    def action_error(self, step: int) -> None:
        """To the next error."""
        self._jump(self.pane.rows.next_error(self.pane.cursor, step), "error")

    def _jump(self, row: int | None, what: str) -> None:
        if row is None:
            self.say(f"no further {what} in what is held")
            return
        self.pane.jump(row)
        self.show_body()

    def action_panel(self, number: int) -> None:
        """A window of time: 0 the end, 1 the beginning, 2 to 6 the last minutes."""
        if number > max(render.WINDOWS):
            return
        self.pane.follows = number != 1
        self._see(self._look._replace(window=number))
        self.pane.move_to(0 if number == 1 else 10**9)
        self.show_body()

    def action_pause(self) -> None:
        """Hold the rows, or go on; while another moment is shown, return to now."""
        if not self.console_app.is_live:
            self.console_app.action_pause()
            return
        self._look = self._look._replace(paused=not self._look.paused)
        if not self._look.paused:
            self._take_waiting()
        self.show_body()

    def action_wrap(self) -> None:
        """Long lines on several rows, or cut."""
        self.pane.wraps = not self.pane.wraps
        self.show_body()

    def action_level(self) -> None:
        """The next least level."""
        at = render.LEVELS.index(self._look.level)
        self._see(self._look._replace(level=render.LEVELS[(at + 1) % len(render.LEVELS)]))

    def action_context(self) -> None:
        """More lines around each match."""
        at = render.CONTEXTS.index(self._look.context)
        more = render.CONTEXTS[(at + 1) % len(render.CONTEXTS)]
        self._see(self._look._replace(context=more))

    def action_mark(self) -> None:
        """All lines with the matches marked, or the matches alone."""
        self._see(self._look._replace(mark_only=not self._look.mark_only))

    def action_filter(self) -> None:
        """Type a filter at the bottom."""
        self.ask(Prompt(self._look.typed, placeholder="filter: ! inverts, esc clears"))

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        self._see(self._look._replace(typed=message.text))

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        line = self.pane.line
        clipboard.copy(self.console_app, line.text if line is not None else "")

    def action_save(self) -> None:
        """Type the name of a file in the current folder to save these lines to."""
        if self.console_app.read_only:
            self.say("not saved: this console is read-only")
        elif self._page is None or not self._page.lines:
            self.say("there is no line to save")
        else:
            self.ask(SavePrompt(placeholder="name of a new file in this folder", mark="save as "))

    @on(SavePrompt.Named)
    def _save(self, message: SavePrompt.Named) -> None:
        name, page, post = message.name, self._page, self.app.post_message

        def work() -> None:
            from opsconsole.engine.log_export import save

            folder = Path.cwd()
            try:
                saved = save(page.lines if page is not None else (), folder, name)
            except FileExistsError:
                said = f"not saved: {name} is there already in {folder}"
            except (OSError, ValueError) as error:
                said = f"not saved: {error}"
            else:
                said = f"{len(page.lines) if page else 0} lines saved to {saved}"
            post(NotePosted(sanitize(said, limit=300)))

        threading.Thread(target=work, name="log-save", daemon=True).start()

    def action_back(self) -> None:
        """Undo the filter, then back to where one came from."""
        if self._look.typed:
            self._see(self._look._replace(typed=""))
        else:
            self.dismiss()
