"""The screens. The only package that imports Textual."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsconsole.clock import Clock
    from opsconsole.ui.engine_like import EngineLike
    from opsconsole.ui.options import Options
    from opsconsole.ui.terminal.terminal_guardian import Guard

__all__ = ["run"]


def run(
    make_engine: "Callable[[], EngineLike]",
    *,
    options: "Options",
    clock: "Clock | None" = None,
    guard: "Guard | None" = None,
) -> int:
    """Run the console until it is left, and return the exit code.

    ``make_engine`` is called once, on its own thread, after the first paint. ``clock`` defaults to
    the system's; ``guard`` comes from ``terminal_guardian.guarded``.
    """
    from opsconsole.ui.lifecycle import run_console

    return run_console(make_engine, options, clock, guard)
