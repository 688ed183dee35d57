"""Incidents: those that are open and the last that were closed, and one on the whole screen.

Invariant: the selection is an incident's number; looking changes nothing, and each key that says
something opens a line to type first.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import on

from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb
from opsconsole.render.frame.keys import Key, Scope
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, titled
from opsconsole.render.ink.own_keys import enter, key_of
from opsconsole.render.team import incidents as render
from opsconsole.ui.bindings import bindings
from opsconsole.ui.routes import IncidentPage, TimelinePage
from opsconsole.ui.screens.layouts import ListScreen, PageScreen
from opsconsole.ui.screens.team.keys import IncidentKeys, replayed
from opsconsole.ui.widgets.grid_table import GridTable, Listing
from opsconsole.ui.widgets.incident_prompt import IncidentPrompt

_HINTS = {
    IncidentVerb.JOIN: "your role, or nothing: enter joins {name}",
    IncidentVerb.COMMAND: "enter takes the command of {name} from {commander}",
    IncidentVerb.ROLE: "your role in {name}",
    IncidentVerb.STATUS: "how {name} stands",
    IncidentVerb.SEVERITY: "critical, major or minor: how bad {name} is",
    IncidentVerb.SERVICES: "services that {name} is about as well",
    IncidentVerb.NOTE: "a note for {name}",
    IncidentVerb.CLOSE: "how it ended: enter closes {name}",
}
_VERBS = {f"incident-{verb.value}": verb for verb in _HINTS}
"""What each key is for, by its id."""


class IncidentBase(IncidentKeys, inherit_bindings=False):
    """What the list and the page share: the selected incident and what can be said in it."""

    @property
    def incident(self) -> Incident | None:
        """The incident that keys act on."""
        return None

    def action_say(self, verb: str) -> None:
        """Open the line for what is said or done."""
        self._say(IncidentVerb(verb))

    def _say(self, verb: IncidentVerb) -> None:
        incident = self.incident
        if not self.console_app.time.is_live:
            self.say(replayed())
        elif incident is None:
            self.say("no incident is under the cursor")
        elif not incident.open:
            self.say(f"{incident.name} is closed: {key_of('incident-open', 'I')} opens another one")
        else:
            seen = str(incident.commander) if verb is IncidentVerb.COMMAND else ""
            request = IncidentRequest(verb, incident.number, commander=seen)
            hint = _HINTS[verb].format(name=incident.name, commander=incident.commander)
            self.ask(IncidentPrompt(request, hint))

    def action_timeline(self) -> None:
        """Everything that happened, on the whole screen."""
        self.console_app.open(TimelinePage())

    def offers(self, key: Key) -> bool:
        """What can be said is offered in an incident that is open."""
        if key.scope is Scope.INCIDENT:
            return self.incident is not None and self.incident.open
        if key.id == "open":
            return self.incident is not None
        return super().offers(key)

    def openers(self) -> dict[str, Callable[[], None]]:
        """Each line opens at once."""
        lines = {id_: self._opener(verb) for id_, verb in _VERBS.items()}
        return {**super().openers(), **lines}

    def _opener(self, verb: IncidentVerb) -> Callable[[], None]:
        return lambda: self._say(verb)


class IncidentsScreen(ListScreen, IncidentBase, inherit_bindings=False):
    """A table of incidents, and below it the one under the cursor."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.INCIDENT, Scope.DECLARE, Scope.OPEN, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "incidents"
    TABLE = "incidents"
    BINDINGS = bindings(*SCOPES)

    @property
    def incident(self) -> Incident | None:
        """The incident under the cursor."""
        key = self.table.cursor_key if self.is_mounted else None
        incidents = self.snapshot.incidents if self.snapshot else ()
        return next((each for each in incidents if str(each.number) == key), None)

    def show_body(self) -> None:
        """Fill the table, then the page of the row under the cursor."""
        width, now = self.table.size.width, self.now
        listed = render.order(self.snapshot.incidents if self.snapshot else ())
        rows = {str(each.number): each for each in listed}
        going = sum(each.open for each in listed)
        self.table.styles.height = max(5, min(len(rows) + 3, (self.size.height - 3) * 2 // 5))
        note = (Span(f"{going} open" if going else "none is open", Role.MUTED),)
        self.table.list(
            Listing(
                (titled("Incidents", width, focused=True, note=note), BLANK),
                tuple(rows),
                lambda key: render.row(rows[key], width, now),
                tuple(render.none_yet()),
            )
        )
        self._show_details()

    @on(GridTable.CursorMoved)
    def _show_details(self) -> None:
        view, incident = self.details, self.incident
        width = view.size.width
        if incident is None:
            view.show([])
            return
        note: Line = (Span(f"{enter()} opens it", Role.MUTED),)
        top = render.title(incident, width, self.now, note=note)
        view.show(render.page(incident, self.snapshot, width, self.now), (top, BLANK))

    @on(GridTable.Opened)
    def action_open(self) -> None:
        """Open it on the whole screen; never acts."""
        if self.incident is not None:
            self.console_app.open(IncidentPage(self.incident.number))

    def action_describe(self) -> None:
        """The same as opening it."""
        self.action_open()

    def action_match(self, step: int) -> None:
        """Go to the next that is open."""
        incidents = self.snapshot.incidents if self.snapshot else ()
        going = {str(each.number) for each in incidents if each.open}
        self.table.seek(going.__contains__, step)


class IncidentScreen(PageScreen, IncidentBase, inherit_bindings=False):
    """One incident: who, how it stands, and what was said and done."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.INCIDENT, Scope.DECLARE, Scope.LIST, Scope.EVERYWHERE,
    )  # fmt: skip
    TITLE_OF_HELP = "incident"
    BINDINGS = bindings(*SCOPES)

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    @property
    def incident(self) -> Incident | None:
        """The incident, as long as it is among those that are shown."""
        incidents = self.snapshot.incidents if self.snapshot else ()
        return next((each for each in incidents if each.number == self._number), None)

    def show_body(self) -> None:
        """Everything that is known of it."""
        width, incident = self.page.size.width, self.incident
        if incident is None:
            said = f"  INC-{self._number} is not among those that are shown: "
            also = f"opsconsole incident show {self._number} has it if there is one"
            top = (titled(f"INC-{self._number}", width, focused=True), BLANK)
            self.page.show([(Span(said, Role.UNKNOWN), Span(also))], top)
            return
        top = (render.title(incident, width, self.now), BLANK)
        self.page.show(render.page(incident, self.snapshot, width, self.now), top)
