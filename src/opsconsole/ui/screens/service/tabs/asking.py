"""A tab that asks the engine repeatedly while it is visible.

Invariant: one question is open at a time, the next follows ``EVERY`` seconds after the answer, and
none while the tab is hidden.
"""

from typing import ClassVar, Generic, TypeVar

from opsconsole.model.asked.questions import Question
from opsconsole.model.operation import Refusal
from opsconsole.model.running.workloads import ASKED_EVERY
from opsconsole.ui.bridge import STARTING
from opsconsole.ui.screens.service.tab import ServiceTab

T = TypeVar("T")


class AskingTab(ServiceTab, Generic[T]):
    """Subclasses make the question and take the answer."""

    EVERY: ClassVar[float] = ASKED_EVERY
    """Seconds between an answer and the next question."""

    _waits = False
    _answered_at: float | None = None

    @property
    def question(self) -> Question[T]:
        """The question."""
        raise NotImplementedError

    def take(self, answer: T | Refusal) -> None:
        """Keep the answer; it is shown next."""
        raise NotImplementedError

    def opened(self) -> None:
        """Ask at once."""
        self._answered_at = None
        self.ask_in_time()

    def ask_in_time(self) -> None:
        """Ask when it is time; called once a second."""
        console = self.host.console_app
        asked = self._answered_at
        due = asked is None or console.clock.now() - asked >= self.EVERY
        if due and self.display and not self._waits:
            self._waits = True
            console.bridge.ask(self.question, self._answered, asker=self)

    def _answered(self, answer: T | Refusal) -> None:
        self._waits = False
        if isinstance(answer, Refusal) and answer.code == STARTING:
            return  # asked again within a second
        self._answered_at = self.host.console_app.clock.now()
        self.take(answer)
        self.host.show()
