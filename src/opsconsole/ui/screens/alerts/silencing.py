"""The form before an acknowledgement, a silence or the end of one.

Invariant: nothing starts from it; enter moves to the next field, and only the first choice opens
the plan. What the matchers match is updated with every letter typed.
"""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from opsconsole.render.forms.request import REASON_LIMIT, Problem
from opsconsole.render.forms.silencing import MATCHERS_LIMIT, SilencingForm, preview
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, titled, wrap
from opsconsole.ui.routes import SilencingDialog
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.line_widget import LineWidget

LABEL = 10
SAYS_ROWS = 6


class SilencingScreen(Dialog, inherit_bindings=False):
    """Fills in a request to an Alertmanager."""

    TITLE_OF_HELP = "silence"
    BINDINGS: ClassVar[list[Binding | tuple[str, str] | tuple[str, str, str]]] = [
        Binding("escape", "close", "close", show=False, id="silencing-close"),
        Binding("tab,down", "app.focus_next", "next", show=False, id="silencing-next"),
        Binding("shift+tab,up", "app.focus_previous", "back", show=False, id="silencing-previous"),
        Binding("enter", "next", "next", show=False, id="silencing-enter"),
    ]

    def __init__(self, form: SilencingForm, why: str = "") -> None:
        super().__init__()
        self._form = form
        self._why = why
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """The title, the fields with their names, what they match, and two choices."""
        with Vertical(id="box"):
            yield LineWidget(id="asks")
            for field in self._form.fields:
                longest = MATCHERS_LIMIT if field.id == "matchers" else REASON_LIMIT
                with Horizontal(classes="field"):
                    yield LineWidget(id=f"label-{field.id}")
                    yield Input(
                        field.value,
                        id=field.id,
                        placeholder=field.hint,
                        max_length=longest,
                        select_on_focus=False,
                    )
            yield LineWidget(id="says")
            with Horizontal(id="choices"):
                yield Choice("Show the plan", id="plan", harmless=True)
                yield Choice("Cancel", id="cancel", harmless=True)

    def on_mount(self) -> None:
        """The first empty field has the focus, else the first."""
        inputs = list(self.query(Input))
        for field in inputs:
            field.cursor_blink = False
        for asked in self._form.fields:
            self.query_one(f"#label-{asked.id}").styles.width = LABEL
        matchers = next((each for each in inputs if each.id == "matchers"), None)
        empty = next((each for each in inputs if not each.value), inputs[0])
        (matchers or empty).focus()
        super().on_mount()

    # ---- showing ----

    def show(self) -> None:
        """The fields, and what they would match in the latest snapshot."""
        parts = ("says", *(f"label-{field.id}" for field in self._form.fields))
        if not all(self.query(f"#{part}") for part in parts):
            # The fields are not mounted yet, or are being removed.
            return
        width = max(20, min(84, int(self.size.width * 0.96)) - 4)
        form, snapshot = self._form, self.console_app.bridge.latest
        lines: list[Line] = [
            titled(form.title, width, focused=True, note=(Span("esc cancels", Role.MUTED),))
        ]
        for text in (*form.about, *([f"refused: {self._why}"] if self._why else [])):
            lines += [(Span(f" {part}", Role.MUTED),) for part in wrap(text, width - 2)[:2]]
        self._put("#asks", lines, len(lines))
        for field in form.fields:
            label: Line = (Span(f" {field.label}", Role.MUTED),)
            self.query_one(f"#label-{field.id}", LineWidget).paint_lines([label])
        alerts = snapshot.alerts if snapshot else ()
        said = [BLANK, *preview(form, self._values(), alerts, width)]
        if self._problem is not None:
            said = [*said[:-1], (Span(f" {clip(self._problem.text, width - 2)}", Role.STRONG),)]
        self._put("#says", said, SAYS_ROWS)

    def _put(self, name: str, lines: list[Line], rows: int) -> None:
        widget = self.query_one(name, LineWidget)
        widget.styles.height = rows
        widget.paint_lines(lines)

    def _values(self) -> dict[str, str]:
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
    def _submitted(self, message: Input.Submitted) -> None:
        if message.input.has_focus:
            self.focus_next()

    def action_next(self) -> None:
        """Enter moves to the next field."""
        self.focus_next()

    @on(Choice.Chosen)
    def _chosen(self, message: Choice.Chosen) -> None:
        if message.choice.id == "cancel":
            self.action_close()
            return
        values, refusal = self._values(), self.console_app.changes.refusal
        request = Problem("", refusal) if refusal else self._form.read(values)
        if isinstance(request, Problem):
            self._problem = request
            if request.field:
                self.query_one(f"#{request.field}", Input).focus()
            self.show()
            return
        filled = self._form.filled(values)
        self.dismiss()
        self.console_app.changes.request_all(
            [request], lambda _services, why: SilencingDialog(filled, why)
        )
