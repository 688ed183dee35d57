"""``opsconsole demo``: a live fleet on this machine, and the console on it."""

import argparse
from pathlib import Path

from opsconsole.demo.command import run as run_demo


def run(arguments: argparse.Namespace) -> int:
    """Serve the demo's fleet; unless headless, open the console on it."""
    return run_demo(
        headless=arguments.headless,
        scenario=arguments.scenario,
        state_dir=arguments.state_dir,
        open_console=lambda path: _open(path, arguments),
    )


def _open(path: Path, arguments: argparse.Namespace) -> int:
    from opsconsole.cli.screen import open_screen

    arguments.config = path
    return open_screen(arguments)
