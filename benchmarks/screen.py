"""What the screen costs: bytes and processor at rest, key to paint, first paint.

``python -m benchmarks.screen``. 50 services whose figures all change once a second, at 120×40, on
a pseudo-terminal; a bare Textual program beside it in the same run gives the ratio.
"""

import json
import os
import statistics
import sys
import time
from typing import Final

from tools.pictures import Session

SIZE: Final = (120, 40)
SECONDS: Final = 15.0
STARTS: Final = 7
PRESSES: Final = 60
HELLO: Final = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Hello(App):\n"
    "    def compose(self):\n"
    "        yield Static('painted hello')\n"
    "Hello().run()\n"
)


def at_rest(seconds: float) -> dict[str, float]:
    """Bytes a second and share of a core while 50 services change at 1 Hz, and memory."""
    session = Session([sys.executable, "-m", "tests.ui.program", "many", "--live"], *SIZE)
    try:
        _until(session, b"service-0000")
        session.read_for(3.0)
        before, sent = _cpu(session.process.pid), session.received
        began = time.monotonic()
        session.read_for(seconds)
        took = time.monotonic() - began
        return {
            "bytes_per_second": (session.received - sent) / took,
            "share_of_a_core": (_cpu(session.process.pid) - before) / took,
            "megabytes": _resident(session.process.pid) / 1e6,
        }
    finally:
        session.close()


def key_to_paint(presses: int) -> dict[str, float]:
    """Milliseconds from a key to the first byte of its paint, figures changing meanwhile."""
    session = Session([sys.executable, "-m", "tests.ui.program", "many", "--live"], *SIZE)
    took: list[float] = []
    try:
        _until(session, b"service-0000")
        session.read_for(2.0)
        for index in range(presses):
            session.read_for(0.05)
            began = time.monotonic()
            session.press("j" if index % 2 == 0 else "k")
            session.wait_for_bytes(2.0)
            took.append((time.monotonic() - began) * 1000)
    finally:
        session.close()
    took.sort()
    return {"median_ms": statistics.median(took), "p99_ms": took[int(len(took) * 0.99)]}


def first_paint(starts: int) -> dict[str, float]:
    """Median seconds to the first paint of a bare Textual program and of the console."""
    console = [sys.executable, "-m", "tests.ui.program", "many"]
    bare = [sys.executable, "-c", HELLO]
    times: dict[str, list[float]] = {"hello": [], "console": []}
    for _ in range(starts):
        times["hello"].append(_painted(bare, b"painted hello"))
        times["console"].append(_painted(console, b"Services"))
    hello, ours = (statistics.median(times[name]) for name in ("hello", "console"))
    return {"hello_s": hello, "console_s": ours, "ratio": ours / hello}


def _painted(argv: list[str], text: bytes) -> float:
    began = time.monotonic()
    session = Session(argv, *SIZE)
    try:
        _until(session, text)
        return time.monotonic() - began
    finally:
        session.close()


def _until(session: Session, text: bytes) -> None:
    seen = b""
    end = time.monotonic() + 30
    while text not in seen:
        if time.monotonic() > end:
            raise SystemExit(f"{text!r} never came")
        seen += session.wait_for_bytes(0.5)


def _cpu(pid: int) -> float:
    """Seconds of processor used by ``pid``."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Measure and print one JSON object."""
    result = {
        "first_paint": first_paint(STARTS),
        "at_rest_50_services_1_hz": at_rest(SECONDS),
        "key_to_paint": key_to_paint(PRESSES),
    }
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
