"""What all full screens share: header, footer, notices, and how a snapshot reaches them.

Invariant: a screen shows what it is given and asks for nothing; handlers return at once.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.screen import Screen

from opsconsole.model.operation import ActionKind, ActionView
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render import keys
from opsconsole.render.keys import Scope
from opsconsole.render.status_line import Hint
from opsconsole.ui.precise import PreciseCompositor
from opsconsole.ui.screens.contracts import Speaking
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.header_bar import HeaderBar
from opsconsole.ui.widgets.line_widget import LineWidget

if TYPE_CHECKING:
    from opsconsole.ui.app import Console

NOTICE_SECONDS = 6.0


class ConsoleScreen(Speaking, Screen[None], inherit_bindings=False):
    """A full screen between a header and a footer."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.EVERYWHERE,)
    TITLE_OF_HELP: ClassVar[str] = "console"

    def __init__(self) -> None:
        super().__init__()
        self._compositor = PreciseCompositor()
        self._said = 0
        self._show_wanted = False

    @property
    def console_app(self) -> "Console":
        """The app with its own type."""
        return cast("Console", self.app)

    @property
    def snapshot(self) -> Snapshot | None:
        """What is to be shown: the latest, or the one held or stepped back to."""
        return self.console_app.shown

    @property
    def now(self) -> float:
        """The time that ages count from."""
        return self.console_app.now

    def on_mount(self) -> None:
        """Show what is there already."""
        self.show()

    def on_screen_resume(self) -> None:
        """Catch up with what arrived while another screen was on top."""
        self.show()

    def on_resize(self) -> None:
        """Everything depends on the size."""
        self.call_after_refresh(self.show)

    @on(LineWidget.Resized)
    def _part_resized(self) -> None:
        """Show again, once, when the parts have found their sizes."""
        if not self._show_wanted:
            self._show_wanted = True
            self.call_after_refresh(self._show_resized)

    def _show_resized(self) -> None:
        self._show_wanted = False
        self.show()

    def show(self) -> None:
        """Show the header, the body and the keys."""
        if not self.is_mounted:
            return
        app = self.console_app
        for header in self.query(HeaderBar):
            header.show(
                app.bridge_snapshot, app.place, app.clock.now(), app.clock.wall(),
                read_only=app.options.read_only, note=app.time_note,
            )  # fmt: skip
        self.show_body()
        for footer in self.query(FooterBar):
            footer.show_hints(self.hints())

    def show_body(self) -> None:
        """Subclasses show the snapshot here."""

    def say(self, text: str) -> None:
        """Say something in the bottom line for a few seconds."""
        self._said += 1
        ticket = self._said
        for footer in self.query(FooterBar):
            footer.say(text)

        def unsay() -> None:
            if self._said == ticket:
                for footer in self.query(FooterBar):
                    footer.say("")

        self.set_timer(NOTICE_SECONDS, unsay)

    # ---- keys ----

    def hints(self) -> Iterable[Hint]:
        """The footer's keys, with what blocks each."""
        offered = [key for key in keys.of(self.SCOPES) if key.hint]
        return [
            Hint(
                keys.with_keymap(key, self.console_app.keymap),
                self.label_of(key),
                self.blocked(key),
            )
            for key in sorted(offered, key=lambda each: each.hint)
            if self.offers(key)
        ]

    def label_of(self, key: keys.Key) -> str:
        """What the footer calls a key here."""
        return key.label

    def offers(self, key: keys.Key) -> bool:
        """Whether the footer shows ``key`` here at all."""
        return key.scope is not Scope.CHANGE or self.target is not None

    def blocked(self, key: keys.Key) -> str:
        """Why ``key`` would do nothing here, in a word or two; '' when it would."""
        if key.scope is not Scope.CHANGE:
            return ""
        if self.console_app.read_only:
            return "read-only" if key.id == "restart" else ""
        return ""

    # ---- changes ----

    @property
    def target(self) -> ServiceView | None:
        """The service that a change would concern."""
        return None

    @property
    def targets(self) -> tuple[ServiceView, ...]:
        """The services chosen, or the one under the cursor."""
        return (self.target,) if self.target else ()

    def action_change(self, kinds: str) -> None:
        """Open the plan of the target's one action of these kinds, or the menu of several."""
        if self.target is None:
            self.say("no service is selected")
            return
        wanted = {ActionKind(kind) for kind in kinds.split(",")}
        offered = [view for view in self.target.actions if view.kind in wanted]
        if not offered:
            self.say(f"{self.target.name} has no {kinds.replace(',', ' or ')} in its configuration")
            return
        possible = [view for view in offered if view.refusal is None] or offered
        if len(possible) == 1:
            self.console_app.request_plan(self.targets, possible[0])
        else:
            self.open_actions(tuple(offered))

    def action_actions(self) -> None:
        """Open the menu of all actions of the target."""
        if self.target is None:
            self.say("no service is selected")
            return
        self.open_actions(self.target.actions)

    def open_actions(self, views: tuple[ActionView, ...]) -> None:
        """Open the menu."""
        from opsconsole.ui.screens.actions import ActionsScreen

        if self.target is not None:
            self.app.push_screen(ActionsScreen(self.targets, views))
