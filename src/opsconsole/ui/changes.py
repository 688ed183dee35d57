"""From a key that changes something to the dialog of its plan, one plan at a time.

Invariant: nothing is started here; plans that wait are asked for only when the dialog before them
is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from opsconsole.ui.routes import PlanDialog, RequestDialog, Route
from opsconsole.ui.time_travel import TimeTravel

if TYPE_CHECKING:
    from opsconsole.model.operation import ActionRequest, ActionView
    from opsconsole.model.snapshot import ServiceView


class Navigator(Protocol):
    """What goes to a route."""

    def __call__(self, route: Route, closed: Callable[[], None] | None = None, /) -> None:
        """Go to ``route``; ``closed`` is called when one comes back from it."""


class Changes:
    """What a person asked to change and has not been shown the plan of yet."""

    def __init__(self, time: TimeTravel, open_route: Navigator, say: Callable[[str], None]) -> None:
        self._time = time
        self._open = open_route
        self._say = say
        self._waiting: list[ActionRequest] = []

    def request(self, targets: Iterable[ServiceView], view: ActionView) -> None:
        """Open the plan of an action on each target, by its form where it has one."""
        from opsconsole.model.operation import ActionRequest
        from opsconsole.render.forms.request import needs_form

        if self._refused():
            return
        if needs_form(view):
            self._open(RequestDialog(tuple(targets), view))
            return
        self.request_all([ActionRequest(each.name, view.kind, view.name) for each in targets])

    def request_all(self, requests: Iterable[ActionRequest]) -> None:
        """Open the plan of each request, one after the other."""
        if self._refused():
            return
        self._waiting = list(requests)
        self._open_next()

    def _refused(self) -> bool:
        """Say why nothing may be changed, where nothing may."""
        refusal = self._time.refusal
        if refusal:
            self._say(refusal)
        return bool(refusal)

    def _open_next(self) -> None:
        if self._waiting and not self._refused():
            self._open(PlanDialog(self._waiting.pop(0)), self._open_next)
