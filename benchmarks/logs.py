"""The logs screen while a container floods it: frame time, memory, and whether what it shows is so.

``python -m benchmarks.logs``. The program is ``opsconsole`` itself, on a pseudo-terminal of 120×40;
the container is a real one whose lines are numbered, so that every row can be checked: between two
neighbours no number is missing, unless a row between them says exactly how many were dropped.
"""

import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.process import cpu_seconds, resident
from benchmarks.targets import Figure, report
from opsconsole.demo.docker_engine import Engine
from tests.servers.engines import obtain
from tools.terminal import Terminal

SIZE: Final = (120, 40)
RATE: Final = 50_000
SECONDS: Final = 60.0
NAME: Final = "log-flood"

_BATCH: Final = 5_000
_FRAME_MOST: Final = 10.0

_BEGIN: Final = "/begin"
_ROW: Final = re.compile(r"n=(\d+) request served")
_DROPPED: Final = re.compile(r"── ([\d,]+) lines dropped ──")
_ACCOUNT: Final = re.compile(r"([\d,]+) of ([\d,]+) lines(?:.*dropped ([\d,]+) in all)?")


@dataclass(slots=True)
class Watched:
    """What was measured. ``wrong`` are rows that cannot be so; ``frames`` are seconds."""

    written: int
    frames: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    rows: int = 0
    gaps: int = 0
    held: int = 0
    seen: int = 0
    dropped: int = 0
    cpu: float = 0.0
    took: float = 0.0
    last: int = 0


def watch(engine: Engine, *, rate: int, seconds: float) -> Watched:
    """Flood the console for ``seconds`` at ``rate`` lines a second, and look at all it shows."""
    watched = Watched(int(rate * seconds))
    container = engine.run(NAME, command=["sh", "-c", _flood(watched.written, rate)])
    with _console_on(engine.url, str(container.name)) as argv, Terminal(argv, size=SIZE) as screen:
        screen.until("1/1")
        screen.press("l")
        screen.until("following")
        screen.until(lambda text: "n=1 " in text)
        container.exec_run(["touch", _BEGIN])
        screen.until(lambda text: "n=2 " in text or "n=1 " not in text)
        _watch_flood(screen, watched, seconds)
        _watch_end(screen, watched)
    return watched


def _flood(count: int, rate: int) -> str:
    """A program that says its first line at once, and the others once it finds the mark."""
    pause = int(1e6 * _BATCH / rate * 0.9)
    return (
        f"awk 'BEGIN{{for(i=1;i<={count};i++)"
        f'{{if(i==2){{fflush(); while(system("test -e {_BEGIN}"))system("usleep 50000")}}'
        ' print "n=" i " request served in 42 ms by worker 7 for tenant 12";'
        f' if(i%{_BATCH}==0){{fflush(); system("usleep {pause}")}}}}}}\'; sleep 1000'
    )


@contextmanager
def _console_on(docker: str, container: str) -> Iterator[list[str]]:
    settings = {
        "docker": {"host": docker},
        "services": {"flooded": {"containers": [container], "logs": [{"docker": container}]}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opsconsole.yaml"
        lines = (f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        path.write_text("".join(lines))
        path.chmod(0o600)
        yield [sys.executable, "-m", "opsconsole", "--read-only", "--config", str(path)]


def _watch_flood(screen: Terminal, watched: Watched, seconds: float) -> None:
    pid = _console(screen)
    began, cpu = time.monotonic(), cpu_seconds(pid)
    while time.monotonic() - began < seconds:
        watched.memory.append(resident(pid))
        watched.frames.append(_frame(screen))
        screen.press("p")
        screen.until("PAUSED")
        screen.read(0.2)
        _check_rows(screen.lines, watched)
        screen.press("p")
        screen.until(lambda text: "PAUSED" not in text)
        screen.read(0.5)
    watched.took = time.monotonic() - began
    watched.cpu = cpu_seconds(pid) - cpu


def _frame(screen: Terminal) -> float:
    """Seconds from a key to what it paints: the title's word for wrapped lines, and off again."""
    began = time.monotonic()
    screen.press("w")
    while "wrapped" not in screen.text and time.monotonic() - began < _FRAME_MOST:
        screen.read(0.005)
    took = time.monotonic() - began
    screen.press("w")
    screen.until(lambda text: "wrapped" not in text)
    return took


def _check_rows(lines: Sequence[str], watched: Watched) -> None:
    """Every row follows the one above it, or a row between them accounts for what is missing."""
    before: int | None = None
    dropped = 0
    for line in lines:
        gap, row = _DROPPED.search(line), _ROW.search(line)
        if gap is not None:
            dropped += int(gap[1].replace(",", ""))
            watched.gaps += 1
        if row is None:
            continue
        number = int(row[1])
        if before is not None and number != before + dropped + 1:
            watched.wrong.append(f"{number} after {before}, {dropped} said to be dropped")
        before, dropped = number, 0
        watched.rows += 1


def _watch_end(screen: Terminal, watched: Watched) -> None:
    """Wait until the console has heard all, and take its account."""
    wanted = f"of {watched.written:,} lines"
    screen.until(lambda text: wanted in text)
    screen.read(1.5)
    _check_rows(screen.lines, watched)
    account = next(filter(None, map(_ACCOUNT.search, screen.lines)))
    watched.held, watched.seen = (int(account[each].replace(",", "")) for each in (1, 2))
    watched.dropped = int((account[3] or "0").replace(",", ""))
    numbers = [int(row[1]) for row in map(_ROW.search, screen.lines) if row is not None]
    watched.last = numbers[-1] if numbers else 0
    watched.memory.append(resident(_console(screen)))


def _console(screen: Terminal) -> int:
    """The console's own process, which is by far the largest of its session."""
    return max(screen.processes, key=resident)


def main() -> int:
    """Run and report."""
    engine = obtain()
    try:
        watched = watch(engine, rate=RATE, seconds=SECONDS)
    finally:
        engine.close()
    frames = sorted(1000 * each for each in watched.frames)
    exact = watched.seen == watched.written == watched.last
    code = report(
        [
            Figure("lines written a second", watched.written / watched.took, "/s"),
            Figure("lines dropped unread", watched.dropped),
            Figure("rows looked at", watched.rows),
            Figure("rows that cannot be so", len(watched.wrong), "", 0),
            Figure("account is not exact (1 is yes)", int(not exact), "", 0),
            Figure("key to paint, median", statistics.median(frames), "ms", 100.0),
            Figure("key to paint, worst", frames[-1], "ms", 500.0),
            Figure("memory at first", watched.memory[0] / 1e6, "MB"),
            Figure("memory at most", max(watched.memory) / 1e6, "MB", 200.0),
            Figure("CPU of a core", 100 * watched.cpu / watched.took, "%"),
        ]
    )
    for each in watched.wrong[:10]:
        print(each)
    return code


if __name__ == "__main__":
    sys.exit(main())
