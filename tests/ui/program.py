"""The real console on a fake fleet, as a program for a pseudo-terminal.

``python -m tests.ui.program SCENE [--theme NAME] [--live]``; ``--live`` changes figures at 1 Hz.
The fleet is made after the first paint, as an engine would be.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from opsconsole.clock import SystemClock
from opsconsole.ui import run
from opsconsole.ui.options import Options, WallOptions
from opsconsole.ui.terminal.terminal_guardian import guarded
from opsconsole.ui.tray import LateFinder

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsconsole.model.snapshot import Snapshot
    from opsconsole.ui.tray import Finder
    from tests.ui.fake_engine import FakeEngine

FLEET_BEGAN = 1_763_716_447.0
SCENES = ("calm", "fire", "read-only", "empty", "stale", "hostile", "many", "thousand", "loading",
          "acting", "ringing", "large", "shared", "start", "cluster", "together",
          "together-calm", "automatic")  # fmt: skip


class FleetClock(SystemClock):
    """The moment of the fleet, standing still or going on; the screen's fails on SIGUSR1."""

    def __init__(self, *, moving: bool) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._moving = moving
        self._broken = False

    def fail(self, *_: object) -> None:
        """From now on every look of the screen at the clock is a programming error."""
        self._broken = True

    def now(self) -> float:
        if self._broken and threading.current_thread() is threading.main_thread():
            token = "hunter2"  # a local that nothing may print
            raise ValueError(f"Bearer {token}")
        return FLEET_BEGAN + (time.monotonic() - self._began if self._moving else 0.0)

    def wall(self) -> float:
        return self.now()


def main() -> int:
    """Run until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--ascii", action="store_true")
    parser.add_argument("--low-bandwidth", action="store_true")
    parser.add_argument("--wall", metavar="VIEW", help="as a wall, which begins with this view")
    arguments = parser.parse_args()
    clock = FleetClock(moving=arguments.live)
    signal.signal(signal.SIGUSR1, clock.fail)
    options = Options(
        theme=arguments.theme,
        ascii=arguments.ascii,
        low_bandwidth=arguments.low_bandwidth,
        environment="production",
        wall=_wall(arguments.wall) if arguments.wall else None,
        finder=_finder(arguments.scene),
    )
    return guarded(
        lambda guard: run(
            lambda: _engine(arguments.scene, arguments.live, clock),
            options=options,
            clock=clock,
            guard=guard,
        )
    )


def _finder(scene: str) -> LateFinder | None:
    """What the tray finds in the scenes that have one."""
    if scene not in {"large", "start"}:
        return None

    def make() -> Finder:
        from tests.ui.offered import OFFERS, SERVERS, FoundThings

        first = scene == "start"
        return FoundThings(SERVERS if first else OFFERS, is_first=first)

    return LateFinder(make, is_first=scene == "start")


def _wall(first: str) -> WallOptions:
    """All views, beginning with one; they take turns every minute."""
    views = WallOptions().views
    at = views.index(first)
    return WallOptions(60.0, (*views[at:], *views[:at]))


def _engine(scene: str, live: bool, clock: FleetClock) -> FakeEngine:
    from tests.ui import (
        automatic,
        cluster,
        fleet,
        fleets,
        reading,
        ringing,
        story,
        team_fleet,
        working,
    )
    from tests.ui.fake_engine import FakeEngine

    made: dict[str, Callable[[], Snapshot | None]] = {
        "calm": fleet.calm,
        "fire": story.on_fire,
        "read-only": lambda: story.on_fire(read_only=True),
        "empty": fleet.empty,
        "stale": fleet.stale,
        "hostile": fleet.hostile,
        "many": lambda: fleet.many(50),
        "thousand": lambda: fleet.many(1000),
        "loading": lambda: None,
        "acting": working.acting,
        "ringing": ringing.ringing,
        "large": fleets.large,
        "shared": fleets.shared_cause,
        "cluster": cluster.in_trouble,
        "start": fleet.empty,
        "together": lambda: team_fleet.together(story.on_fire()),
        "automatic": lambda: automatic.automatic(story.on_fire()),
        "together-calm": lambda: team_fleet.together(fleet.calm()),
    }
    engine = FakeEngine(made[scene]())
    engine.kept = working.backups()
    engine.answer_moment = story.moment
    engine.read_pages = reading.pages(fire=scene == "fire")
    engine.answer_logs = reading.answer_logs
    if live and engine.snapshot is not None:
        count = len(engine.snapshot.services)
        threading.Thread(target=_change, args=(engine, count, clock), daemon=True).start()
    return engine


def _change(engine: FakeEngine, count: int, clock: FleetClock) -> None:
    """Publish a fleet with other figures every second."""
    from dataclasses import replace

    from tests.ui import fleet

    for seq in range(1, 1_000_000):
        time.sleep(1.0)
        made = fleet.many(count, seq)
        read = tuple(replace(each, taken_at=clock.now() - 1) for each in made.sources)
        hosts = tuple(replace(each, taken_at=clock.now()) for each in made.hosts)
        engine.publish(replace(made, taken_at=clock.now(), sources=read, hosts=hosts))


if __name__ == "__main__":
    sys.exit(main())
