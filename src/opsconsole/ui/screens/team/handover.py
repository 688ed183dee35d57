"""The hand-over: what is open now, to be taken over by who comes next.

Invariant: taking it records that somebody did, and changes nothing else.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import on

from opsconsole.render import people
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Role, Span, titled
from opsconsole.render.ink.own_keys import esc
from opsconsole.render.team import handover as render
from opsconsole.ui import team
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.layouts import PageScreen
from opsconsole.ui.terminal import clipboard
from opsconsole.ui.widgets.incident_prompt import TakePrompt


class HandoverScreen(PageScreen, inherit_bindings=False):
    """One page."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.HANDOVER, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "hand-over"
    BINDINGS = bindings(*SCOPES)

    def show_body(self) -> None:
        """What is open, and who took it last."""
        width, snapshot = self.page.size.width, self.snapshot
        if snapshot is None:
            self.page.show([], (titled("Hand-over", width, focused=True), BLANK))
            return
        last = render.taken(snapshot.handover, self.now)
        note = (Span(last or "taken by nobody yet", Role.MUTED),)
        top = (titled("Hand-over", width, focused=True, note=note), BLANK)
        self.page.show(render.page(snapshot, width, self.now), top)

    def offers(self, key: Key) -> bool:
        """It can be taken where there is something to see."""
        return super().offers(key) and (key.id != "take-over" or self.snapshot is not None)

    def action_take_over(self) -> None:
        """Open the line whose enter takes it."""
        snapshot = self.snapshot
        if not self.console_app.time.is_live:
            self.say(f"this is the past: {esc()} returns to now, which is what is handed over")
        elif snapshot is not None:
            self.ask(TakePrompt(render.open_things(snapshot, self.now)))

    @on(TakePrompt.Taken)
    def _taken(self) -> None:
        if self.snapshot is not None:
            team.take_handover(self.console_app, render.open_things(self.snapshot, self.now))

    def openers(self) -> dict[str, Callable[[], None]]:
        """The line opens at once."""
        return {**super().openers(), "take-over": self.action_take_over}

    def action_copy(self) -> None:
        """Copy the page as Markdown."""
        if self.snapshot is not None:
            clipboard.copy(self.console_app, render.markdown(self.snapshot, self.now))


class PeopleScreen(PageScreen, inherit_bindings=False):
    """Every console that is open, whose it is, and what it looks at."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "people"
    BINDINGS = bindings(*SCOPES)

    def show_body(self) -> None:
        """Who is here now, whatever moment is looked at."""
        width, latest = self.page.size.width, self.console_app.bridge.latest
        present = latest.present if latest is not None else ()
        alone = "nobody else is here" if present else ""
        note = (Span(people.counted(present) or alone, Role.MUTED),)
        top = (titled("Who is here", width, focused=True, note=note), BLANK)
        now = self.console_app.clock.now()
        self.page.show(people.listed(present, width, now), top)
