"""Many services of one endpoint each on the screen, recorded: what they cost.

``python -m benchmarks.many [COUNT …]``. The real program on a pseudo-terminal of 120×40 looks at
COUNT services every 5 s, with a recording of its own. 50 services stand beside glances in the same
run, each at its own interval. A bare asyncio protocol that asks as often is the floor.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import probing
from benchmarks.endpoints import endpoints
from benchmarks.peers import glances
from benchmarks.process import cpu_seconds, resident
from benchmarks.screen import console_on
from benchmarks.targets import Figure, report
from tools.terminal import Terminal

COUNTS: Final = (1000, 3000)
TARGETS: Final = {1000: (10.0, 120.0), 3000: (25.0, None)}
"""Per cent of a core and megabytes."""

BESIDE_GLANCES: Final = 50
SIZE: Final = (120, 40)
WARM: Final = 15.0
SECONDS: Final = 20.0


def used(
    argv: Sequence[str], text: bytes, environment: Mapping[str, str | None] | None = None
) -> tuple[float, float]:
    """Per cent of a core and megabytes of ``argv`` in steady state, once it has shown ``text``."""
    with Terminal(argv, size=SIZE, environment=environment) as terminal:
        seen = b""
        while text not in seen:
            more = terminal.wait_for_bytes(60.0)
            if not more:
                raise SystemExit(f"{argv[0]} never showed {text!r}")
            seen += more
        terminal.read_for(WARM)
        pids = terminal.processes
        cpu = sum(map(cpu_seconds, pids))
        terminal.read_for(SECONDS)
        cpu = sum(map(cpu_seconds, pids)) - cpu
        return 100 * cpu / SECONDS, sum(map(resident, pids)) / 1e6


def console(address: str, count: int) -> tuple[float, float]:
    """The console on ``count`` services, with a home of its own for its recording."""
    with (
        console_on(address, count, 1, "5s") as argv,
        tempfile.TemporaryDirectory() as home,
    ):
        return used(argv, b"service-", {"HOME": home, "XDG_STATE_HOME": f"{home}/state"})


def main(counts: Sequence[int]) -> int:
    """Measure and print the table."""
    figures = []
    with endpoints() as address:
        for count in counts:
            most, room = TARGETS.get(count, (None, None))
            cpu, memory = console(address, count)
            figures += [
                Figure(f"{count:,} services: CPU of a core", cpu, "%", most),
                Figure(f"{count:,} services: memory", memory, "MB", room),
            ]
        bare = asyncio.run(probing.measure("bare protocol", 1000, f"{address}/health"))
        floor = 100 * float(str(bare["share_of_core"]))
        figures.append(Figure("a bare protocol that asks 1,000: CPU of a core", floor, "%"))
        with glances() as program:
            if program:
                theirs, _ = used([program, "--disable-check-update"], b"")
                ours, _ = console(address, BESIDE_GLANCES)
                figures.append(Figure("glances: CPU of a core", theirs, "%"))
                figures.append(Figure(f"{BESIDE_GLANCES} services: the same", ours, "%", theirs))
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    figures.append(Figure("load for each core, at the end", load))
    return report(figures)


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or COUNTS))
