"""What the screen costs: first paint, processor, memory and bytes at rest, key to paint.

``python -m benchmarks.screen``. The program is ``opsconsole`` itself, on a pseudo-terminal of
120×40: on 50 endpoints that are read every second beside 50 containers of a real Docker Engine
where there is one, and on 1,000 endpoints. A bare Textual program in the same run, started in
turns with it, gives the ratio; htop and btop stand beside it where they are installed.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.compiled import installed
from benchmarks.endpoints import endpoints
from benchmarks.process import cpu_seconds, resident
from benchmarks.targets import Figure, report
from opsconsole.demo.processes import ServerError
from tests.servers.engines import obtain
from tools.terminal import Terminal

SIZE: Final = (120, 40)
WARM: Final = 6.0
SECONDS: Final = 15.0
STARTS: Final = 7
PRESSES: Final = 200
PEERS: Final = (["htop", "-d", "10"], ["btop"])
HELLO: Final = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Hello(App):\n"
    "    def compose(self):\n"
    "        yield Static('painted hello')\n"
    "Hello().run()\n"
)
FAKE: Final = [sys.executable, "-m", "tests.ui.program", "many", "--live"]


@contextmanager
def console_on(
    address: str, services: int, each: int, interval: str, docker: str = ""
) -> Iterator[list[str]]:
    """The program's argv on a configuration of its own, in a folder that is removed."""
    settings = {
        "docker": {"host": docker} if docker else {"enabled": False},
        "defaults": {"interval": interval},
        "services": {
            f"service-{number:02d}": {
                "instances": [f"{address}/{number}/{copy}" for copy in range(each)]
            }
            for number in range(services)
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opsconsole.yaml"
        lines = (f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        path.write_text("environment: {name: benchmark, danger: high}\n" + "".join(lines))
        path.chmod(0o600)
        yield [sys.executable, "-m", "opsconsole", "--read-only", "--config", str(path)]


def first_paint(starts: int) -> list[Figure]:
    """Medians, each program started in turns, so that other load falls on all alike; their modules
    are compiled, by a start before."""
    with (
        console_on("http://127.0.0.1:9", 50, 1, "1s") as console,
        tempfile.TemporaryDirectory() as folder,
    ):
        programs = {
            "Textual hello-world": ([sys.executable, "-c", HELLO], b"painted hello"),
            "opsconsole, 50 services": (console, b"BENCHMARK"),
            "opsconsole, 50 services, the overview": (console, b"Timeline"),
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        for start in range(1 + starts):
            for name, (argv, text) in programs.items():
                took = _painted(argv, text, installed(folder))
                if start:
                    times[name].append(took)
    hello, ours, overview = (statistics.median(each) for each in times.values())
    return [
        *(
            Figure(f"first paint: {name}", 1000 * statistics.median(each), "ms")
            for name, each in times.items()
        ),
        Figure("first paint: times the hello-world", ours / hello, "×", 1.25),
        Figure("first paint of the overview: times the same", overview / hello, "×"),
    ]


def at_rest(
    name: str, argv: Sequence[str], text: bytes = b"", *, ours: bool = True
) -> list[Figure]:
    """Processor, memory and bytes while what is on the screen changes once a second."""
    terminal = Terminal(argv, size=SIZE)
    try:
        _until(terminal, text)
        terminal.read_for(WARM)
        pids = terminal.processes  # the console and its guardian
        cpu, sent, began = sum(map(cpu_seconds, pids)), len(terminal.sent), time.monotonic()
        terminal.read_for(SECONDS)
        took = time.monotonic() - began
        cpu = sum(map(cpu_seconds, pids)) - cpu
        sent = len(terminal.sent) - sent
        memory = sum(map(resident, pids))
    finally:
        terminal.close()
    return [
        Figure(f"{name}: CPU of a core", 100 * cpu / took, "%", 4.0 if ours else None),
        Figure(f"{name}: memory", memory / 1e6, "MB", 120.0 if ours else None),
        Figure(f"{name}: to the terminal", sent / took, "B/s", 1500.0 if ours else None),
    ]


def key_to_paint(name: str, argv: Sequence[str], text: bytes, presses: int) -> list[Figure]:
    """Milliseconds from a key to the first byte of what it paints.

    A press waits until the screen has been quiet for a moment, so that the byte is the key's own
    and not a figure's that changed meanwhile.
    """
    terminal = Terminal(argv, size=SIZE)
    took: list[float] = []
    try:
        _until(terminal, text)
        terminal.read_for(WARM)
        for index in range(presses):
            _quiet(terminal)
            began = time.monotonic()
            terminal.press("j" if index % 40 < 20 else "k")
            terminal.wait_for_bytes(2.0)
            took.append(1000 * (time.monotonic() - began))
    finally:
        terminal.close()
    took.sort()
    return [
        Figure(f"{name}: key to paint, median", statistics.median(took), "ms", 10.0),
        Figure(f"{name}: key to paint, p99", took[int(0.99 * len(took))], "ms", 30.0),
    ]


def _quiet(terminal: Terminal) -> None:
    end = time.monotonic() + 1.0
    while terminal.wait_for_bytes(0.03) and time.monotonic() < end:
        pass


def _painted(argv: Sequence[str], text: bytes, environment: Mapping[str, str | None]) -> float:
    began = time.monotonic()
    terminal = Terminal(argv, size=SIZE, environment=environment)
    try:
        _until(terminal, text)
        return time.monotonic() - began
    finally:
        terminal.close()


def _until(terminal: Terminal, text: bytes) -> None:
    seen = b""
    end = time.monotonic() + 120
    while text not in seen:
        if time.monotonic() > end:
            raise SystemExit(f"{text!r} never came")
        seen += terminal.wait_for_bytes(0.5)


@contextmanager
def containers(count: int) -> Iterator[str]:
    """The address of a Docker Engine with ``count`` containers; '' where there is none."""
    try:
        engine = obtain()
    except ServerError as error:
        print(f"without containers: {error}")
        yield ""
        return
    try:
        for number in range(count):
            engine.run(f"bench-{engine.owner}-{number:02d}")
        yield engine.url
    finally:
        engine.close()


def main() -> int:
    """Measure and print the table."""
    figures = first_paint(STARTS)
    figures += at_rest("a fleet made up, 50 services", FAKE, b"service-0000")
    with endpoints() as address:
        with containers(50) as docker:
            name = "50 services, 50 containers" if docker else "50 services"
            with console_on(address, 50, 1, "5s", docker) as argv:
                figures += at_rest(name, argv, b"service-00")
            with console_on(address, 50, 1, "1s", docker) as argv:
                figures += at_rest(f"{name}, probed every second", argv, b"service-00", ours=False)
        with console_on(address, 50, 20, "5s") as argv:
            name = "1,000 endpoints"
            figures += key_to_paint(name, argv, b"service-00", PRESSES)
    for peer in PEERS:
        if shutil.which(peer[0]):
            figures += at_rest(peer[0], peer, ours=False)
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
