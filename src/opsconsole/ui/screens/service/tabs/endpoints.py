"""The pages tab: pages of the service as readable JSON, with what changed."""

from collections.abc import Sequence
from typing import ClassVar

from opsconsole.model.asked.pages import PageView
from opsconsole.model.asked.questions import PagesOf
from opsconsole.model.operation import Refusal
from opsconsole.render.ink.cells import Line
from opsconsole.render.service.pages import pages
from opsconsole.ui.screens.service.tab import LinesTab, Shown
from opsconsole.ui.screens.service.tabs.asking import AskingTab


class EndpointsTab(LinesTab, AskingTab[tuple[PageView, ...]]):
    """Declared pages, read repeatedly while the tab is visible."""

    NAME: ClassVar[str] = "pages"
    LIVE: ClassVar[bool] = True

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self._pages: tuple[PageView, ...] | None = None
        self._refusal: Refusal | None = None

    @property
    def question(self) -> PagesOf:
        """All pages of the service."""
        return PagesOf(self.service_name)

    def lines(self, shown: Shown) -> Sequence[Line]:
        """The pages, with ages relative to the present."""
        self.ask_in_time()
        now = self.host.console_app.clock.now()
        return pages(self._pages, self._refusal, shown.width, now)

    def take(self, answer: tuple[PageView, ...] | Refusal) -> None:
        """Keep the pages; a refusal leaves those read before."""
        if isinstance(answer, Refusal):
            self._refusal = answer
        else:
            self._pages, self._refusal = answer, None
