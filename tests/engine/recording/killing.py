"""``python -m tests.engine.recording.killing FILE ROUNDS``: writers that are killed, one by one.

Each round forks a writer that records, seals, thins and cuts as fast as it can, acknowledging each
moment once it is committed, and kills it with SIGKILL. Then the file is looked at. Prints one JSON
object for each round; forked rather than started, so that a round does not pay for imports.
"""

import json
import os
import random
import signal
import sqlite3
import struct
import sys
import time
from contextlib import closing
from pathlib import Path

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.upkeep import LOOK_EVERY, Bounds, Tier, Upkeep
from opsconsole.engine.recording.writer import Writer
from tests.engine.recording.fleet import SimulatedFleet

BOUNDS = Bounds(
    keep=3600.0,
    size=1_000_000,
    tiers=(Tier(600.0, 60.0, 1800.0, 1.0), Tier(120.0, 15.0, 300.0, 1.0)),
)
_MOMENT = struct.Struct("d")


def record(path: Path, passed: float, acknowledge: int) -> None:
    """Record for ever, from ``passed`` seconds after the fleet's start on."""
    fleet = SimulatedFleet(3)
    fleet.clock.move(passed)
    writer = Writer(path)
    upkeep = Upkeep(writer, BOUNDS)
    while True:
        snapshot = fleet.tick()
        writer.write(snapshot)
        os.write(acknowledge, _MOMENT.pack(snapshot.taken_at))
        if int(snapshot.taken_at) % int(LOOK_EVERY) == 0:
            while upkeep.step(snapshot.taken_at):
                continue


def killed(path: Path, passed: float, after: float) -> tuple[float, bool]:
    """The last moment that a writer acknowledged, and whether it was killed rather than ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            record(path, passed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        last = pipe.read(_MOMENT.size)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        last += pipe.readall() or b""
    whole = len(last) // _MOMENT.size
    moment = _MOMENT.unpack_from(last, (whole - 1) * _MOMENT.size)[0] if whole else 0.0
    return moment, os.WIFSIGNALED(status)


def look(path: Path, acknowledged: float) -> dict[str, object]:
    """What is left of the file: whether it is whole, and how many seconds are missing."""
    with closing(sqlite3.connect(path)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    archive = Archive(path)
    span = archive.span()
    assert span is not None
    shown = archive.at(span.end)
    readable = sum(1 for _ in archive.services(span.begin, span.end))
    archive.close()
    return {
        "integrity": integrity,
        "missing": acknowledged - span.end,
        "shown": shown is not None and shown.taken_at == span.end,
        "moments": readable,
        "seconds": span.end - span.begin,
    }


def main(arguments: list[str]) -> None:
    """Kill so many writers of one file."""
    path, rounds = Path(arguments[0]), int(arguments[1])
    chance = random.Random(rounds)
    passed = 0.0
    for number in range(rounds):
        acknowledged, was_killed = killed(path, passed, chance.uniform(0.0, 0.25))
        found = look(path, acknowledged)
        print(json.dumps({"round": number, "killed": was_killed, **found}), flush=True)
        passed += 400.0


if __name__ == "__main__":
    main(sys.argv[1:])
