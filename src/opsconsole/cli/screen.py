"""``opsconsole``: the screen itself.

Invariant: the screen paints before the engine and its clients are imported; without a terminal on
both sides it says so and exits instead of drawing into a file.
"""

import argparse
import sys

from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.cli.main import EX_USAGE


def run(arguments: argparse.Namespace) -> int:
    """Open the console on the configuration asked for."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("opsconsole: no terminal here; use 'opsconsole status'", file=sys.stderr)
        return EX_USAGE
    return open_screen(from_arguments(arguments), arguments)


def open_screen(configuration: Configuration, arguments: argparse.Namespace) -> int:
    """Open the console and return its exit code."""
    from opsconsole.ui import run as run_screen
    from opsconsole.ui.options import Options

    display = configuration.settings.display
    options = Options(
        theme=getattr(arguments, "theme", None) or display.theme,
        low_bandwidth=getattr(arguments, "low_bandwidth", False) or display.low_bandwidth,
        ascii=getattr(arguments, "ascii", False) or display.ascii,
        mouse=display.mouse,
        read_only=configuration.read_only,
        keys=configuration.settings.keys,
        environment=configuration.settings.environment.name,
        danger=configuration.settings.environment.danger,
    )

    def make_engine():  # type: ignore[no-untyped-def]  # typed by the screen's own protocol
        from opsconsole.cli.engine import build_engine

        return build_engine(configuration)

    return run_screen(make_engine, options=options)
