"""The first paint, over in a moment: the overview takes its place as soon as it is imported."""

from textual.app import ComposeResult
from textual.screen import Screen

from opsconsole.render import curtain
from opsconsole.ui.options import Options
from opsconsole.ui.widgets.line_widget import LineWidget


class CurtainPanel(LineWidget):
    """Fills the screen."""

    DEFAULT_CSS = "CurtainPanel { height: 1fr; }"

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def repaint(self) -> None:
        """Paint what is known without looking."""
        options = self._options
        self.paint_lines(curtain.lines(options.environment, options.danger, self.size.width))


class CurtainScreen(Screen[None], inherit_bindings=False):
    """Invariant: holds nothing that needs the model."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        """One panel."""
        yield CurtainPanel(self._options)
