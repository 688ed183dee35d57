"""One plan dialog for several services: confirmed once, carried out one after the other.

Invariant: as of ``Confirming``. It asks for one plan after the other, names each that cannot
with why, and starts all that can by one confirmation; what is on it is then the journal's.
"""

from collections.abc import Sequence
from dataclasses import replace

from textual.widgets import Input

from opsconsole.model.asked.questions import Perform, PlanFor
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    Operation,
    Plan,
    Refusal,
    confirming_level,
    confirming_word,
)
from opsconsole.render.forms import decision, together
from opsconsole.render.forms import plan as one
from opsconsole.render.forms.decision import Setting
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, badge_role, titled
from opsconsole.ui.screens.changes.confirming import Confirming
from opsconsole.ui.widgets.choice import Choice


class TogetherScreen(Confirming):
    """Shows the plans of several services, asks for confirmation, follows their operations."""

    LABEL_OF_WORD = "number"

    def __init__(self, requests: Sequence[ActionRequest]) -> None:
        super().__init__()
        self._requests = tuple(requests)
        self._plans: tuple[Plan, ...] = ()
        self._refused: dict[str, Refusal] = {}
        self._refusal: Refusal | None = None
        self._first: Operation | None = None

    def on_mount(self) -> None:
        """Request the first plan."""
        self.query_one("#cancel", Choice).focus()
        if not self.console_app.time.is_live:
            # Policy refuses a request made while a past moment was shown.
            now = self.console_app.time.now
            self._requests = tuple(replace(each, seen_at=now) for each in self._requests)
        self._ask()
        super().on_mount()

    @property
    def _asked(self) -> int:
        return len(self._plans) + len(self._refused)

    def _ask(self) -> None:
        request = self._requests[self._asked]
        self.console_app.bridge.ask(PlanFor(request), self._planned, asker=self)

    def _planned(self, answer: Plan | Refusal) -> None:
        """A plan, or why there is none, has arrived; after the last one all of it can be read."""
        if isinstance(answer, Plan):
            self._plans = (*self._plans, answer)
        else:
            self._refused[self._requests[self._asked].service] = answer
        if self.awaited:
            self._ask()
        else:
            self.readable_from_now()
            if self._plans:
                asked = "the service's name" if len(self._plans) == 1 else "how many services"
                self.query_one("#typed", Input).placeholder = asked
                level, reason = confirming_level(self._plans), self._plans[0].reason
                self.offer(together.choice(self._plans), level, reason)
        self.show()

    def action_close(self) -> None:
        """Close, with a notice if nothing was started."""
        if self.is_current:
            for service, refusal in self._refused.items():
                self.console_app.changes.refused(service, str(refusal))
            if self._refusal is not None:
                for plan in self._plans:
                    self.console_app.changes.refused(plan.service, str(self._refusal))
        super().action_close()

    # ---- showing ----

    @property
    def runs(self) -> dict[str, Operation]:
        """The operations of the group that there are by now, by service."""
        first, latest = self._first, self.console_app.bridge.latest
        if first is None:
            return {}
        runs = latest.operations if latest is not None else ()
        mine = (each for each in runs if each.id == first.id or _joined(each, first))
        return {first.service: first} | {each.service: each for each in mine}

    @property
    def awaited(self) -> bool:
        """Whether a plan is still being made."""
        return self._asked < len(self._requests)

    @property
    def is_to_confirm(self) -> bool:
        """Whether there are plans that were neither begun nor refused."""
        begun = self._refusal is not None or self._first is not None
        return not self.awaited and bool(self._plans) and not begun

    @property
    def is_under_way(self) -> bool:
        """Whether one of them has no end yet."""
        return self._first is not None and not together.over(self._plans, self.runs)

    def headline(self, width: int) -> Line:
        """What would be done, and where."""
        what = together.title(self._requests)
        if not self._plans:
            return titled(what, width, focused=True)
        places = dict.fromkeys(plan.environment.upper() for plan in self._plans)
        badge = Span(f" {', '.join(places)} ", badge_role(self._plans[0].danger))
        return titled(what, width, focused=True, note=(badge,))

    def lines(self, width: int, height: int) -> list[Line]:
        """What is to be read now."""
        now, plans, latest = (
            self.console_app.clock.now(),
            self._plans,
            self.console_app.bridge.latest,
        )
        if self.awaited:
            said = f" planning {self._asked + 1} of {len(self._requests)} …"
            return [BLANK, (Span(said, Role.ACCENT),)]
        if self._refusal is not None:
            return one.refusal(self._refusal, width)
        if not plans:
            return together.none_can(self._refused, width)
        if self._first is not None:
            return together.running(plans, self.runs, width, now)
        if self._calls:
            return together.calls(plans, width)
        settings = {plan.service: Setting.of(latest, plan.service) for plan in plans}
        return together.lines(plans, self._refused, settings, width, height, now)

    # ---- confirming ----

    def missing(self) -> str:
        """What has to be done before it can start."""
        return together.missing(self._plans, *self.said) if self._plans else ""

    def answer_to_word(self) -> Span:
        """What is said of the number that is typed."""
        word = confirming_word(self._plans) if self._plans else ""
        return decision.name_answer(self.said[0], word, ())

    def start(self, confirmation: Confirmation) -> None:
        """Have all of them carried out, one after the other."""
        first, *then = self._plans
        self.console_app.bridge.ask(Perform(first, confirmation, tuple(then)), self._started)

    def _started(self, answer: Operation | Refusal) -> None:
        """Follow the operations, or show a refusal, as a notice if the dialog is closed."""
        if isinstance(answer, Operation):
            self._first = answer
        else:
            self._refusal = answer
            if not self.is_current:
                self.console_app.say(f"not started: {answer}")
        self.show()


def _joined(run: Operation, first: Operation) -> bool:
    return run.group is not None and first.group is not None and run.group.id == first.group.id
