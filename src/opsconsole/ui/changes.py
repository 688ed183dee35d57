"""Opens the plan dialog for a key that changes something: one for all that was chosen.

Invariant: nothing is started here. What was typed into a form is lost only once it was begun or
dropped: after a refusal the form is there again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from opsconsole.ui.routes import PlanDialog, RequestDialog, Route, TogetherDialog
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
    """Requested changes, and the form that their refusal leads back to."""

    def __init__(self, time: TimeTravel, open_route: Navigator, say: Callable[[str], None]) -> None:
        self._time = time
        self._open = open_route
        self._say = say
        self._form: Form | None = None
        self._kept: frozenset[str] = frozenset()
        self._why = ""

    def request(self, targets: Iterable[ServiceView], view: ActionView, copy: str = "") -> None:
        """Open the plan of an action on the targets, with its form first if it has one.

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
        """Open one plan for all of the requests.

        When it is closed, the ``form`` is opened again for what was refused.
        """
        asked = tuple(requests)
        if not asked or self._refused():
            return
        self._form, self._kept = form, frozenset()
        route = PlanDialog(asked[0]) if len(asked) == 1 else TogetherDialog(asked)
        self._open(route, self._closed)

    @property
    def refusal(self) -> str:
        """Why no plan can be asked for at this moment; '' if it can."""
        return self._time.refusal

    def refused(self, service: str, why: str) -> None:
        """What was asked for ``service`` was refused, or could not be started."""
        self._kept |= {service}
        self._why = why

    def _refused(self) -> bool:
        """Return why nothing may be changed; '' if changes are allowed."""
        refusal = self._time.refusal
        if refusal:
            self._say(refusal)
        return bool(refusal)

    def _closed(self) -> None:
        if self._form is not None and self._kept:
            form, self._form = self._form, None
            self._open(form(self._kept, self._why))
