"""``opsconsole themes``: what there is to choose from, shown in its own colours."""

import argparse
import sys

from opsconsole.config.themes import Theme, read_themes
from opsconsole.errors import OpsconsoleError
from opsconsole.model.state import State

_RESET = "\x1b[0m"


def run(arguments: argparse.Namespace) -> int:
    """List the themes, or show one; a file that is no theme is named on standard error."""
    found = read_themes()
    themes = found.themes
    for problem in found.problems:
        print(f"opsconsole: {problem}", file=sys.stderr)
    chosen = {arguments.name: themes[arguments.name]} if arguments.name in themes else themes
    if arguments.name and arguments.name not in themes:
        raise OpsconsoleError(
            f"no theme is called {arguments.name}", remedy=f"there are {', '.join(sorted(themes))}"
        )
    for name, theme in sorted(chosen.items()):
        print(f"{name:<16} {_swatch(theme) if sys.stdout.isatty() else _words(theme)}")
    return 0


def _swatch(theme: Theme) -> str:
    """Every state as it looks on the theme's background."""
    parts = [
        f"{_colour(38, getattr(theme, state.value))} {state.glyph} {state.value} "
        for state in State
    ]
    return f"{_colour(48, theme.background)}{''.join(parts)}{_RESET}"


def _words(theme: Theme) -> str:
    return " ".join(f"{state.value}={getattr(theme, state.value)}" for state in State)


def _colour(layer: int, colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"\x1b[{layer};2;{red};{green};{blue}m"
