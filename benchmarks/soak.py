"""The wall over weeks, in minutes: ``python -m benchmarks.soak [--seconds 200]``.

The console's own app, without a terminal, on the real engine with real HTTP services, all on a
clock that runs thousands of times too fast: services flap, their server is killed and comes back,
engines die and cannot be made again at once, alerts come and go, the terminal changes its size
and keys are pressed. After a warm-up nothing may grow: memory, file descriptors, threads, tasks.
"""

import argparse
import asyncio
import gc
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual import events
from textual.pilot import Pilot

from benchmarks.flapping import Server
from benchmarks.process import resident
from benchmarks.targets import Figure, report
from opsconsole.cli import engine as making
from opsconsole.cli.configuration import from_arguments
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.ui.app import Console
from opsconsole.ui.options import Options, WallOptions

SPEED: Final = 7200.0
"""Seconds of the wall for one of ours: two hours."""

SERVICES: Final = 8
SIZES: Final = ((80, 24), (120, 40), (200, 60), (60, 15), (40, 10), (132, 43), (120, 40))
KEYS: Final = ("x", "escape", "colon", "q", "question_mark", "ctrl+p", "R", "space", "f5")
FRAME: Final = 0.01
LIVED: Final = 20
"""Snapshots after which an engine may die."""
ENDS_WITHIN: Final = 5.0
ENOUGH: Final = 2
AT_LEAST: Final = 60.0
"""Seconds that a busy machine is given to come to enough samples."""
LONG: Final = 120.0
"""Seconds from which a run has come to rest, so that less may grow."""
WARM: Final = 0.3
"""The share of the run after which nothing may grow any more."""
WARM_AT_LEAST: Final = 3.0
"""Seconds of the same; every kind of screen was there by then."""

_CONFIG: Final = """\
environment: {{name: soak, danger: high}}
docker: {{enabled: false}}
recording: {{enabled: false}}
state_dir: {state}
host: {{interval: 10m}}
defaults: {{interval: 20m, timeout: 150ms}}
services:
"""
_SERVICE: Final = """\
  service-{number:02d}:
    instances: [{base}/{number}, {base}/{other}]
    alerts:
      - {{name: Down, when: state == down, severity: critical, summary: nobody answers}}
      - {{name: Shaky, when: state == degraded, for: 20m}}
"""


class FastClock:
    """Begins when the module is read; every instance reports the same time."""

    speed = SPEED
    _unix = time.time()
    _began = time.monotonic()

    def now(self) -> float:
        """Unix seconds of the wall's time."""
        return self._unix + (time.monotonic() - self._began) * self.speed

    def wall(self) -> float:
        """The same."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Sleep for so long on this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at one moment, ``at`` of the run's seconds."""

    at: float
    memory: int
    descriptors: int
    threads: int
    tasks: int
    objects: int


