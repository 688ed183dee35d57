"""Themes of the configuration, read off the screen's thread.

Invariant: nothing of the configuration is imported before somebody asks for a theme; a theme
that cannot be used is left out and said.
"""

import threading
from collections.abc import Callable

from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.ui.themes import BUILT_IN, Palette, palette_of


def load(done: Callable[[dict[str, Palette], str], None]) -> None:
    """Read the themes on a daemon thread and call ``done`` there with them and any problem."""
    threading.Thread(target=lambda: done(*read()), name="themes", daemon=True).start()


def read() -> tuple[dict[str, Palette], str]:
    """The built-in palettes with those of the configuration, and the problem or ''."""
    palettes = dict(BUILT_IN)
    try:
        from opsconsole.config.themes import available

        palettes.update({name: palette_of(theme) for name, theme in available().items()})
    except (OpsconsoleError, OSError) as error:
        return palettes, sanitize(str(error).splitlines()[0])
    return palettes, ""
