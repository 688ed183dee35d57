"""The silences and acknowledgements of every Alertmanager, including recently ended ones.

Invariant: the selection is a silence's id; ending, changing and renewing one opens a form and then
a plan, and is refused at once if changes are.
"""

from typing import ClassVar

from textual import on

from opsconsole.model.alerting.silences import OWN_RULES, SilenceState, SilenceView
from opsconsole.render.alerts import silences as render
from opsconsole.render.forms.silencing import (
    SilencingForm,
    again_form,
    edit_form,
    ending_form,
)
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import key_of
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import SilencingDialog
from opsconsole.ui.screens.alerts.keys import AlertKeys
from opsconsole.ui.screens.layouts import ListScreen
from opsconsole.ui.widgets.footer_bar import FooterBar
from opsconsole.ui.widgets.grid_table import GridTable, Listing


class SilencesScreen(ListScreen, AlertKeys, inherit_bindings=False):
    """A table of silences, and below it the one under the cursor."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.SILENCES, Scope.LIST, Scope.EVERYWHERE)
    TITLE_OF_HELP = "silences"
    TABLE = "silences"
    BINDINGS = bindings(*SCOPES)

    @property
    def silence(self) -> SilenceView | None:
        """The silence under the cursor."""
        found = self.snapshot.silences if self.snapshot else ()
        key = self.table.cursor_key if self.is_mounted else None
        return next((each for each in found if _key(each) == key), None)

    def offers(self, key: Key) -> bool:
        """The keys for the silence under the cursor; none if there is no silence."""
        if key.scope is not Scope.SILENCES:
            return super().offers(key)
        silence = self.silence
        ended = silence is not None and silence.state is SilenceState.EXPIRED
        return silence is not None and ended == (key.id == "silence-again")

    def show_body(self) -> None:
        """Fill the table, then the details of the row under the cursor."""
        width, now, snapshot = self.table.size.width, self.now, self.snapshot
        found = {_key(each): each for each in render.order(snapshot.silences if snapshot else ())}
        ended = sum(each.state is SilenceState.EXPIRED for each in found.values())
        self.table.styles.height = max(6, min(len(found) + 3, (self.size.height - 3) // 2))
        note = (Span(f"{len(found) - ended} in force, {ended} ended recently", Role.MUTED),)
        self.table.list(
            Listing(
                (titled("Silences", width, focused=True, note=note), BLANK),
                tuple(found),
                lambda key: render.row(found[key], width, now),
                tuple(render.none_there()),
            )
        )
        self._show_details()

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        self.query_one(FooterBar).show_hints(self.hints())
        view, silence = self.details, self.silence
        width = view.size.width
        if silence is None:
            view.show([])
            return
        top: Line = titled(silence.id, width)
        view.show(render.details(silence, width, self.now), (top, BLANK))

    # ---- keys ----

    def action_end(self) -> None:
        """Ask for a reason, then open the plan that ends it."""
        silence = self._in_force()
        if silence is not None:
            self._ask(ending_form(silence))

    def action_edit(self) -> None:
        """Open it as a form; the new silence replaces it."""
        silence = self._in_force()
        if silence is not None and silence.source == OWN_RULES:
            ends, begins = key_of("silence-end", "E"), key_of("acknowledge", "A")
            self.say(f"an acknowledgement is not edited: {ends} ends it, then {begins} begins one")
        elif silence is not None:
            self._ask(edit_form(silence, self.console_app.clock.now()))

    def action_again(self) -> None:
        """Renew a silence that has ended."""
        silence = self.silence
        if silence is None:
            self.say("there is no silence to renew")
        elif silence.state is not SilenceState.EXPIRED:
            self.say(f"it is still in force: {key_of('silence-edit', 'C')} changes it")
        else:
            self._ask(again_form(silence))

    def _in_force(self) -> SilenceView | None:
        silence = self.silence
        if silence is None:
            self.say("there is no silence under the cursor")
            return None
        if silence.state is SilenceState.EXPIRED:
            self.say(f"it has ended already: {key_of('silence-again', 'T')} renews it")
            return None
        return silence

    def _ask(self, form: SilencingForm) -> None:
        if not self.refused("what is done to a silence"):
            self.console_app.open(SilencingDialog(form))


def _key(silence: SilenceView) -> str:
    """Its identity across all Alertmanagers."""
    return f"{silence.source} {silence.id}"
