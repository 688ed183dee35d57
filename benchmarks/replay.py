"""What a step in time costs: ``python -m benchmarks.replay``.

An hour of a fleet of 100 services is recorded, second by second. The program is ``opsconsole``
itself, on a pseudo-terminal of 120×40, looking at 100 endpoints meanwhile; a step is taken from the
key to the whole picture of the moment on the terminal's emulator, whose own time counts too. Beside
it stands what the program itself spent, which says more where the machine has other work.
"""

import json
import re
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.endpoints import endpoints
from benchmarks.process import cpu_seconds
from benchmarks.targets import Figure, report
from opsconsole.config.loader import load
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.place import place_of
from opsconsole.engine.recording.writer import Writer
from tests.engine.recording import fleet as simulated
from tools.terminal import Terminal

SIZE: Final = (120, 40)
SERVICES: Final = 100
HOUR: Final = 3600
STEPS: Final = 50
WITHIN: Final = 20.0
REST: Final = 10.0
"""Seconds in which is measured what the program spends without a step."""
_SHOWN: Final = re.compile(r"REPLAY (?:\S+ )?(\d\d):(\d\d):(\d\d)Z, ")


def configure(folder: Path, address: str) -> Path:
    """A configuration of as many services, whose state is in ``folder``."""
    settings = {
        "docker": {"enabled": False},
        "state_dir": str(folder / "state"),
        "services": {
            f"service-{number}": {"instances": [f"{address}/{number}"]}
            for number in range(SERVICES)
        },
    }
    path = folder / "opsconsole.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))
    path.chmod(0o600)
    return path


def record(config: Path) -> float:
    """An hour that ends now; milliseconds of the processor for each moment written."""
    place = place_of(load(config), config)
    place.prepare()
    simulated.START = time.time() - HOUR - 30
    fleet, spent = simulated.SimulatedFleet(SERVICES), 0.0
    writer = Writer(place.database, place.mode())
    try:
        for _ in range(HOUR):
            snapshot = fleet.tick()
            began = time.process_time()
            writer.write(snapshot)
            spent += time.process_time() - began
    finally:
        writer.close()
    return 1000 * spent / HOUR


def reads(config: Path, count: int = 60) -> list[float]:
    """Milliseconds for a moment out of the recording, over the whole hour."""
    archive = Archive(place_of(load(config), config).database)
    span, took = archive.span(), []
    if span is None:
        raise SystemExit("nothing was recorded")
    try:
        for number in range(count):
            began = time.perf_counter()
            archive.at(span.begin + (span.end - span.begin) * (number + 0.5) / count)
            took.append(1000 * (time.perf_counter() - began))
    finally:
        archive.close()
    return took


@contextmanager
def console(config: Path) -> Iterator[Terminal]:
    """The program, once it has looked at its services."""
    argv = [sys.executable, "-m", "opsconsole", "--read-only", "--config", str(config)]
    terminal = Terminal(argv, size=SIZE)
    try:
        terminal.until(f"{SERVICES} ok")
        terminal.read(2.0)
        yield terminal
    finally:
        terminal.close()


def spent_by(terminal: Terminal) -> float:
    """Seconds of processor of the program and of what it started."""
    return sum(cpu_seconds(pid) for pid in terminal.processes)


def step(terminal: Terminal, key: str) -> float:
    """Press ``key``; milliseconds until another moment than before is on the screen."""
    before = shown(terminal)
    began = time.monotonic()
    terminal.press(key)
    while shown(terminal) in {before, ""}:
        if time.monotonic() - began > WITHIN:
            raise SystemExit(f"no moment was shown:\n{terminal.text}")
        if select.select([terminal.master], [], [], 0.1)[0]:
            terminal.take()
    return 1000 * (time.monotonic() - began)


def shown(terminal: Terminal) -> str:
    """The moment on the screen; '' where none is, or while another one is read."""
    banner = terminal.lines[1]
    found = _SHOWN.search(banner)
    return "" if found is None or "reading" in banner else ":".join(found.groups())


def steps(terminal: Terminal) -> list[float]:
    """Minute by minute back through the hour, and forth again; each once the last has settled."""
    took = []
    for key in "[" * STEPS + "]" * (STEPS // 2):
        took.append(step(terminal, key))
        terminal.read(0.05)
    return took


def main() -> int:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as folder, endpoints() as address:
        config = configure(Path(folder), address)
        writing = record(config)
        reading = sorted(reads(config))
        with console(config) as terminal:
            spent, began = spent_by(terminal), time.monotonic()
            terminal.read_for(REST)
            resting = (spent_by(terminal) - spent) / (time.monotonic() - began)
            spent, began = spent_by(terminal), time.monotonic()
            took = sorted(steps(terminal))
            spent = spent_by(terminal) - spent
            spent -= resting * (time.monotonic() - began)
    name = f"an hour of {SERVICES} services"
    return report(
        [
            Figure(f"{name}: CPU per recorded moment", writing, "ms"),
            Figure(f"{name}: a moment read, median", statistics.median(reading), "ms"),
            Figure(f"{name}: a moment read, slowest", reading[-1], "ms"),
            Figure(f"{name}: a step, key to picture, median", statistics.median(took), "ms", 100.0),
            Figure(f"{name}: a step, slowest of {len(took)}", took[-1], "ms"),
            Figure(f"{name}: a step, CPU of the program", 1000 * spent / len(took), "ms", 100.0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
