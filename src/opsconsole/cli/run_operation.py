"""``opsconsole run-operation``: the detached runner's entry. Not for people."""

import argparse

from opsconsole.operations.running.runner import run as run_operation


def run(arguments: argparse.Namespace) -> int:
    """Carry out one journalled operation to its verdict."""
    return run_operation(arguments.state_dir, arguments.operation)
