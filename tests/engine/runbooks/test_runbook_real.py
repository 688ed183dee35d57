"""Runbooks against a real service that is really restarted, and consoles that are really killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.engine import build_engine
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.demo.processes import free_port
from opsconsole.engine.engine import Engine
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.model.asked.questions import Perform, PlanFor, RunRunbook
from opsconsole.model.events import EventKind
from opsconsole.model.operation import Confirmation, Operation, Plan, Refusal
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookVerb,
    RunOutcome,
    StepRun,
    StepState,
)
from opsconsole.operations.state_place import place_from
from tests.patience import until

SHOP = """\
import http.server, json, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.path == "/health" or os.path.exists(sys.argv[2])
        body = json.dumps({"status": "healthy" if good else "starting"}).encode()
        self.send_response(200 if good else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
if os.fork():
    os._exit(0)
os.setsid()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
with open(sys.argv[3], "w") as file:
    file.write(str(os.getpid()))
server.serve_forever()
"""

RECOVERY = """\
title: recover {service}
services: shop
when: ShopDown
steps:
  - {id: look, text: Look first.}
  - {id: down, check: {http: /health}, on_failure: continue}
  - {id: restart, operation: restart}
  - {id: health, check: {http: {get: /health, json_path: status, equals: healthy}}}
  - {id: settled, wait: {for: 2s, while: state == ok, every: 1s}}
  - {id: list, check: {command: {argv: [test, -f, "{service}.pid"], read: true, cwd: .}}}
  - {id: wrong, check: {command: {argv: [sh, -c, "echo seen; exit 3"], read: true}},
     on_failure: continue}
  - {id: fine, question: {ask: fine?, expect: "yes"}}
"""

READING = """\
title: wait until ready
services: shop
steps:
  - {id: look, text: Look first.}
  - {id: health, check: {http: /health}}
  - {id: ready, wait: {until: {http: /ready}, within: 60s, every: 1s}}
  - {id: again, check: {http: /ready}}
"""


class Place:
    """A shop, its configuration and its runbooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = folder / "ready"
        self.pid_file = folder / "shop.pid"
        port = free_port()
        (folder / "shop.py").write_text(SHOP)
        self.start = [sys.executable, str(folder / "shop.py"), str(port), str(self.ready),
                      str(self.pid_file)]  # fmt: skip
        self.config = folder / "opsconsole.yaml"
        settings = {
            "docker": {"enabled": False},
            "host": {"enabled": False},
            "state_dir": str(folder / "state"),
            "recording": {"enabled": False},
            "services": {
                "shop": {
                    "instances": [f"http://127.0.0.1:{port}"],
                    "interval": "300ms",
                    "alerts": [{"name": "ShopDown", "when": "state == down"}],
                    "actions": {
                        "restart": {
                            "pid_file": {"path": str(self.pid_file), "start": self.start},
                            "min_healthy": "500ms",
                            "deadline": "20s",
                        }
                    },
                }
            },
        }
        self.config.write_text(json.dumps(settings))
        self.config.chmod(0o600)
        books = folder / "runbooks"
        books.mkdir()
        for name, text in (("recover", RECOVERY), ("reading", READING)):
            (books / f"{name}.yaml").write_text(text)
            (books / f"{name}.yaml").chmod(0o600)

    def serve(self) -> None:
        subprocess.run(self.start, check=True, timeout=20)
        until(self.pid_file.exists)

    def engine(self) -> Engine:
        configuration = Configuration(load(self.config), self.config, self.folder, read_only=False)
        return build_engine(configuration)

    def step(self, step: str) -> StepRun | None:
        book = RunStore(place_from(load(self.config)), SystemClock())
        runs = book.runs()
        book.close()
        return runs[0].step(step) if runs else None

    def end(self) -> None:
        with suppress(OSError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.serve()
    yield made
    made.end()


def carry_out(engine: Engine, step: str, answer: str = "") -> StepRun:
    """One step of the recovery to its end."""
    request = RunbookRequest("recover", "shop", RunbookVerb.RUN, step, answer)
    found = engine.ask(RunRunbook(request)).result(20)
    assert isinstance(found, RunbookAnswer), found
    if found.plan is not None:
        plan = engine.ask(PlanFor(found.plan)).result(20)
        assert isinstance(plan, Plan), plan
        started = engine.ask(Perform(plan, Confirmation("shop", "a test"))).result(20)
        assert isinstance(started, Operation), started

    def ended() -> StepRun | None:
        runs = engine.latest.runbook_runs
        at = runs[0].step(step) if runs else None
        return at if at is not None and at.ended_at is not None else None

    until(ended)
    at = ended()
    assert at is not None
    return at


def test_a_recovery_of_a_service_that_was_killed_comes_to_a_verified_end(place: Place) -> None:
    engine = place.engine()
    engine.start()
    try:
        until(lambda: engine.latest.runbooks)
        before = place.pid_file.read_text()
        os.kill(int(before), signal.SIGKILL)
        carry_out(engine, "look")
        down = carry_out(engine, "down")
        assert (down.state, "refused" in down.said) == (StepState.FAILED, True)
        restarted = carry_out(engine, "restart")
        assert restarted.state is StepState.PASSED
        assert restarted.said.startswith("verified: healthy for")
        assert place.pid_file.read_text() != before
        assert carry_out(engine, "health").said == "HTTP 200 OK"
        until(lambda: engine.latest.services[0].state == "ok")
        assert carry_out(engine, "settled").state is StepState.PASSED
        assert carry_out(engine, "list").state is StepState.PASSED
        wrong = carry_out(engine, "wrong")
        assert (wrong.state, wrong.said[:6], wrong.evidence) == (
            StepState.FAILED, "exit 3", ("output: seen",),
        )  # fmt: skip
        carry_out(engine, "fine", "yes")
        until(lambda: not engine.latest.runbook_runs[0].open)
        assert engine.latest.runbook_runs[0].outcome is RunOutcome.FINISHED
        kinds = [event.kind for event in engine.latest.events]
        assert kinds.count(EventKind.RUNBOOK) == 10
        refused = engine.ask(
            RunRunbook(RunbookRequest("recover", "shop", RunbookVerb.RUN, "restart"))
        ).result(20)
        assert isinstance(refused, Refusal)
    finally:
        engine.stop()


def console(place: Place, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OPSCONSOLE_CONFIG": str(place.config)},
    )


def test_a_console_killed_in_a_wait_leaves_a_run_that_the_next_one_ends(place: Place) -> None:
    words = ("opsconsole", "runbook", "run", "reading", "--yes")
    first = console(place, *words)

    def sampled() -> bool:
        at = place.step("ready")
        return at is not None and at.samples.failed > 0

    until(sampled)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    left = place.step("ready")
    assert left is not None
    assert left.state is StepState.RUNNING

    place.ready.touch()
    second = console(place, *words)
    said, _ = second.communicate(timeout=30)

    assert second.returncode == 0, said.decode()
    assert b"finished: 4 passed" in said
    assert b"1. Look first." not in said
    ended = place.step("ready")
    assert ended is not None
    assert (ended.state, ended.attempts) == (StepState.PASSED, 1)
    assert ended.started_at == left.started_at


def test_a_console_killed_after_it_began_an_operation_finds_it_again(place: Place) -> None:
    (place.folder / "runbooks/short.yaml").write_text(
        "title: s\nservices: shop\nsteps:\n  - {id: again, operation: restart}\n"
    )
    (place.folder / "runbooks/short.yaml").chmod(0o600)
    before = place.pid_file.read_text()
    first = console(place, "tests.engine.runbooks.console", str(place.config), "short", "again")
    assert first.stdout is not None
    line = first.stdout.readline()
    assert line.startswith(b"started"), line + first.stdout.read()
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)

    engine = place.engine()
    engine.start()
    try:
        until(lambda: (at := place.step("again")) is not None and at.ended_at is not None)
        at = place.step("again")
        assert at is not None
        assert (at.state, at.attempts) == (StepState.PASSED, 1)
        assert at.operation == line.split()[1].decode()
        assert place.pid_file.read_text() != before
    finally:
        engine.stop()