class Soak:
    """One run: what happens to the wall, and what was held meanwhile."""

    def __init__(self, folder: Path, server: Server, seconds: float) -> None:
        self._folder = folder
        self._server = server
        self._seconds = seconds
        self._random = random.Random(1)
        self.frames = 0
        self.engines = 0
        self.refused = 0
        self.killed = 0
        self.snapshots = 0
        self.samples: list[Sample] = []

    def make_engine(self) -> Engine:
        """An engine as the command line makes it; one in three attempts is refused."""
        if self.engines and self._random.random() < 0.34:
            self.refused += 1
            raise OpsconsoleError("the state folder is not there at this moment")
        arguments = argparse.Namespace(config=self._configuration(), wall=True)
        engine = making.build_engine(from_arguments(arguments))
        self.engines += 1
        return engine

    def _configuration(self) -> Path:
        path = self._folder / "opsconsole.yaml"
        if not path.exists():
            base = f"http://127.0.0.1:{self._server.port}"
            text = _CONFIG.format(state=self._folder / "state")
            for number in range(SERVICES):
                text += _SERVICE.format(number=number, other=number // 3 + 100, base=base)
            path.write_text(text)
            path.chmod(0o600)
        return path

    async def run(self) -> None:
        """Live through all of it."""
        options = Options(environment="soak", wall=WallOptions(300.0), read_only=True, mouse=False)
        app = Console(self.make_engine, options=options, clock=FastClock())
        show = app.show

        def counted() -> None:
            self.frames += 1
            show()

        app.show = counted  # type: ignore[method-assign]
        async with app.run_test(size=(120, 40)) as pilot:
            for _ in range(100):
                await pilot.pause(0.1)
                if app.bridge.latest is not None:
                    break
            await self._live(app, pilot)

    async def _live(self, app: Console, pilot: Pilot[int]) -> None:
        began = time.monotonic()
        every = {
            self._resize: 0.7,
            self._press: 0.4,
            self._kill: max(1.0, self._seconds / 60),
            self._server_dies: 3.0,
        }
        due = dict(every)
        last = 0
        while self._goes_on(at := time.monotonic() - began):
            app.show()
            seen = app.bridge.latest.seq if app.bridge.latest else 0
            self.snapshots += max(0, seen - last) if seen >= last else seen
            last = seen
            await asyncio.sleep(FRAME)
            for happen, when in due.items():
                if at >= when:
                    due[happen] = at + every[happen]
                    await happen(app, pilot, at)
            if not app.is_running:
                raise SystemExit(f"the wall ended after {at:.0f} s: {app.return_value}")

    def _goes_on(self, at: float) -> bool:
        """For its time, and on a busy machine until there is something to compare."""
        longest = max(4 * self._seconds, AT_LEAST)
        return at < self._seconds or (len(self._warm) < ENOUGH and at < longest)

    @property
    def _warm(self) -> list[Sample]:
        from_then = max(self._seconds * WARM, WARM_AT_LEAST)
        return [each for each in self.samples if each.at >= from_then]

    # ---- what happens ----

    async def _resize(self, _app: Console, pilot: Pilot[int], _at: float) -> None:
        await pilot.resize_terminal(*self._random.choice(SIZES))

    async def _press(self, app: Console, _pilot: Pilot[int], _at: float) -> None:
        key = self._random.choice(KEYS)
        app.post_message(events.Key(key, key if len(key) == 1 else None))

    async def _server_dies(self, _app: Console, _pilot: Pilot[int], _at: float) -> None:
        self._server.kill()
        self._server.start()

    async def _kill(self, app: Console, _pilot: Pilot[int], at: float) -> None:
        """The engine's thread ends, as after a defect; nothing notifies the wall.

        What is held at this moment is counted: nothing is under way then.
        """
        engine: Any = app.bridge._engine
        if engine is None or engine.latest.seq < LIVED or not engine._thread.is_alive():
            return
        self.killed += 1
        engine._on_loop(engine._cancel)
        engine._thread.join(ENDS_WITHIN)
        del engine
        gc.unfreeze()
        gc.collect()
        self.samples.append(
            Sample(
                at,
                resident(os.getpid()),
                len(os.listdir("/proc/self/fd")),
                threading.active_count(),
                len(asyncio.all_tasks()),
                len(gc.get_objects()),
            )
        )

    # ---- what came of it ----

    def figures(self) -> list[Figure]:
        """Growth from the first third after the warm-up to the last, and what was lived through."""
        days = self._seconds * FastClock.speed / 86_400
        warm = self._warm
        third = max(1, len(warm) // 3)
        early, late = warm[:third], warm[-third:]

        def grown(name: str) -> float:
            first, last = ([getattr(each, name) for each in part] for part in (early, late))
            return float(statistics.median(last) - statistics.median(first))

        between = statistics.median(each.at for each in late) - early[0].at
        weeks = between * FastClock.speed / 604_800
        memory = grown("memory") / 2**20
        weekly = memory / max(weeks, 1e-9)
        is_long = self._seconds >= LONG
        floors = [min(each.objects for each in part) for part in (early, late)]
        objects = 100 * (floors[1] - floors[0]) / floors[0]
        return [
            Figure("days on the wall's clock", days, "d"),
            Figure("pictures drawn", self.frames),
            Figure("snapshots taken", self.snapshots),
            Figure("engines that died", self.killed),
            Figure("engines that could not be made", self.refused),
            Figure("memory at the end", late[-1].memory / 2**20, "MiB"),
            Figure("memory grown after the warm-up", memory, "MiB", most=None if is_long else 8.0),
            Figure("that is, in a week of the wall", weekly, "MiB", most=3.0 if is_long else None),
            Figure("objects grown", objects, "%", most=5 if is_long else None),
            Figure("file descriptors grown", grown("descriptors"), most=2),
            Figure("threads grown", grown("threads"), most=2),
            Figure("tasks grown", grown("tasks"), most=5),
        ]


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--samples", type=Path, help="write every sample here, as CSV")
    arguments = parser.parse_args()
    FastClock.speed = arguments.speed
    making.SystemClock = FastClock  # type: ignore[attr-defined,assignment]
    server = Server()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            soak = Soak(Path(folder), server, arguments.seconds)
            asyncio.run(soak.run())
    finally:
        server.kill()
    if arguments.samples:
        rows = (",".join(map(str, (s.at, s.memory, s.descriptors, s.threads, s.tasks, s.objects)))
                for s in soak.samples)  # fmt: skip
        arguments.samples.write_text("\n".join(rows))
    return report(soak.figures())


if __name__ == "__main__":
    sys.exit(main())
