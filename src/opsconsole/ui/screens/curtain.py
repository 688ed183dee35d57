"""The first paint, shown briefly: the overview replaces it as soon as it is imported."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip

from opsconsole.render.frame import curtain
from opsconsole.render.ink.cells import BLANK
from opsconsole.ui.options import Options
from opsconsole.ui.widgets.line_widget import LineWidget, Painted


class CurtainPanel(LineWidget):
    """Fills the screen."""

    DEFAULT_CSS = "CurtainPanel { height: 1fr; }"

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def render_line(self, y: int) -> Strip:
        """A row of what is known before any look, there at the very first paint."""
        options = self._options
        lines = curtain.lines(options.environment, options.danger, self.size.width)
        return self._strip(Painted(lines[y] if y < len(lines) else BLANK))


class CurtainScreen(Screen[None], inherit_bindings=False):
    """Invariant: contains nothing that needs the model."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        """One panel."""
        yield CurtainPanel(self._options)
