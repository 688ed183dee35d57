"""Drills on real containers: the cause of each stands on the row of its service.

All are in one fleet that is looked at once a second, so that the engine is started once.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError

from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import Engine as DockerEngine
from opsconsole.demo.processes import answers_http, free_port
from opsconsole.engine.engine import Engine
from opsconsole.model.diagnosis import Confidence
from opsconsole.model.events import Event, EventCode
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.service.why import why
from tests.patience import until
from tests.servers.engines import host_port

INTERVAL = 1.0
LEAK = 'x=""; while true; do x="$x$(head -c 1000000 /dev/zero | tr \'\\0\' x)"; done'
NEEDY = ["sh", "-c", 'sleep 2; test -n "$LLM_URL" || exit 3; sleep 1000']


class Drills:
    """A fleet of containers with a console that looks at it."""

    def __init__(self, docker: DockerEngine, stack: ExitStack) -> None:
        self.docker = docker
        self._stack = stack
        self._services: dict[str, Any] = {}
        self._engine: Engine | None = None

    def serve(self, service: str, *copies: str, **more: Any) -> None:
        """A service of containers that serve a page."""
        instances = []
        for copy in copies:
            port = free_port()
            self.docker.run(copy, ports={8080: port})
            until(lambda port=port: answers_http(port))  # type: ignore[misc]
            instances.append({"url": f"http://127.0.0.1:{port}", "container": copy})
        self.declare(service, instances=instances, **more)

    def declare(self, service: str, **more: Any) -> None:
        page = {"path": "/", "expect": {"contains": "version"}}
        self._services[service] = {"interval": INTERVAL, "health": page, **more}

    def look(self) -> None:
        """Begin to look, until all is well."""
        engine = self.look_again()
        until(lambda: all(each.state is State.OK for each in engine.latest.services))
        time.sleep(1.0)  # the stream of events is opened after the first look

    def look_again(self) -> Engine:
        """A console that begins now."""
        settings = Settings.model_validate(
            {
                "host": {"enabled": False},
                "docker": {"host": self.docker.url, "interval": f"{INTERVAL}s"},
                "services": self._services,
            }
        )
        self._engine = engine = Engine(settings, base=Path())
        engine.start()
        self._stack.callback(engine.stop)
        return engine

    def events(self, service: str) -> list[Event]:
        assert self._engine is not None
        return [each for each in self._engine.latest.events if each.service == service]

    def row(self, service: str) -> ServiceView:
        assert self._engine is not None
        found = self._engine.latest.service(service)
        assert found is not None
        return found

    def says(self, service: str, said: str) -> None:
        """Until the row says so."""
        try:
            until(lambda: said in why(self.row(service), 80))
        except AssertionError:
            pytest.fail(f"{why(self.row(service), 80)!r} without {said!r}")

    def holds(self, service: str, wanted: Callable[[ServiceView], bool]) -> None:
        until(lambda: wanted(self.row(service)))


@pytest.fixture
def drills(docker_sandbox: DockerEngine) -> Iterator[Drills]:
    with ExitStack() as stack:
        yield Drills(docker_sandbox, stack)


def test_causes_are_on_their_rows_of_a_console_opened_later_too(drills: Drills) -> None:
    docker = drills.docker
    drills.serve("shop", "drill-shop-1", "drill-shop-2", "drill-shop-3")
    docker.run("drill-leak", command="sleep 1000", mem_limit="32m")
    drills.declare("leak", containers="drill-leak")
    docker.run("drill-env", command=NEEDY, environment={"LLM_URL": "http://hunter2"})
    drills.declare("env", containers="drill-env")
    drills.look()

    # One of three is killed.
    docker.client().containers.get("drill-shop-2").kill()
    drills.says("shop", "drill-shop-2 stopped by SIGKILL")
    assert drills.row("shop").state is State.DEGRADED

    # Another image has a leak.
    docker.client().containers.get("drill-leak").remove(force=True)
    docker.run(
        "drill-leak",
        image=docker.image(2),
        command=["sh", "-c", LEAK],
        mem_limit="16m",
        restart="always",
    )
    drills.says("leak", "drill-leak killed, out of memory")
    drills.says("leak", "since 1→2")
    drills.says("leak", "out of memory ×3")
    drills.holds("leak", lambda row: row.state is not State.OK)
    for _ in range(20):
        assert drills.row("leak").state is not State.OK, "what restarts in a loop is never green"
        time.sleep(0.1)

    # The container is made again without its setting.
    docker.client().containers.get("drill-env").remove(force=True)
    docker.run("drill-env", command=NEEDY)
    drills.says("env", "drill-env died, exit 3 since env LLM_URL removed")

    # A console that is opened now learns what happened before it.
    opened = time.time()
    drills.look_again()
    drills.says("shop", "drill-shop-2 stopped by SIGKILL")
    drills.says("env", "drill-env died, exit 3")
    drills.says("leak", "drill-leak killed, out of memory ×")
    died = [each for each in drills.events("shop") if each.code is EventCode.ENDED]
    assert [each.subject for each in died] == ["drill-shop-2"]
    assert died[0].at < opened


ANSWER = r"""#!/bin/sh
code="200 OK"; body='{"status":"ok"}'
PART
printf 'HTTP/1.0 %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
  "$code" "${#body}" "$body"
