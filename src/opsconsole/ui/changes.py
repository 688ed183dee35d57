"""From a key that changes something to the dialog of its plan, one plan at a time.

Invariant: nothing is started here but what a person confirmed in a dialog; plans that wait are
asked for only when the dialog before them is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.timer import Timer

    from opsconsole.model.operation import ActionRequest, ActionView, Confirmation, Plan
    from opsconsole.model.snapshot import ServiceView
    from opsconsole.ui.app import Console
    from opsconsole.ui.messages import OperationStarted, PlanArrived

LOOKING_AFTER: Final = 0.3
"""Seconds that a plan may take before a person is told that it is being worked out."""


class Changes:
    """What a person asked to change, until it is started or dropped."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._waiting: list[ActionRequest] = []
        self._looking: Timer | None = None

    def request(self, targets: Iterable[ServiceView], view: ActionView) -> None:
        """Ask for the plan of an action on each target, by its form where it has one."""
        from opsconsole.model.operation import ActionRequest
        from opsconsole.render.forms.request import needs_form

        if self._refused():
            return
        if needs_form(view):
            from opsconsole.ui.screens.request import RequestScreen

            self._console.push_screen(RequestScreen(tuple(targets), view))
            return
        self.request_all([ActionRequest(each.name, view.kind, view.name) for each in targets])

    def request_all(self, requests: Iterable[ActionRequest]) -> None:
        """Ask for the plan of each request; the dialog shows one at a time."""
        if self._refused():
            return
        self._waiting = list(requests)
        self._ask_next()

    def confirm(self, plan: Plan, confirmation: Confirmation) -> None:
        """Start a plan that a person confirmed in the dialog."""
        if self._refused():
            return
        self._console.bridge.perform(plan, confirmation)

    def plan_arrived(self, message: PlanArrived) -> None:
        """Open the dialog, unless one is open."""
        from opsconsole.ui.screens.plan import PlanScreen

        self.stop_looking()
        if self._refused():
            self._waiting.clear()
            return
        if any(isinstance(screen, PlanScreen) for screen in self._console.screen_stack):
            return
        dialog = PlanScreen(message.request, message.plan, message.refusal)
        self._console.push_screen(dialog, lambda _closed: self._ask_next())

    def started(self, message: OperationStarted) -> None:
        """Tell the dialog; without one, say it."""
        from opsconsole.ui.screens.plan import PlanScreen

        for screen in self._console.screen_stack:
            if isinstance(screen, PlanScreen):
                screen.started(message)
                return
        if message.refusal is not None:
            self._console.say(f"not started: {message.refusal}")

    def stop_looking(self) -> None:
        """There is an answer: what was said of waiting for it goes."""
        if self._looking is not None:
            self._looking.stop()
            self._looking = None
            self._console.say("")

    def _refused(self) -> bool:
        """Say why nothing may be changed, where nothing may."""
        refusal = self._console.refusal
        if refusal:
            self._console.say(refusal)
        return bool(refusal)

    def _ask_next(self) -> None:
        if not self._waiting:
            return
        request = self._waiting.pop(0)
        about = f"{request.kind.value} {request.service}: looking at what would be done …"
        console = self._console
        if not console.is_live:
            # Policy refuses what was asked for on a moment that has passed.
            request = replace(request, seen_at=console.now)
        self._looking = console.set_timer(LOOKING_AFTER, lambda: console.say(about))
        console.bridge.plan(request)
