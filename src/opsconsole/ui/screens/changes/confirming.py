"""What a plan of one service and one of several share: how it is read, confirmed and followed.

Invariant: its choices are visible at every size. It opens as soon as it is asked for, and takes the
keys; input from before it could be read does not count. Enter never starts a change; the start
choice is enabled only when the words that policy requires are typed. Closing it stops no operation.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input

from opsconsole.model.operation import Confirmation, ConfirmLevel
from opsconsole.render.frame.status_line import Hint, hints, notice
from opsconsole.render.ink.cells import Line, Role, Span
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.copy_list import CopyList
from opsconsole.ui.widgets.line_widget import LineWidget
from opsconsole.ui.widgets.lines_view import LinesView

REASON_LIMIT: Final = 200
WIDEST: Final = 100
"""Cells of the dialog with its frame, on a screen that is wide enough."""
PLANNING_ROWS: Final = 8
"""Lines that are kept while the plan is made, so that little jumps when it comes."""
FRAME: Final = 6
"""Rows around plan and form: the keys, the frame, the title, the choices with a blank above."""
ORDER: Final = ("typed", "reason", "start", "override", "copies", "cancel")
"""In which order tab leads through the parts."""
WANTED: Final = {
    ConfirmLevel.CHOICE: (),
    ConfirmLevel.TYPED_NAME: ("typed",),
    ConfirmLevel.TYPED_NAME_AND_REASON: ("typed", "reason"),
}


class Confirming(Dialog, inherit_bindings=False):
    """A plan, its confirmation, and what came of it."""

    CAREFUL = True
    TITLE_OF_HELP = "plan"
    LABEL_OF_WORD = "name"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "close", "close", show=False, id="plan-close"),
        Binding("tab,right", "turn(1)", "next", show=False, id="plan-next"),
        Binding("shift+tab,left", "turn(-1)", "back", show=False, id="plan-previous"),
        Binding("down", "scroll(1)", "down", show=False, id="plan-down"),
        Binding("up", "scroll(-1)", "up", show=False, id="plan-up"),
        Binding("ctrl+d,pagedown", "scroll(8)", "page down", show=False, id="plan-page-down"),
        Binding("ctrl+u,pageup", "scroll(-8)", "page up", show=False, id="plan-page-up"),
        Binding("v,f2", "calls", "calls", show=False, id="plan-calls"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sent = False
        self._hint = ""
        self._calls = False

    # ---- what a subclass says ----

    @property
    def awaited(self) -> bool:
        """Whether the plan is still being made."""
        raise NotImplementedError

    @property
    def is_to_confirm(self) -> bool:
        """Whether there is a plan that was neither begun nor refused."""
        raise NotImplementedError

    @property
    def is_under_way(self) -> bool:
        """Whether something that was begun here has no end yet."""
        raise NotImplementedError

    def headline(self, width: int) -> Line:
        """What would be done, and where."""
        raise NotImplementedError

    def lines(self, width: int, height: int) -> list[Line]:
        """What is to be read now."""
        raise NotImplementedError

    def missing(self) -> str:
        """What has to be done before it can start; '' when nothing is missing."""
        raise NotImplementedError

    def answer_to_word(self) -> Span:
        """What is said of the word that is typed."""
        raise NotImplementedError

    def start(self, confirmation: Confirmation) -> None:
        """Have it begun."""
        raise NotImplementedError

    def chosen(self, choice: str) -> None:
        """A choice of the subclass's own was selected."""

    def parts(self) -> Iterator[Widget]:
        """What stands between the plan and the fields."""
        yield from ()

    def show_parts(self, width: int) -> int:
        """Show them. Returns the rows that they take."""
        del width
        return 0

    # ---- showing ----

    def compose(self) -> ComposeResult:
        """Space for the plan, and the cancel choice; the rest comes with the plan."""
        with Vertical(id="box"):
            view = LinesView(id="plan-lines")
            view.can_focus = False
            yield view
            yield from self.parts()
            yield _row(self.LABEL_OF_WORD, Input(id="typed", max_length=80))
            yield _row("reason", Input(id="reason", placeholder="why", max_length=REASON_LIMIT))
            with Horizontal(id="choices"):
                yield Choice("Cancel", id="cancel", harmless=True)
        yield LineWidget(id="plan-keys")

    def offer(self, words: str, level: ConfirmLevel, reason: str) -> None:
        """The choice that starts it, once, and the fields that policy requires; what is typed
        stays."""
        if not self.query("#start"):
            self.query_one("#choices").mount(Choice(words, id="start"), before="#cancel")
            for name in WANTED[level]:
                self.query_one(f"#row-{name}").display = True
            self.query_one("#reason", Input).value = reason
            if WANTED[level]:
                self.query_one("#typed", Input).focus()
        for start in self.query("#start").results(Choice):
            start.rename(words)
        self.judge()

    def too_early(self, event: events.Event) -> bool:
        """Until the plan has arrived, the only key is the one that drops it."""
        if super().too_early(event):
            return True
        early = (
            self.awaited and isinstance(event, events.Key) and event.key not in {"escape", "ctrl+c"}
        )
        if early:
            self.console_app.say("the plan is being made: esc drops it")
        return early

    @property
    def width(self) -> int:
        """Cells of a line within the frame."""
        return max(20, min(WIDEST, self.size.width) - 4)

    def show(self) -> None:
        """Fit the lines to the terminal and update them."""
        if not self.query("#plan-lines") or not self.query("#cancel"):
            return
        if not self.awaited and not self.is_to_confirm:
            self._only_close()
        width = self.width
        room = max(3, self.size.height - FRAME - self._show_form(width))
        lines = self.lines(width, room)
        view = self.query_one("#plan-lines", LinesView)
        kept = PLANNING_ROWS if self.awaited else 0
        view.styles.height = min(room, max(kept, len(lines))) + 1
        view.show(lines, (self.headline(width),))
        keys = self.query_one("#plan-keys", LineWidget)
        keys.paint_lines([self._keys(keys.size.width)])

    def _show_form(self, width: int) -> int:
        rows = self.show_parts(width)
        for label in self.query(".plan-label").results(LineWidget):
            label.paint_lines([(Span(f" {(label.id or '').removeprefix('label-')}", Role.MUTED),)])
        rows += sum(1 for row in self.query(".plan-field") if row.display)
        for said in self.query("#typed-says").results(LineWidget):
            said.paint_lines([(self.answer_to_word(),)])
        return rows

    def _keys(self, width: int) -> Line:
        """What the keys do to what has the focus, and what was pressed without effect."""
        if self.is_under_way:
            return (Span(" esc closes this; the operation goes on", Role.KEY),)
        if self.awaited:
            return (Span(" esc closes this", Role.KEY_LABEL),)
        close = Hint("esc", "go away" if self.is_to_confirm else "close", stays=True)
        if not self.is_to_confirm:
            return hints([*self._acting(), close], width)
        said = self._hint or ("starting …" if self._sent else "enter never starts it")
        keys = [*self._acting(), Hint("tab", "next", stays=True), Hint("v", "calls"), close]
        return notice(said, keys, width)

    def _acting(self) -> Iterator[Hint]:
        """What space and enter do where the focus is."""
        part = self.focused
        if isinstance(part, Choice):
            pressed, label = part.does
            if part.id == "start":
                label = "start"
            if pressed:
                yield Hint(pressed, label.lower(), stays=True)
        elif isinstance(part, CopyList):
            yield Hint("space", "this copy in or out", stays=True)
        elif isinstance(part, Input):
            yield Hint("enter", "next field", stays=True)

    def on_descendant_focus(self) -> None:
        """The keys are those of what has the focus."""
        self.show()

    def _only_close(self) -> None:
        """Once it runs or was refused there is nothing left to choose or cancel."""
        for widget in self.query("#start, #copies, .plan-field"):
            widget.display = False
        self.query_one("#cancel", Choice).rename("Close")

    # ---- confirming ----

    @property
    def said(self) -> tuple[str, str]:
        """The word and the reason as typed."""
        return self._typed("typed"), self._typed("reason")

    def _typed(self, field: str) -> str:
        return next(
            (each.value.strip() for each in self.query(f"Input#{field}").results(Input)), ""
        )

    @property
    def is_confirmed(self) -> bool:
        """Whether all that policy requires is typed."""
        return self.is_to_confirm and not self._sent and not self.missing()

    def judge(self) -> None:
        """Enable the choice that starts it, or say what is missing."""
        for start in self.query("#start").results(Choice):
            start.allow(self.is_confirmed, self.missing())

    @on(Input.Changed)
    def _changed(self) -> None:
        self._hint = ""
        self.judge()
        self.show()

    def action_turn(self, step: int) -> None:
        """To the next part that takes keys; from the harmless choice on to what starts it."""
        there = {part.id: part for part in self.focus_chain}
        parts = [there[name] for name in ORDER if name in there]
        at = parts.index(self.focused) if self.focused in parts else -1
        if parts:
            self.set_focus(parts[(at + step) % len(parts)])

    def action_calls(self) -> None:
        """Show every call with its target, or what is decided by."""
        if self.is_to_confirm:
            self._calls = not self._calls
            self.show()

    def taken(self, event: events.Event) -> bool:
        """Enter moves on from a field at once."""
        return self.edited(event, self._submitted)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._hint = "enter starts nothing: tab to the action and press space"
        self.action_turn(1)
        self.show()

    @on(Choice.EnterRefused)
    def _enter_refused(self) -> None:
        self._hint = "enter starts nothing: press space"
        self.show()

    @on(Choice.Chosen)
    def _chosen(self, message: Choice.Chosen) -> None:
        choice = message.choice.id or ""
        if choice == "cancel":
            self.action_close()
        elif choice != "start":
            self.chosen(choice)
        elif self.is_confirmed:
            shown = any(row.display for row in self.query("#row-typed"))
            self._sent = True
            self.query_one("#cancel", Choice).focus()
            self.start(Confirmation(*self.said) if shown else Confirmation())
            self.judge()
            self.show()

    def action_close(self) -> None:
        """Close, with a notice if nothing was started."""
        if self.is_current and not self._sent:
            self.console_app.say("nothing was started")
        super().action_close()

    def action_scroll(self, rows: int) -> None:
        """Scroll the plan."""
        self.query_one("#plan-lines", LinesView).move(rows)


def _row(label: str, field: Input) -> Horizontal:
    """A field with its label before it and what is said of it behind; not shown yet."""
    field.cursor_blink = False
    field.select_on_focus = False
    before, said = LineWidget(id=f"label-{label}"), LineWidget(id=f"{field.id}-says")
    before.add_class("plan-label")
    row = Horizontal(before, field, said, id=f"row-{field.id}", classes="plan-field")
    row.display = False
    return row
