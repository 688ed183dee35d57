"""The engine as its users have it: a thread, snapshots, real HTTP."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.asked.questions import PlanFor
from opsconsole.model.events import EventKind
from opsconsole.model.fault import FaultKind
from opsconsole.model.observations import AlertmanagerSeen
from opsconsole.model.operation import ActionKind, ActionRequest, Refusal
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.state import State
from opsconsole.operations.operator import Operator
from opsconsole.render.timeline.words import words
from tests.engine.conftest import REFUSED, ScriptedSource, fleet
from tests.named import named
from tests.patience import until

WITHIN = 120.0

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Health(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b'{"status": "ok", "version": "1.0"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer.allow_reuse_address = True
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Health)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def serving(port: int = 0) -> Iterator[int]:
    """A health endpoint in a process of its own; killed at the end."""
    argv = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def running(settings: Settings, **more: Any) -> Iterator[Engine]:
    engine = Engine(settings, base=Path(), **more)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
        assert not any(thread.name == "engine" for thread in threading.enumerate())


def wait_for(engine: Engine, wanted: Callable[[Snapshot], bool]) -> None:
    """Until ``wanted`` holds of the latest snapshot."""
    until(lambda: wanted(engine.latest))


def is_in(state: State, name: str = "api") -> Callable[[Snapshot], bool]:
    def look(snapshot: Snapshot) -> bool:
        service = snapshot.service(name)
        return service is not None and service.state is state

    return look


def local(port: int, interval: str = "1s") -> Settings:
    service = {"instances": [f"http://127.0.0.1:{port}"], "interval": interval, "timeout": "1s"}
    return fleet({"api": service})


def test_killed_is_red_within_two_intervals_and_back_is_green() -> None:
    with ExitStack() as ending:
        with serving() as port:
            engine = ending.enter_context(running(local(port, "2s")))
            wait_for(engine, is_in(State.OK))
        # Two intervals, and the half second that a snapshot may be old.
        wait_for(engine, is_in(State.DOWN))
        service = engine.latest.service("api")
        assert service is not None
        assert "refused" in service.reason
        with serving(port):
            wait_for(engine, is_in(State.OK))
        assert [event.after for event in engine.latest.events] == ["down", "ok"]


def test_before_the_first_look_everything_is_unknown() -> None:
    engine = Engine(local(9), base=Path())
    assert engine.latest.seq == 1
    assert is_in(State.UNKNOWN)(engine.latest)


def test_one_look_decides() -> None:
    with serving() as port:
        settings = fleet(
            {
                "up": {"instances": [f"http://127.0.0.1:{port}"]},
                "gone": {"instances": ["http://127.0.0.1:9"]},
            }
        )
        snapshot = Engine(settings, base=Path()).look_once()
    assert is_in(State.OK, "up")(snapshot)
    assert is_in(State.DOWN, "gone")(snapshot)
    assert snapshot.service("up") is not None


def test_a_look_that_does_not_end_leaves_unknown() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        settings = fleet(
            {"api": {"instances": [f"http://127.0.0.1:{mute.getsockname()[1]}"], "timeout": "20s"}}
        )
        snapshot = Engine(settings, base=Path()).look_once(0.5)
    assert is_in(State.UNKNOWN)(snapshot)


def test_a_source_that_stops_says_so_and_is_back_by_itself() -> None:
    place = ScriptedSource(named("alertmanager:main"), 0.1, SystemClock(), AlertmanagerSeen())

    def shown(snapshot: Snapshot) -> SourceView | None:
        return next((each for each in snapshot.sources if each.taken_at is not None), None)

    def lost(snapshot: Snapshot) -> bool:
        source = shown(snapshot)
        return source is not None and source.fault == REFUSED

    def well(snapshot: Snapshot) -> bool:
        source = shown(snapshot)
        return source is not None and source.fault is None

    with running(fleet({}), sources=[place]) as engine:
        wait_for(engine, well)
        place.answer = REFUSED
        wait_for(engine, lost)
        place.answer = AlertmanagerSeen()
        wait_for(engine, well)
        told = [words(event) for event in engine.latest.events]
    assert [message.split(" ")[1] for message in told] == ["lost:", "is"]
    assert place.closed


def test_listeners_are_called_on_change_alone_and_at_most_twice_a_second() -> None:
    clock = SystemClock()
    probe = ScriptedSource(named("probe:api/api:health"), 60.0, clock)
    busy = ScriptedSource(named("probe:web/web:health"), 0.05, clock)
    settings = fleet(
        {
            "api": {"instances": ["http://10.0.0.1"], "interval": "60s"},
            "web": {"instances": ["http://10.0.0.2"], "interval": "1s"},
        }
    )
    heard: list[int] = []
    with running(settings, sources=[probe], clock=clock) as engine:
        engine.listen(lambda snapshot: heard.append(snapshot.seq))
        time.sleep(2.0)
    assert len(heard) <= 2
    heard.clear()
    with running(settings, sources=[probe, busy], clock=clock) as engine:
        engine.listen(lambda snapshot: heard.append(snapshot.seq))
        time.sleep(2.0)
    assert 2 <= len(heard) <= 5
    assert heard == sorted(set(heard))


def test_a_listener_that_raises_stops_nobody() -> None:
    def broken(snapshot: Snapshot) -> None:
        raise RuntimeError("a defect")

    heard = threading.Event()
    probe = ScriptedSource(named("probe:api/api:health"), 0.2, SystemClock())
    with running(local(9), sources=[probe]) as engine:
        engine.listen(broken)
        engine.listen(lambda snapshot: heard.set())
        assert heard.wait(WITHIN)
        wait_for(engine, lambda snapshot: any("internal errors" in n for n in snapshot.notices))


def test_a_source_that_raises_is_internal_and_the_rest_goes_on() -> None:
    clock = SystemClock()
    broken = ScriptedSource(named("probe:api/api-1:health"), 0.2, clock, RuntimeError("a defect"))
    sound = ScriptedSource(named("probe:api/api-2:health"), 0.2, clock)
    settings = fleet(
        {"api": {"instances": ["http://10.0.0.1", "http://10.0.0.2"], "interval": "1s"}}
    )
    with running(settings, sources=[broken, sound]) as engine:
        wait_for(
            engine,
            lambda snapshot: (
                [each.state for each in snapshot.services[0].instances] == [State.UNKNOWN, State.OK]
            ),
        )
        fault = engine.latest.services[0].instances[0].fault
        assert fault is not None
        assert fault.kind is FaultKind.INTERNAL
        wait_for(engine, lambda snapshot: bool(snapshot.notices))


class JumpingClock(SystemClock):
    """Loses time when told to, as a suspended machine does."""

    lost = 0.0

    def now(self) -> float:
        return super().now() + self.lost


def test_a_suspension_is_told_once_and_nothing_turns_red_by_it() -> None:
    clock = JumpingClock()
    urls = [f"http://10.0.0.{number}" for number in range(1, 4)]
    settings = fleet({"api": {"instances": urls, "interval": "1s"}})
    probes = [ScriptedSource(named(f"probe:api/api-{n}:health"), 1.0, clock) for n in range(1, 4)]
    with running(settings, sources=probes, clock=clock) as engine:
        wait_for(engine, is_in(State.OK))
        clock.lost = 7200.0
        wait_for(engine, lambda snapshot: any("suspended" in each for each in snapshot.notices))
        wait_for(engine, is_in(State.OK))
        assert [event.kind for event in engine.latest.events] == [EventKind.CLOCK]


def test_notes_are_on_the_timeline_and_sanitised() -> None:
    with running(local(9), sources=[]) as engine:
        engine.note("rolled \x1b[31mback", "api")
        wait_for(engine, lambda snapshot: bool(snapshot.events))
        (event,) = engine.latest.events
        assert words(event) == "rolled ␛[31mback"
        assert event.service == "api"


def test_without_an_operator_every_action_is_refused() -> None:
    request = ActionRequest("api", ActionKind.RESTART)
    with running(local(9), sources=[]) as engine:
        wait_for(engine, lambda snapshot: True)
        time.sleep(0.2)
        answer = engine.ask(PlanFor(request)).result(WITHIN)
        assert isinstance(answer, Refusal)
        assert answer.code == "no-operator"
    answer = engine.ask(PlanFor(request)).result(WITHIN)
    assert isinstance(answer, Refusal)
    assert answer.code == "stopped"


class BrokenOperator(Operator):
    """Raises whatever it is asked; what a defect in operations looks like to the engine."""

    def __init__(self) -> None:
        """Nothing is opened."""

    async def plan(self, request: ActionRequest, snapshot: Snapshot | None) -> Refusal:
        raise RuntimeError("a defect")

    def actions(self, service: str, snapshot: Snapshot | None = None) -> tuple[()]:
        raise RuntimeError("a defect")

    def changed(self) -> bool:
        raise RuntimeError("a defect")

    def operations(self, limit: int = 50) -> tuple[()]:
        raise RuntimeError("a defect")

    def left_to_others(self) -> tuple[()]:
        return ()

    async def reconcile(self) -> int:
        raise RuntimeError("a defect")

    def close(self) -> None:
        """Nothing is held."""


def test_a_defect_in_operations_is_an_answer_and_stops_no_look() -> None:
    probe = ScriptedSource(named("probe:api/api:health"), 0.2, SystemClock())
    with running(local(9), sources=[probe], operator=BrokenOperator()) as engine:
        wait_for(engine, is_in(State.OK))
        answer = engine.ask(PlanFor(ActionRequest("api", ActionKind.RESTART))).result(WITHIN)
        assert isinstance(answer, Refusal)
        assert answer.code == "internal-error"
        wait_for(engine, lambda snapshot: any("internal errors" in n for n in snapshot.notices))
        looked = len(probe.looked)
        time.sleep(0.6)
        assert len(probe.looked) > looked


def test_stop_does_not_wait_for_a_source_that_hangs() -> None:
    clock = SystemClock()
    hung = ScriptedSource(named("probe:api/api:health"), 1.0, clock, REFUSED)
    hung.takes = 1000.0
    engine = Engine(local(9), base=Path(), sources=[hung])
    engine.start()
    time.sleep(1.2)
    engine.stop()
    assert hung.closed


def test_an_engine_is_started_once() -> None:
    with running(local(9), sources=[]) as engine, pytest.raises(RuntimeError):
        engine.start()
