"""The endpoints tab: pages of the service as readable JSON, with what changed.

Invariant: pages are asked for while the tab is in sight and at no other time; one question is
open at a time, and the next comes ``EVERY`` seconds after the answer.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from opsconsole.model.operation import Refusal
from opsconsole.model.pages import PageView
from opsconsole.render.cells import Line
from opsconsole.render.service_pages import pages
from opsconsole.ui.messages import PagesArrived
from opsconsole.ui.screens.service_tab import LinesTab, Sight

EVERY: Final = 5.0
"""Seconds between an answer and the next question."""


class EndpointsTab(LinesTab):
    """Declared pages, read again and again while one looks."""

    LIVE: ClassVar[bool] = True
    NAME: ClassVar[str] = "endpoints"
    SHORT: ClassVar[str] = "endp"

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self._pages: tuple[PageView, ...] | None = None
        self._refusal: Refusal | None = None
        self._waits = False
        self._answered_at: float | None = None

    def opened(self) -> None:
        """Ask at once."""
        self._ask()

    def lines(self, sight: Sight) -> Sequence[Line]:
        """The pages; and ask again when it is time."""
        clock = self.host.console_app.clock.now()
        if self._answered_at is None or clock - self._answered_at >= EVERY:
            self._ask()
        return pages(self._pages, self._refusal, sight.width, clock)

    def _ask(self) -> None:
        if self._waits or not self.display:
            return
        # While the engine starts nothing is asked, and the next second tries again.
        self._waits = self.host.console_app.bridge.pages(self.service_name, self.post_message)

    def on_pages_arrived(self, message: PagesArrived) -> None:
        """Show the answer; a refusal leaves what was read before."""
        message.stop()
        self._waits = False
        self._answered_at = self.host.console_app.clock.now()
        self._refusal = message.refusal
        if message.pages is not None:
            self._pages = message.pages
        self.host.show()
