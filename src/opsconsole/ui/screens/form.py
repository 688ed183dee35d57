"""The base of the forms before a plan.

Invariant: nothing starts from a form. Enter in a field moves to the next; only the first choice
opens the plan, and the user confirms the plan.
"""

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from opsconsole.model.operation import ActionRequest
from opsconsole.render.forms.request import Field, Problem
from opsconsole.render.ink.cells import Line, Role, Span, titled, wrap
from opsconsole.ui.changes import Form
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.line_widget import LineWidget


class FormScreen(Dialog, inherit_bindings=False):
    """Fields, what is said of them, and the choice of the plan."""

    def __init__(self) -> None:
        super().__init__()
        self._problem: Problem | None = None

    # ---- what a subclass says ----

    def read(self) -> list[ActionRequest] | Problem:
        """The requests that the fields make, or what is wrong with one."""
        raise NotImplementedError

    def again(self, requests: list[ActionRequest]) -> Form:
        """Where a refusal of ``requests`` leads back to: here, filled in as it is now."""
        raise NotImplementedError

    # ---- parts ----

    def input_of(self, field: Field, longest: int) -> Input:
        """Where the value of a field is typed."""
        made = Input(
            field.value,
            id=field.id,
            placeholder=field.hint,
            max_length=longest,
            select_on_focus=False,
        )
        made.cursor_blink = False
        return made

    def end_parts(self) -> ComposeResult:
        """What is said, and the two choices."""
        yield LineWidget(id="says")
        with Horizontal(id="choices"):
            yield Choice("Show the plan", id="plan", harmless=True)
            yield Choice("Cancel", id="cancel", harmless=True)

    @property
    def width(self) -> int:
        """Cells of a line within the frame."""
        return max(20, min(84, int(self.size.width * 0.96)) - 4)

    def head(self, title: str, about: Iterable[str]) -> list[Line]:
        """The title, and at most two rows of each text about it."""
        note = (Span("esc cancels", Role.MUTED),)
        rows = [row for text in about for row in wrap(text, self.width - 2)[:2]]
        title_row = titled(title, self.width, focused=True, note=note)
        return [title_row, *((Span(f" {row}", Role.MUTED),) for row in rows)]

    def put(self, name: str, lines: list[Line], rows: int) -> None:
        """Paint a part, ``rows`` high."""
        widget = self.query_one(f"#{name}", LineWidget)
        widget.styles.height = rows
        widget.paint_lines(lines)

    def label(self, field: Field) -> None:
        """Paint the name of a field."""
        label = self.query_one(f"#label-{field.id}", LineWidget)
        label.paint_lines([(Span(f" {field.label}", Role.MUTED),)])

    @property
    def values(self) -> dict[str, str]:
        """What is typed, by the ids of the fields."""
        return {field.id or "": field.value for field in self.query(Input)}

    # ---- filling in ----

    @on(Input.Changed)
    def _changed(self) -> None:
        self._problem = None
        self.show()

    def taken(self, event: events.Event) -> bool:
        """Enter moves to the next field at once."""
        return self.edited(event, self.focus_next)

    @on(Input.Submitted)
    def action_next(self) -> None:
        """Enter moves to the next field."""
        self.focus_next()

    @on(Choice.Chosen)
    def _chosen(self, message: Choice.Chosen) -> None:
        if message.choice.id == "cancel":
            self.action_close()
            return
        with self.console_app.pressed(message.at):
            self._ask()

    def _ask(self) -> None:
        """Send the requests, or show beside the field what is missing."""
        refusal = self.console_app.changes.refusal
        made = Problem("", refusal) if refusal else self.read()
        if isinstance(made, Problem):
            self._problem = made
            if made.field:
                for field in self.query(f"#{made.field}"):
                    field.focus()
            self.show()
            return
        again = self.again(made)
        self.dismiss()
        self.console_app.changes.request_all(made, again)
