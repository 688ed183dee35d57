"""How long until all automation stands still after one key.

``python -m benchmarks.stopping [TRIES]``. Two watchers and two consoles, processes of one state: a
service fails, its remedy counts down, and one console presses ``K`` or types ``:auto off`` at a
moment that is drawn at random, up to the last moment of the countdown. Measured from the key to
when the stop is in the state, when the watcher that leads has recorded that it is held back, and
when each console no longer counts down; and how long after the key anything was still begun.
"""

import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.targets import Figure, report
from opsconsole.config.loader import load
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import place_from, scope_of
from tools.terminal import LONGEST, Terminal

TRIES: Final = 50
WITHIN: Final = 2.0
"""Seconds."""

COUNTDOWN: Final = 10.0
SERVICES: Final = 10
COUNTED_OF: Final = "restart of "
"""The words of a countdown on a screen, before the name."""

PROGRAM: Final = (sys.executable, "-m", "opsconsole")


class Fleet:
    """A server of all services; what is in ``failing`` is down, and well once it was restarted."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        failing = self.failing

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.split("/")[1]
                self._say(503 if name in failing else 200)

            def do_POST(self) -> None:
                failing.discard(self.path.split("/")[1])
                self._say(200)

            def _say(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """Who has asked need not wait for the answer."""

        self._server = Server(("127.0.0.1", 0), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class Stopping:
    """One state with two watchers, and two consoles of which one presses."""

    def __init__(self, folder: Path, fleet: Fleet, cleanup: ExitStack) -> None:
        self._fleet = fleet
        config = folder / "opsconsole.yaml"
        config.write_text(json.dumps(settings_for(fleet.url, folder / "state")))
        config.chmod(0o600)
        self._argv = (*PROGRAM, "--config", str(config))
        self._leader = cleanup.enter_context(self._watcher("leads"))
        self._standing_by = cleanup.enter_context(self._watcher("stands by"))
        made = (Terminal(self._argv, size=(120, 40)) for _ in range(2))
        self._pressing, self._looking = (cleanup.enter_context(each) for each in made)
        settings = load(config)
        self._book = RemedyBook(place_from(settings), scope_of(settings, config))
        cleanup.callback(self._book.close)
        self._random = random.Random(1)

    @contextmanager
    def _watcher(self, word: str) -> Iterator[subprocess.Popen[str]]:
        argv = (*PROGRAM, "watch", *self._argv[len(PROGRAM) :])
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert any(word in line for line in process.stdout), f"it never {word}"
                yield process
            finally:
                process.terminate()

    def once(self, service: str, *, key: bool) -> dict[str, float]:
        """Seconds from the key to each end of a countdown, by what has ended."""
        counts = f"{COUNTED_OF}{service} by itself"
        while (counting := self._counting(service, counts)) is None:
            # A busy machine may show it when it has begun.
            self._until(lambda: not self._episode(service).open)
        assert counting.counting_to is not None
        moment = self._random.uniform(time.time(), counting.counting_to)
        self._until(lambda: time.time() >= moment)
        if not key:
            self._pressing.press(":auto off")
            self._until(lambda: ":auto off" in self._pressing.text)
        pressed = time.time()
        self._pressing.press("K" if key else "\r")
        ends = {
            "in the state": lambda: self._is_stopped(service, key=key),
            "leader": lambda: self._stage(service) is not Stage.COUNTING,
            "this console": lambda: counts not in self._pressing.text,
            "other console": lambda: counts not in self._looking.text,
        }
        took = dict[str, float]()

        def all_over() -> bool:
            for name in ends.keys() - took:
                if ends[name]():
                    took[name] = time.time() - pressed
            return len(took) == len(ends)

        self._until(all_over)
        acted = self._episode(service).acted_at
        if acted is not None:
            # It had begun before, or begins before the key is in the state.
            took = {"begun after the key": max(0.0, acted - pressed)}
        self._heal(service, switched=not key)
        return took

    def _counting(self, service: str, counts: str) -> Episode | None:
        """The episode of a service that fails now, once each console counts it down."""
        self._fleet.failing.add(service)
        self._until(
            lambda: (
                service not in self._fleet.failing
                or (counts in self._pressing.text and counts in self._looking.text)
            )
        )
        found = self._episode(service)
        return found if found.stage is Stage.COUNTING else None

    def _heal(self, service: str, *, switched: bool) -> None:
        self._fleet.failing.discard(service)
        if switched:
            self._pressing.press(":auto on\r")
            self._until(lambda: self._book.switch().off is None)
        self._until(lambda: not self._episode(service).open)
        self._pressing.press("\x1b")

    def _is_stopped(self, service: str, *, key: bool) -> bool:
        if key:
            return self._episode(service).stopped is not None or self._acted(service)
        return self._book.switch().off is not None

    def _acted(self, service: str) -> bool:
        return self._episode(service).acted_at is not None

    def _stage(self, service: str) -> Stage:
        return self._episode(service).stage

    def _episode(self, service: str) -> Episode:
        return next(each for each in self._book.episodes() if each.service == service)

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST
        while not holds():
            assert time.monotonic() < end, f"{self._pressing.text}\n{self._looking.text}"
            taken = [each.take() for each in (self._pressing, self._looking)]
            if not any(taken):
                time.sleep(0.01)


def settings_for(url: str, state: Path) -> dict[str, object]:
    """A fleet of which one service fails in each try, in turns."""
    names = [f"s{number}" for number in range(SERVICES)]
    often = {"most": 1000, "apart": "5s", "failures": 1000, "unhelpful": 1000}
    return {
        "docker": [],
        "host": {"enabled": False},
        "recording": {"enabled": False},
        "state_dir": str(state),
        "services": {
            name: {
                "instances": [f"{url}/{name}"],
                "interval": "1s",
                "actions": {"restart": {"http": {"post": "/restart"}, "min_healthy": "300ms"}},
            }
            for name in names
        },
        "remedies": [
            {"when": "state == down for 1s", "service": name, "action": "restart", "mode": "auto",
             "limits": {"looks": 2, **often}}
            for name in names
        ],
        "defaults": {"timeout": "10s"},
        "automation": {"countdown": COUNTDOWN, "storm_share": 1, "storm_count": 100},
        "operations": {"cooldown": "1s", "restart_limit": 1000},
    }  # fmt: skip


def main(tries: int) -> int:
    """Measure and print the table."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        fleet = Fleet()
        cleanup.callback(fleet.close)
        stopping = Stopping(Path(folder), fleet, cleanup)
        for number in range(tries):
            for name, took in stopping.once(f"s{number % SERVICES}", key=number % 2 == 0).items():
                found.setdefault(name, []).append(took)
                print(f"{number}: {name} {took:.2f}", file=sys.stderr, flush=True)
    figures = [Figure("tries", tries)]
    for name, all_ in found.items():
        figures.append(Figure(f"{name}: half of {len(all_)} tries within", median(all_), "s"))
        figures.append(Figure(f"{name}: all within", max(all_), "s", WITHIN))
    load_each = os.getloadavg()[0] / (os.cpu_count() or 1)
    return report([*figures, Figure("load for each core, at the end", load_each)])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else TRIES))
