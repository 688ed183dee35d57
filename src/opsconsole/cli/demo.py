"""``opsconsole demo``: a live fleet on this machine, and the console on it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.demo.command import run as run_demo

if TYPE_CHECKING:
    from opsconsole.ui.terminal.terminal_guardian import Guard


def run(arguments: argparse.Namespace) -> int:
    """Serve the demo's fleet; unless headless, open the console on it."""
    if arguments.headless or not sys.stdin.isatty():
        return _run(arguments)
    from opsconsole.ui.terminal.terminal_guardian import guarded

    return guarded(lambda guard: _run(arguments, guard))


def _run(arguments: argparse.Namespace, guard: "Guard | None" = None) -> int:
    return run_demo(
        headless=arguments.headless,
        scenario=arguments.scenario,
        state_dir=arguments.state_dir,
        kubernetes=arguments.kubernetes,
        open_console=lambda path: _open(path, arguments, guard),
    )


def _open(path: Path, arguments: argparse.Namespace, guard: "Guard | None") -> int:
    from opsconsole.cli.screen import open_screen

    arguments.config = path
    return open_screen(arguments, guard)
