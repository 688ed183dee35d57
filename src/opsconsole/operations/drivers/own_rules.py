"""Acknowledging an alert that no Alertmanager reports, and ending that: in the console's own state.

Invariant: the journal's record of the step is the change itself, and every console reads it there;
nothing else is written, so that a step which was recorded as begun has taken effect.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.alerting.silences import Matcher, SilenceView, shown
from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.model.written.units import format_duration
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.driving import own_acknowledgements
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)
from opsconsole.sources.prometheus.api_silences import matcher_document
from opsconsole.text import sanitize

_TEXT: Final = 300
_WHERE: Final = ("own rules", "the console's own state")


class OwnRulesDriver(Driver):
    """``context.past`` is what was done to such alerts before."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._ends: SilenceView | None = None

    async def observe(self) -> Mapping[str, str]:
        """Which alert, or which acknowledgement of whom. Raises ObserveError."""
        request = self._context.request
        if self._context.kind is ActionKind.ACKNOWLEDGE:
            return {"alert": request.parameters["alert"], "matchers": self._said()}
        wanted = request.parameters["silence"]
        known = own_acknowledgements.in_force(self._context.past, self._context.clock.now())
        self._ends = next((each for each in known if each.id == wanted), None)
        if self._ends is None:
            raise ObserveError(
                f"acknowledgement {wanted} is not there, or has ended",
                remedy="see opsconsole silences",
            )
        return {
            "silence": wanted,
            "matchers": self._said(),
            "author": self._ends.by,
            "comment": self._ends.comment,
        }

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one record that it takes."""
        lasts = silencing.duration_of(self._context.request)
        silence = facts.get("silence", "")
        call = SilenceCall(tuple(matcher_document(self._matchers())), lasts, silence).document()
        if self._context.kind is ActionKind.EXPIRE_SILENCE:
            whose = f"by {facts['author'] or 'nobody named'}: {facts['comment']}"
            return (
                Step(f"end the acknowledgement {whose}; of {facts['matchers']}", *_WHERE, call),
            )
        during = format_duration(lasts or 0.0)
        return (Step(f"acknowledge {facts['matchers']} for {during}", *_WHERE, call),)

    async def execute(self, step: Step) -> StepOutcome:
        """The record of the step is the change."""
        return StepOutcome(Outcome.DONE, "recorded")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """What was recorded as begun is recorded."""
        return StepOutcome(Outcome.DONE, "recorded")

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """It is in the journal, or this would not have been reached."""
        return (Sight("acknowledgement", State.OK, "recorded, for every console"),)

    def undo(self) -> str:
        """An acknowledgement is undone by its end."""
        if self._context.kind is ActionKind.EXPIRE_SILENCE:
            return "acknowledge the alert again"
        return "opsconsole unsilence ID, or by itself when the alert resolves"

    def _matchers(self) -> tuple[Matcher, ...]:
        if self._ends is not None:
            return self._ends.matchers
        try:
            return silencing.matchers_of(self._context.request)
        except ValueError as error:
            raise ObserveError(str(error), remedy="name the alert again") from None

    def _said(self) -> str:
        return sanitize(shown(self._matchers()), limit=_TEXT)
