"""The real console on a fake fleet, as a program for a pseudo-terminal.

``python -m tests.ui.program SCENE [--theme NAME] [--live]``; ``--live`` changes figures at 1 Hz.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable

from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.options import Options
from tests.ui import fleet
from tests.ui.fake_engine import FakeEngine, FixedClock, MovingClock

SCENES: dict[str, Callable[[], Snapshot]] = {
    "calm": fleet.calm,
    "fire": fleet.on_fire,
    "read-only": lambda: fleet.on_fire(read_only=True),
    "empty": fleet.empty,
    "stale": fleet.stale,
    "hostile": fleet.hostile,
    "many": lambda: fleet.many(50),
    "thousand": lambda: fleet.many(1000),
}


def main() -> int:
    """Run until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scene", choices=[*SCENES, "loading"])
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--ascii", action="store_true")
    arguments = parser.parse_args()
    from opsconsole.ui import run

    clock = MovingClock() if arguments.live else FixedClock()
    snapshot = SCENES[arguments.scene]() if arguments.scene in SCENES else None
    engine = FakeEngine(snapshot)
    if arguments.live:
        count = len(snapshot.services) if snapshot else 0
        threading.Thread(target=_change, args=(engine, count, clock), daemon=True).start()
    options = Options(theme=arguments.theme, ascii=arguments.ascii, environment="production")
    return run(lambda: engine, options=options, clock=clock)


def _change(engine: FakeEngine, count: int, clock: MovingClock) -> None:
    """Publish a fleet with other figures every second."""
    from dataclasses import replace

    for seq in range(1, 1_000_000):
        time.sleep(1.0)
        made = fleet.many(count, seq)
        read = tuple(replace(each, taken_at=clock.now() - 1) for each in made.sources)
        engine.publish(replace(made, taken_at=clock.now(), sources=read, host_at=clock.now()))


if __name__ == "__main__":
    sys.exit(main())
