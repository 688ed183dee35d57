"""``python -m tests.ui.hostile.program FIRST [--wall]``: the console on a poisoned fleet.

It takes every key at once: who walks through it presses as soon as something is to be seen.
"""

import sys

from opsconsole.ui import run
from opsconsole.ui.options import Options, WallOptions
from opsconsole.ui.terminal.terminal_guardian import guarded
from tests.ui.program import FleetClock


def main() -> int:
    """Run until told to end."""

    def make_engine():  # type: ignore[no-untyped-def]  # imported behind the first paint
        from opsconsole.ui import app
        from opsconsole.ui.screens import dialog
        from tests.ui.hostile.poison import HostileEngine

        app.QUIET = dialog.DEAD_TIME = 0.0  # type: ignore[misc]

        return HostileEngine(int(sys.argv[1]))

    options = Options(
        environment="\x1b]0;own\x07[/x]", wall=WallOptions() if "--wall" in sys.argv else None
    )
    return guarded(lambda guard: run(make_engine, options=options, clock=clock, guard=guard))


clock = FleetClock(moving=False)

if __name__ == "__main__":
    sys.exit(main())
