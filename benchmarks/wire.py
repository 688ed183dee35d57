"""What a console sends over the wire beside btop and glances at the same size.

``python -m benchmarks.wire``. Each program runs on a pseudo-terminal of 120×40 for the same time,
after the same time to settle: the console on 50 real endpoints at its default interval, on the
same read every second, and with ``--low-bandwidth``; btop and glances on this machine, at their
own intervals.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.endpoints import endpoints
from benchmarks.peers import btop, glances
from benchmarks.screen import console_on
from benchmarks.targets import Figure, report
from tools.terminal import Terminal

SIZE: Final = (120, 40)
SERVICES: Final = 50
WARM: Final = 8.0
SECONDS: Final = 40.0


def bytes_per_second(
    argv: Sequence[str], text: bytes = b"", environment: Mapping[str, str | None] | None = None
) -> float:
    """What ``argv`` sends in steady state, once ``text`` has been seen."""
    seen = b""
    with Terminal(argv, size=SIZE, environment=environment) as terminal:
        while text not in seen:
            more = terminal.wait_for_bytes(30.0)
            if not more:
                raise SystemExit(f"{argv[0]} never showed {text!r}")
            seen += more
        terminal.read_for(WARM)
        before = len(terminal.sent)
        terminal.read_for(SECONDS)
        if terminal.process.poll() is not None:
            raise SystemExit(f"{argv[0]} ended: {bytes(terminal.sent[-300:])!r}")
        return (len(terminal.sent) - before) / SECONDS


def console() -> dict[str, float]:
    """The console's own figures."""
    found = {}
    with endpoints() as address:
        for name, interval, flags in (
            ("opsconsole, 50 services", "5s", ()),
            ("opsconsole, 50 services read every second", "1s", ()),
            ("opsconsole --low-bandwidth, 50 services", "5s", ("--low-bandwidth",)),
        ):
            with console_on(address, SERVICES, 1, interval) as argv:
                found[name] = bytes_per_second([*argv, *flags], b"service-00")
    return found


def peers() -> dict[str, float]:
    """Those that are available, at their own intervals, with no settings of anybody's."""
    found = {}
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"HOME": home, "LANG": "C.UTF-8", "XDG_CONFIG_HOME": None}
        if program := btop():
            found["btop"] = bytes_per_second([program], environment=environment)
        if program := stack.enter_context(glances()):
            argv = [program, "--disable-check-update"]
            found["glances"] = bytes_per_second(argv, environment=environment)
    return found


def main() -> int:
    """Measure and print the table; a peer that sends less is a missed target."""
    ours, theirs = console(), peers()
    least = min(theirs.values(), default=None)
    figures = [Figure(name, value, "B/s", least) for name, value in ours.items()]
    figures += [Figure(name, value, "B/s") for name, value in theirs.items()]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
