"""A tab of lines that asks the engine again and again while it is in sight.

Invariant: one question is open at a time, the next comes ``EVERY`` seconds after the answer, and
none while the tab is out of sight.
"""

from typing import ClassVar

from opsconsole.model.workloads import ASKED_EVERY
from opsconsole.ui.screens.service_tab import LinesTab


class AskingTab(LinesTab):
    """Subclasses ask in ``ask`` and call ``answered`` when the answer is there."""

    EVERY: ClassVar[float] = ASKED_EVERY
    """Seconds between an answer and the next question."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self._waits = False
        self._answered_at: float | None = None

    def ask(self) -> bool:
        """Ask; False when nothing was asked, as while the engine starts."""
        raise NotImplementedError

    def opened(self) -> None:
        """Ask at once."""
        self._answered_at = None
        self.ask_in_time()

    def ask_in_time(self) -> None:
        """Ask when it is time; for ``lines``, which are asked for every second."""
        now = self.host.console_app.clock.now()
        due = self._answered_at is None or now - self._answered_at >= self.EVERY
        if due and self.display and not self._waits:
            self._waits = self.ask()

    def answered(self) -> None:
        """The answer is there: show it."""
        self._waits = False
        self._answered_at = self.host.console_app.clock.now()
        self.host.show()
