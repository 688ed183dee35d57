"""What the flight recorder costs, and how quickly a moment is there again.

``python -m benchmarks.recording``. A fleet is looked at by the real store on a clock of its own,
every service each 5 s with a body that differs, the host each 2 s and the containers each 5 s;
each snapshot, two a second, is recorded. The floor is the same snapshots written whole as JSON,
compressed, without a database. ``COUNT`` alone measures one size in this process, for profiling.
"""

import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.recording_fleet import RecordedFleet
from benchmarks.targets import Figure, report
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.codec import Encoder
from opsconsole.engine.recording.database import size_of
from opsconsole.engine.recording.upkeep import Bounds, Upkeep
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.snapshot import Snapshot

COUNTS: Final = (50, 100)
HOUR: Final = 3600.0
EVERY: Final = 0.5
STEP: Final = 40.0
"""Milliseconds of a step of 100 for what is read; the rest is for what is painted."""

STEPS: Final = 300
FLOORS: Final = 20
_AGED: Final = 30 * 86_400.0
_ALL: Final = 10**10


@dataclass(frozen=True, slots=True)
class Recorded:
    """CPU seconds and bytes of an hour; milliseconds to make one moment whole by JSON alone."""

    cpu: float
    slowest: float
    size: int
    floor: float
    floor_size: float


def record(path: Path, count: int) -> Recorded:
    """An hour of ``count`` services."""
    fleet = RecordedFleet(count)
    writer = Writer(path)
    frames = int(HOUR / EVERY)
    cpu = slowest = floor = 0.0
    floor_size = 0
    gc.freeze()
    for number in range(frames):
        snapshot = fleet.tick(EVERY)
        began = time.thread_time()
        writer.write(snapshot)
        took = time.thread_time() - began
        cpu += took
        slowest = max(slowest, took)
        if number % (frames // FLOORS) == 0:
            took, written = whole(snapshot)
            floor += took
            floor_size += written
    writer.close()
    return Recorded(cpu, slowest, size_of(path), floor / FLOORS, floor_size / FLOORS)


def whole(snapshot: Snapshot) -> tuple[float, int]:
    """CPU seconds and bytes of one snapshot that is written whole."""
    began = time.thread_time()
    written = zlib.compress(json.dumps(Encoder().encode(snapshot)).encode("ascii"), 1)
    return time.thread_time() - began, len(written)


class Times:
    """Milliseconds of many calls, by the processor and by the wall, each sorted."""

    def __init__(self, calls: Iterable[Callable[[], object]]) -> None:
        measured = [self._one(call) for call in calls]
        self.cpu = sorted(cpu for cpu, _ in measured)
        self.wall = sorted(wall for _, wall in measured)

    @staticmethod
    def _one(call: Callable[[], object]) -> tuple[float, float]:
        cpu, wall = time.thread_time(), time.perf_counter()
        call()
        return 1000 * (time.thread_time() - cpu), 1000 * (time.perf_counter() - wall)


def read(path: Path) -> tuple[Times, Times]:
    """Moments anywhere in the recording, and steps of a minute through it."""
    archive = Archive(path)
    span = archive.span()
    assert span is not None
    chance = random.Random(1)
    archive.at(span.end)
    anywhere = [chance.uniform(span.begin, span.end) for _ in range(STEPS)]
    steps = [span.end - 60.0 * number for number in range(int((span.end - span.begin) // 60))]
    found = [Times(partial(archive.at, at) for at in moments) for moments in (anywhere, steps)]
    archive.close()
    return found[0], found[1]


def thin(path: Path) -> tuple[float, list[float], int]:
    """CPU seconds to thin the hour, milliseconds of each slice, and the bytes that are left."""
    writer = Writer(path)
    span = writer.span()
    assert span is not None
    upkeep = Upkeep(writer, Bounds(_AGED, _ALL))
    slices: list[float] = []
    began, more = time.thread_time(), True
    while more:
        before = time.thread_time()
        more = upkeep.step(span.end + 3 * HOUR)
        slices.append(1000 * (time.thread_time() - before))
    cpu = time.thread_time() - began
    query = "SELECT sum(length(data)) FROM segments WHERE step > 0"
    left = int(writer.connection.execute(query).fetchone()[0])
    writer.close()
    return cpu, sorted(slices), left


def alone(count: int) -> int:
    """Measure one size in this process and print its table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.db"
        cost = record(path, count)
        anywhere, steps = read(path)
        thinning, slices, left = thin(path)
    frames = HOUR / EVERY
    each = f"{count} services"
    return report(
        (
            Figure(f"{each}: CPU of a core", 100 * cost.cpu / HOUR, "%", 2.0),
            Figure(f"{each}: CPU for one moment", 1000 * cost.cpu / frames, "ms"),
            Figure(f"{each}: the same, slowest (a segment sealed)", 1000 * cost.slowest, "ms"),
            Figure(f"{each}: share of writing it whole", cost.cpu / frames / cost.floor, "×", 0.5),
            Figure(f"{each}: per service and hour", cost.size / count / 1000, "kB", 300.0),
            Figure(f"{each}: share of writing all whole", cost.size / cost.floor_size / frames, ""),
            Figure(f"{each}: thinned to 15 s", left / count / 1000, "kB"),
            Figure(f"{each}: thinning, CPU of a core", 100 * thinning / HOUR, "%"),
            Figure(f"{each}: longest slice of it", slices[-1], "ms"),
            *_reading(f"{each}: a moment anywhere", anywhere),
            *_reading(f"{each}: a step of a minute", steps),
        )
    )


def _reading(name: str, times: Times) -> Iterator[Figure]:
    yield Figure(f"{name}, CPU, median", statistics.median(times.cpu), "ms", STEP)
    yield Figure(f"{name}, CPU, p99", times.cpu[int(0.99 * len(times.cpu))], "ms")
    yield Figure(f"{name}, by the wall, median", statistics.median(times.wall), "ms")


def main(arguments: list[str]) -> int:
    """Each size in a fresh process, so that none has the other's heap."""
    if arguments:
        return alone(int(arguments[0]))
    runs = [
        subprocess.run([sys.executable, "-m", "benchmarks.recording", str(count)], check=False)
        for count in COUNTS
    ]
    return max(run.returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
