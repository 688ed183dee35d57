"""Opens the plan dialogs for a key that changes something, one plan at a time.

Invariant: nothing is started here; a waiting plan is requested only when the previous dialog is
closed. What was typed into a form is lost only once it was begun or dropped: after a refusal the
form is there again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from opsconsole.ui.routes import PlanDialog, RequestDialog, Route
from opsconsole.ui.time_travel import TimeTravel

if TYPE_CHECKING:
    from opsconsole.model.operation import ActionRequest, ActionView
    from opsconsole.model.snapshot import ServiceView


class Form(Protocol):
    """What was filled in, to be shown again."""

    def __call__(self, services: frozenset[str], why: str, /) -> Route:
        """The form as it was, for the ``services`` that were refused."""


class Navigator(Protocol):
    """Opens routes."""

    def __call__(self, route: Route, closed: Callable[[], None] | None = None, /) -> None:
        """Open the screen of ``route``; ``closed`` is called when it is closed."""


class Changes:
    """Requested changes whose plans were not shown yet."""

    def __init__(self, time: TimeTravel, open_route: Navigator, say: Callable[[str], None]) -> None:
        self._time = time
        self._open = open_route
        self._say = say
        self._waiting: list[ActionRequest] = []
        self._count = 0
        self._form: Form | None = None
        self._kept: frozenset[str] = frozenset()
        self._why = ""

    def request(self, targets: Iterable[ServiceView], view: ActionView, copy: str = "") -> None:
        """Open the plan of an action on each target, with its form first if it has one.

        A restart is for the ``copy`` that is named, else for what the plan then offers to choose.
        """
        from opsconsole.model.operation import COPIES, ActionKind, ActionRequest, Meant
        from opsconsole.render.forms.request import needs_form

        if self._refused():
            return
        if needs_form(view):
            self._open(RequestDialog(tuple(targets), view))
            return
        meant = {"instance": copy} if copy else {COPIES: Meant.USUAL.value}
        parameters = meant if view.kind is ActionKind.RESTART else {}
        self.request_all(
            [
                ActionRequest(each.name, view.kind, view.name, parameters=parameters)
                for each in targets
            ]
        )

    def request_all(self, requests: Iterable[ActionRequest], form: Form | None = None) -> None:
        """Open the plan of each request, one after the other closes.

        After the last one the ``form`` is opened again for what was refused.
        """
        if self._refused():
            return
        self._waiting = list(requests)
        self._count = len(self._waiting)
        self._form, self._kept = form, frozenset()
        self._open_next()

    @property
    def refusal(self) -> str:
        """Why no plan can be asked for at this moment; '' if it can."""
        return self._time.refusal

    def refused(self, request: ActionRequest, why: str) -> None:
        """A plan that is being closed was refused, or could not be started."""
        self._kept |= {request.service}
        self._why = why

    def _refused(self) -> bool:
        """Return why nothing may be changed; '' if changes are allowed."""
        refusal = self._time.refusal
        if refusal:
            self._say(refusal)
        return bool(refusal)

    def _open_next(self) -> None:
        if self._waiting and not self._refused():
            number, count = self._count - len(self._waiting) + 1, self._count
            place = f"{number} of {count}" if count > 1 else ""
            self._open(PlanDialog(self._waiting.pop(0), place), self._open_next)
        elif self._form is not None and self._kept:
            form, self._form = self._form, None
            self._open(form(self._kept, self._why))