"""
SERVE = """
mkdir -p /www/cgi-bin; printf '%s' "$ANSWER" > /www/cgi-bin/health
chmod 755 /www/cgi-bin/health; exec httpd -f -p 8080 -h /www
"""


def answering(part: str = "") -> dict[str, Any]:
    """What runs a container that answers as ``part`` of a script says."""
    script = ANSWER.replace("PART", part)
    return {"command": ["sh", "-c", SERVE], "environment": {"ANSWER": script}}


HURT = "[ -e /tmp/hurt ]"
READ_ONLY = f"""if {HURT}; then code="503 Service Unavailable"
  body='{{"error":"read-only file system: /data"}}'; fi"""
PART_DOWN = f"""if {HURT}; then
  body='{{"status":"ok","checks":{{"cache":{{"status":"down","error":"timeout"}}}}}}'; fi"""
IGNORES_TERM = "trap '' TERM; httpd -f -p 8080 -h /www & while true; do sleep 1; done"


def test_what_engines_and_bodies_say_is_on_the_row(drills: Drills) -> None:
    """Others of the same kinds: each says what nobody could read from *connection refused*."""
    docker, client = drills.docker, drills.docker.client()
    drills.serve("gone", "drill-gone-1", "drill-gone-2")
    drills.serve("ended", "drill-ended-1", "drill-ended-2", "drill-ended-3")
    for name in ("entry", "port", "cut", "paused", "loop"):
        drills.serve(name, f"drill-{name}")
    started: dict[str, dict[str, Any]] = {
        "deaf": {"command": ["sh", "-c", IGNORES_TERM]},
        "check": {"healthcheck": "test ! -e /tmp/hurt || { echo redis is gone; exit 1; }"},
        "fixed": answering(READ_ONLY),
        "part": answering(PART_DOWN),
    }
    for name, given in started.items():
        port = free_port()
        docker.run(f"drill-{name}", ports={8080: port}, **given)
        until(lambda port=port: answers_http(port))  # type: ignore[misc]
        instance = {"url": f"http://127.0.0.1:{port}", "container": f"drill-{name}"}
        path = {"health": {"path": "/cgi-bin/health"}} if "environment" in given else {}
        drills.declare(name, instances=[instance], **path)
    drills.look()

    def made_again(name: str, command: list[str], **more: Any) -> None:
        old = client.containers.get(name)
        port = host_port(old)
        old.remove(force=True)
        drills.says(name.removeprefix("drill-"), f"{name} was removed")
        with suppress(APIError):
            docker.run(name, image=docker.image(2), command=command, ports={8080: port}, **more)

    for name in ("check", "fixed", "part"):
        client.containers.get(f"drill-{name}").exec_run("touch /tmp/hurt")
    client.containers.get("drill-ended-2").exec_run("kill 1")
    client.containers.get("drill-gone-2").remove(force=True)
    client.networks.get("bridge").disconnect("drill-cut")
    paused = client.containers.get("drill-paused")

    def is_paused() -> bool:
        # An engine may be too busy to freeze it the first time.
        with suppress(APIError):
            paused.pause()
        paused.reload()
        return bool(paused.status == "paused")

    until(is_paused, every=0.5)
    client.containers.get("drill-deaf").stop(timeout=0)
    made_again("drill-entry", ["gunicornn"])
    made_again("drill-loop", ["sh", "-c", "sleep 0.2; exit 1"], restart="always")
    taken = client.containers.get("drill-port")
    port = host_port(taken)
    taken.stop(timeout=1)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(APIError):
            taken.start()
    drills.says("port", f"drill-port cannot start: port {port} taken")

    drills.says("entry", "drill-entry cannot start: no program gunicornn since 1→2")
    drills.says("loop", "drill-loop restarts in a loop")
    drills.says("loop", "since 1→2")
    drills.says("ended", "drill-ended-2 ended by itself, exit 0")
    drills.says("gone", "drill-gone-2 was removed")
    drills.says("cut", "drill-cut is in no network")
    drills.says("paused", "drill-paused paused")
    drills.says("deaf", "drill-deaf stopped by SIGTERM, SIGKILL")
    drills.says("check", "drill-check unhealthy: redis is gone")
    drills.holds("check", lambda row: row.state is State.DEGRADED)
    drills.says("fixed", "HTTP 503: read-only file system: /data")
    drills.says("part", "cache down: timeout")
    assert drills.row("part").state is State.OK, "what it says of itself decides"
    for name in ("entry", "loop", "ended", "gone", "paused", "deaf", "port"):
        explanations = drills.row(name).diagnosis.explanations
        assert explanations[0].confidence is Confidence.LIKELY, name
