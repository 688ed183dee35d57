"""The copies tab: a table of them, then each with its probes, its components and what it runs as.

Invariant: a test is a plan like any other; the key opens it and starts nothing.
"""

from typing import ClassVar

from opsconsole.model.asked.questions import UnitsOf
from opsconsole.model.operation import ActionKind, ActionView, Refusal
from opsconsole.model.running.workloads import ReplicaLook
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, plain
from opsconsole.render.ink.matching import compiled
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.service import instances as render
from opsconsole.render.service.health import HealthRow, raw_rows
from opsconsole.ui.bindings import bindings
from opsconsole.ui.screens.service.tab import Bindings, Shown
from opsconsole.ui.screens.service.tabs.asking import AskingTab
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.prompt import Prompt


class CopiesTab(GridTable, AskingTab[tuple[ReplicaLook, ...]]):
    """Copies and their components, or the bodies as they came.

    Units are read while the tab is visible, for the present only.
    """

    NAME: ClassVar[str] = "copies"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.HEALTH,)
    BINDINGS: ClassVar[Bindings] = bindings(*SCOPES)

    is_raw = False

    def __init__(self, service: str) -> None:
        super().__init__(id="tab-copies")
        self.service_name = service
        self._units: tuple[ReplicaLook, ...] = ()
        self._held: dict[str, HealthRow] = {}
        self._searched = ""

    def show_tab(self, top: tuple[Line, ...], shown: Shown | None) -> None:
        """The tree or the bodies."""
        if shown is None:
            gone: Line = (Span("  this service is not in the latest snapshot", Role.UNKNOWN),)
            self._held = {}
            self.list(Listing(top, (), lambda _key: BLANK, (gone,)))
            return
        if self.is_raw:
            found = raw_rows(shown.service, shown.width, shown.now)
        else:
            found = self._rows_of(shown)
        self._held = {each.row.key: each for each in found}
        self.list(Listing(top, tuple(self._held), self._line))

    def _rows_of(self, shown: Shown) -> list[HealthRow]:
        service, snapshot, width, now = shown.service, shown.snapshot, shown.width, shown.now
        units: tuple[ReplicaLook, ...] = ()
        if self.host.console_app.time.is_live:
            self.ask_in_time()
            units = self._units
        tested = [view.name for view in self._tests]
        return render.page(service, snapshot, width, now, units, tested)

    @property
    def question(self) -> UnitsOf:
        """The units of the service."""
        return UnitsOf(self.service_name)

    def take(self, answer: tuple[ReplicaLook, ...] | Refusal) -> None:
        """Keep the units; none after a refusal."""
        self._units = () if isinstance(answer, Refusal) else answer

    @classmethod
    def badge(cls, shown: Shown) -> str:
        """How many are ok, of all; '' where all are."""
        total, well = len(shown.service.instances), shown.service.ok_instances
        return f"{well}/{total}" if well < total else ""

    def _line(self, key: str) -> Line:
        line = self._held[key].row.line
        if not self._searched or not self._holds(key):
            return line
        return tuple(Span(span.text, Role.MATCH) for span in line)

    def raw(self) -> None:
        """Switch between the two."""
        self.is_raw = not self.is_raw
        self.host.show()
        self.move_to(0)

    # ---- searching ----

    def prompt(self) -> Prompt | None:
        """Search the rows."""
        further, back = key_of("next-match", "n"), key_of("previous-match", ",")
        return Prompt(placeholder=f"search: {further} next · {back} previous")

    def typed(self, text: str) -> None:
        """Mark the matches and go to the first."""
        self._searched = text
        if text and not (self.cursor_key and self._holds(self.cursor_key)):
            self.next_match(1)
        self.repaint()

    def next_match(self, step: int) -> None:
        """To the next match; without a search, to the next component that is not ok."""
        self.seek(self._holds if self._searched else self._is_bad, step)

    def _of(self, key: str) -> Line:
        """The row's line; a row that was listed when the key came may be gone."""
        held = self._held.get(key)
        return held.row.line if held is not None else BLANK

    def _holds(self, key: str) -> bool:
        text = "".join(span.text for span in self._of(key))
        return bool(compiled(self._searched).search(text[:400]))

    def _is_bad(self, key: str) -> bool:
        roles = {span.role for span in self._of(key)}
        return bool(roles & {Role.DOWN, Role.DEGRADED, Role.UNKNOWN})

    @property
    def copied(self) -> str:
        """All of it."""
        return plain(each.row.line for each in self._held.values())

    @property
    def copy_meant(self) -> str | None:
        """The copy that the row under the cursor is about, '' for none; None where it is gone."""
        if self.cursor_key is None:
            return ""
        here = self._held.get(self.cursor_key)
        return here.copy if here is not None else None

    # ---- tests of components ----

    @property
    def _tests(self) -> list[ActionView]:
        target = self.host.target
        views = target.actions if target is not None else ()
        return [view for view in views if view.kind is ActionKind.TEST]

    def offers(self, key: Key) -> bool:
        """Show the test key if a test is declared."""
        return key.id != "test" or bool(self._tests)

    def action_test(self) -> None:
        """Open the plan of the test of the component under the cursor, else the menu of tests."""
        target, views = self.host.target, self._tests
        if target is None or self.host.refuses():
            return
        if not views:
            self.host.say(f"{target.name} declares no test: actions: {{test: …}}")
            return
        here = self._held.get(self.cursor_key or "")
        named = here.component.casefold() if here is not None else ""
        meant = [view for view in views if view.name.casefold() == named]
        if named and meant:
            self.host.console_app.changes.request((target,), meant[0])
        else:
            self.host.open_actions(tuple(views))
