"""The logs of one service as a pane: followed, filtered over the whole buffer, searched, saved.

Invariant: nothing is read or computed here; pages come from the engine and are shown at once,
unless the pane is paused. The logs are followed from ``open_logs`` to ``close_logs``. The logs
screen and the logs tab are this pane in two places.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final, cast

from textual.message import Message

from opsconsole.model.logs import LogPage, LogReader
from opsconsole.render import logs as render
from opsconsole.render.frame.keys import Scope
from opsconsole.render.ink.cells import Line
from opsconsole.render.log_counts import counts
from opsconsole.render.logs import Look
from opsconsole.text import sanitize
from opsconsole.ui.bindings import bindings
from opsconsole.ui.messages import NotePosted
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.service.tab import Bindings
from opsconsole.ui.widgets.log_pane import LogPane
from opsconsole.ui.widgets.prompt import Prompt

_ROOM_FOR_COUNTS: Final = 10


class PageArrived(Message):
    """A new page has arrived."""

    def __init__(self, page: LogPage) -> None:
        super().__init__()
        self.page = page


class SavePrompt(Prompt):
    """The prompt for a file's name; it reports to the pane that opened it."""

    class Named(Message):
        """The name that was given."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, asked: "ServiceLogs") -> None:
        super().__init__(placeholder="name of a new file in this folder", mark="save as ")
        self._asked = asked

    def report(self, text: str, *, final: bool) -> None:
        """Report the complete name only."""
        if final and text.strip():
            self._asked.post_message(self.Named(text.strip()))


class ServiceLogs(LogPane):
    """Follow, pause, wrap, filter, search, windows, errors, save."""

    BINDINGS: ClassVar[Bindings] = bindings(Scope.LOGS)

    def __init__(self, service: str, *, id: str) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self.service_name = service
        self._look = Look(service)
        self._reader: LogReader | None = None
        self._page: LogPage | None = None
        self._waiting: LogPage | None = None
        self._above: tuple[Line, ...] = ()

    @property
    def on_screen(self) -> ConsoleScreen:
        """The screen that it belongs to."""
        return cast(ConsoleScreen, self.screen)

    def open_logs(self) -> None:
        """Follow the logs, shown as the last time."""
        if self._reader is None:
            self._reader = self.on_screen.console_app.bridge.open_logs(
                self.service_name, lambda page: self.post_message(PageArrived(page))
            )
            if self._look != Look(self.service_name):
                self._ask()

    def close_logs(self) -> None:
        """Stop following the logs; what was read stays visible."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def on_unmount(self) -> None:
        """Stop following the logs when the screen is removed."""
        self.close_logs()

    def move_to(self, row: int) -> None:
        """The cursor moved; the title says whether the end is followed."""
        super().move_to(row)
        self.show_logs(self._above)

    def on_page_arrived(self, message: PageArrived) -> None:
        """Show the page, unless the rows are held."""
        message.stop()
        self._waiting = message.page
        same = self._page is not None and message.page.query == self._page.query
        if not (self._look.paused and same):
            self._take_waiting()
        self.show_logs(self._above)

    def _take_waiting(self) -> None:
        if self._waiting is not None:
            self._page, self._waiting = self._waiting, None
            self.show_page(self._page)

    def show_logs(self, above: tuple[Line, ...]) -> None:
        """Show the title and the state of each source, below ``above``; rows come with pages."""
        if self._reader is None and self.display:
            # The engine was still starting when the pane was opened.
            self.open_logs()
        self._above = above
        width = self.size.width
        self._look = self._look._replace(follows=self.follows, wraps=self.wraps)
        # Counts of dropped lines and the lag keep updating while the rows are held.
        page = self._waiting if self._look.paused and self._waiting else self._page
        title = render.title(self._look, page, width)
        counted = counts(page, width) if page is not None else ()
        tops = (counted,) if counted and self.size.height > _ROOM_FOR_COUNTS else ()
        self.show_top((*above, title, *render.status(page, width), *tops))

    def see(self, look: Look) -> None:
        """Show the logs in another way."""
        self._look = look
        self._ask()
        self.show_logs(self._above)

    def _ask(self) -> None:
        look = self._look
        if self._reader is not None:
            self._reader.ask(
                render.query_of(
                    look.typed,
                    mark_only=look.mark_only,
                    context=look.context,
                    level=look.level,
                    window=render.WINDOWS.get(look.window),
                    back=look.back,
                )
            )

    # ---- what keys do ----

    def action_match(self, step: int) -> None:
        """To the next line that the filter selects."""
        self._jump(lambda way: self.rows.next_match(self.cursor, way), step, "match")

    def action_error(self, step: int) -> None:
        """To the next error."""
        self._jump(lambda way: self.rows.next_error(self.cursor, way), step, "error")

    def _jump(self, find: Callable[[int], int | None], step: int, what: str) -> None:
        row = find(step)
        if row is not None:
            self.jump(row)
            return
        way, other = ("below", "above") if step > 0 else ("above", "below")
        if find(-step) is None:
            self.on_screen.say(f"no other {what} in what is held")
        else:
            self.on_screen.say(f"no {what} {way}: look {other}")

    def window(self, number: int) -> None:
        """A window of time: 0 the end, 1 the beginning, 2 to 6 the last minutes."""
        if number > max(render.WINDOWS):
            return
        self.follows = number != 1
        self.see(self._look._replace(window=number))
        self.move_to(0 if number == 1 else 10**9)

    def hold(self) -> None:
        """Hold the rows, or continue."""
        self._look = self._look._replace(paused=not self._look.paused)
        if not self._look.paused:
            self._take_waiting()
        self.show_logs(self._above)

    def action_wrap(self) -> None:
        """Long lines on several rows, or cut."""
        self.wraps = not self.wraps
        self.show_logs(self._above)

    def action_fold_repeats(self) -> None:
        """Lines that repeat as one row, or each for itself."""
        self.folds = not self.folds
        self.show_page(self.rows.page)
        self.show_logs(self._above)
        self.on_screen.say("repeated lines are one" if self.folds else "every line for itself")

    def action_level(self) -> None:
        """The next least level."""
        at = render.LEVELS.index(self._look.level)
        self.see(self._look._replace(level=render.LEVELS[(at + 1) % len(render.LEVELS)]))

    def action_context(self) -> None:
        """More lines around each match."""
        at = render.CONTEXTS.index(self._look.context)
        more = render.CONTEXTS[(at + 1) % len(render.CONTEXTS)]
        self.see(self._look._replace(context=more))

    def action_mark(self) -> None:
        """All lines with the matches marked, or the matches alone."""
        self.see(self._look._replace(mark_only=not self._look.mark_only))

    def filter_prompt(self) -> Prompt:
        """The prompt of the filter."""
        return Prompt(self._look.typed, placeholder="filter: ! inverts, esc clears")

    def filter(self, text: str) -> None:
        """Show what ``text`` selects."""
        self.see(self._look._replace(typed=text))

    def clear_filter(self) -> bool:
        """Show all again; False if nothing was filtered."""
        if not self._look.typed:
            return False
        self.filter("")
        return True

    def action_back_in_time(self) -> None:
        """Show what was logged before the held lines, or the held lines alone again."""
        self.see(self._look._replace(back=not self._look.back))

    def action_save(self) -> None:
        """Type the name of a file in the current folder to save these lines to."""
        screen = self.on_screen
        if screen.console_app.read_only:
            screen.say("not saved: this console is read-only")
        elif self._page is None or not self._page.lines:
            screen.say("there is no line to save")
        else:
            screen.ask(SavePrompt(self))

    def on_save_prompt_named(self, message: SavePrompt.Named) -> None:
        """Save on a separate thread, and show the result."""
        message.stop()
        name, page, post = message.name, self._page, self.app.post_message

        def work() -> None:
            from opsconsole.engine.logs.export import save

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
