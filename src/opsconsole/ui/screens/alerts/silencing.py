"""The form before an acknowledgement, a silence or the end of one.

Invariant: what the matchers match is updated with every letter typed.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from opsconsole.model.operation import ActionRequest
from opsconsole.render.forms.request import REASON_LIMIT, Problem
from opsconsole.render.forms.silencing import MATCHERS_LIMIT, SilencingForm, preview
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip
from opsconsole.ui.changes import Form
from opsconsole.ui.routes import SilencingDialog
from opsconsole.ui.screens.form import FormScreen
from opsconsole.ui.widgets.line_widget import LineWidget

LABEL = 10
SAYS_ROWS = 6


class SilencingScreen(FormScreen, inherit_bindings=False):
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

    def compose(self) -> ComposeResult:
        """The title, the fields with their names, what they match, and two choices."""
        with Vertical(id="box"):
            yield LineWidget(id="asks")
            for field in self._form.fields:
                longest = MATCHERS_LIMIT if field.id == "matchers" else REASON_LIMIT
                with Horizontal(classes="field"):
                    label = LineWidget(id=f"label-{field.id}")
                    label.styles.width = LABEL
                    yield label
                    yield self.input_of(field, longest)
            yield from self.end_parts()

    def on_mount(self) -> None:
        """The matchers have the focus, else the first empty field, else the first."""
        inputs = list(self.query(Input))
        matchers = next((each for each in inputs if each.id == "matchers"), None)
        empty = next((each for each in inputs if not each.value), inputs[0])
        (matchers or empty).focus()
        super().on_mount()

    def show(self) -> None:
        """The fields, and what they would match in the latest snapshot."""
        form, snapshot = self._form, self.console_app.bridge.latest
        parts = ("says", *(f"label-{field.id}" for field in form.fields))
        if not all(self.query(f"#{part}") for part in parts):
            # The fields are not mounted yet, or are being removed.
            return
        refused = [f"refused: {self._why}"] if self._why else []
        head = self.head(form.title, (*form.about, *refused))
        self.put("asks", head, len(head))
        for field in form.fields:
            self.label(field)
        alerts = snapshot.alerts if snapshot else ()
        said: list[Line] = [BLANK, *preview(form, self.values, alerts, self.width)]
        if self._problem is not None:
            text = clip(self._problem.text, self.width - 2)
            said = [*said[:-1], (Span(f" {text}", Role.STRONG),)]
        self.put("says", said, SAYS_ROWS)

    def read(self) -> list[ActionRequest] | Problem:
        """One request to the Alertmanager."""
        request = self._form.read(self.values)
        return request if isinstance(request, Problem) else [request]

    def again(self, requests: list[ActionRequest]) -> Form:
        """The same form."""
        del requests
        filled = self._form.filled(self.values)
        return lambda _services, why: SilencingDialog(filled, why)
