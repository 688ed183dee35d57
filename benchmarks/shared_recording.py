"""What it costs to record for other hosts as well, beside the file alone in the same run.

``python -m benchmarks.shared_recording``. Five minutes of the fleet of ``recording``, on a clock of
its own, are recorded into a file, and sent every 15 s of it to a real PostgreSQL on
loopback; then it is thinned, and that is sent. CPU is that of the whole process within these
calls, so that what psycopg does counts as well. Another host reads moments of it, each fetched,
beside the same moments read of the file.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.recording_fleet import RecordedFleet
from benchmarks.targets import Figure, report
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.others import Others
from opsconsole.engine.recording.sharing import EVERY, Sharing
from opsconsole.engine.recording.upkeep import Bounds, Upkeep
from opsconsole.engine.recording.writer import Writer
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.shared_recordings import SharedRecordings
from tests.servers.postgresql import Postgresql, why_no_postgresql

SERVICES: Final = 100
SECONDS: Final = 300.0
PACE: Final = 0.5
MOST: Final = 1.0
MOST_TIMES: Final = 1.1
"""Per cent of a core, and times what the file costs alone, which a busy machine does not change."""

MOMENTS: Final = 9
_KEEP: Final = 1e9


class Spent:
    """CPU seconds of this process within some calls."""

    def __init__(self) -> None:
        self.cpu = 0.0

    def on(self, call: Callable[[], object]) -> None:
        """Make a call."""
        began = time.process_time()
        call()
        self.cpu += time.process_time() - began

    @property
    def share(self) -> float:
        """Per cent of a core, over the time that was recorded."""
        return 100 * self.cpu / SECONDS


def measure(where: str, folder: Path) -> int:
    """Record, thin, send and read, and print the table."""

    def recordings() -> SharedRecordings:
        return SharedRecordings(PostgresqlDatabase(where))

    path, fleet = folder / "recording.db", RecordedFleet(SERVICES)
    writing, thinning, sending = Spent(), Spent(), Spent()
    shared = recordings()
    with closing(Writer(path)) as writer, closing(shared):
        sharing = Sharing(path, shared, "benchmark", _KEEP)
        sharing.round()
        for number in range(int(SECONDS / PACE)):
            snapshot = fleet.tick(PACE)
            writing.on(partial(writer.watching, snapshot.taken_at))
            writing.on(partial(writer.write, snapshot))
            if number % int(EVERY / PACE) == 0:
                sending.on(sharing.round)
        writer.end()
        sending.on(sharing.round)
        read, fetched = _read(path, recordings(), fleet.now)
        upkeep = Upkeep(writer, Bounds(_KEEP, 10**10))
        thinning.on(partial(upkeep.finish, fleet.now + 10_800))
        sending.on(sharing.round)
        sending.on(sharing.round)
    alone = writing.share + thinning.share
    return report(
        [
            Figure(f"{SERVICES} services into a file, CPU of a core", writing.share, "%"),
            Figure("thinning it", thinning.share, "%"),
            Figure("sending it to a PostgreSQL as well", sending.share, "%"),
            Figure("all together", alone + sending.share, "%", MOST),
            Figure("times the file alone", (alone + sending.share) / alone, "×", MOST_TIMES),
            Figure("a moment of the file, CPU, median", read, "ms"),
            Figure("the same of another host, fetched", fetched, "ms"),
        ]
    )


def _read(path: Path, recordings: SharedRecordings, end: float) -> tuple[float, float]:
    """Median milliseconds for moments of the file and of the server, each in a run not read yet."""
    chance = random.Random(1)
    moments = [end - SECONDS * (number + chance.random()) / MOMENTS for number in range(MOMENTS)]
    archive = Archive(path)
    others = Others(recordings, "benchmark", path.with_name("none.db"), within=60.0)
    (theirs,) = others.all()
    for each in (archive, theirs):
        each.at(end)
    found = [statistics.median(_cpu(each, at) for at in moments) for each in (archive, theirs)]
    archive.close()
    others.close()
    return 1000 * found[0], 1000 * found[1]


def _cpu(archive: Archive, at: float) -> float:
    spent = Spent()
    spent.on(partial(archive.at, at))
    return spent.cpu


def main() -> int:
    """Fail when recording for others costs more of a core than it may."""
    lack = why_no_postgresql()
    if lack:
        print(lack)
        return 0
    server = Postgresql().create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return measure(server.database(), Path(folder))
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
