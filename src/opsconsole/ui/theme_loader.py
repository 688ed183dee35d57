"""Themes of the configuration, read off the screen's thread.

Invariant: the configuration package is not imported before a theme is requested; a theme that
cannot be used is left out and reported.
"""

import threading
from collections.abc import Callable

from opsconsole.errors import OpsconsoleError
from opsconsole.text import sanitize
from opsconsole.ui.themes import BUILT_IN, Palette, palette_of


def load(done: Callable[[dict[str, Palette], str], object], wanted: str = "") -> None:
    """Read the themes on a daemon thread and call ``done`` there with them and any problem."""
    threading.Thread(target=lambda: done(*read(wanted)), name="themes", daemon=True).start()


def read(wanted: str = "") -> tuple[dict[str, Palette], str]:
    """The built-in palettes with those of the configuration, and the first problem or ''.

    If one is ``wanted``, problems of others are left out.
    """
    palettes = dict(BUILT_IN)
    try:
        from opsconsole.config.themes import read_themes

        found = read_themes()
        palettes.update({name: palette_of(theme) for name, theme in found.themes.items()})
    except (OpsconsoleError, OSError) as error:
        return palettes, sanitize(str(error).splitlines()[0])
    mine = [each for each in found.problems if not wanted or f"/{wanted}.yaml" in each]
    return palettes, sanitize(mine[0]) if mine else ""
