"""Without any configuration: a container is on the first screen, and three keys restart it."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.demo import binaries
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import start
from tests.patience import until
from tests.servers.hosts import Host
from tests.systemctl import add_unit
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SIZE = (160, 40)
PROGRAM = (sys.executable, "-m", "opsconsole")


def started(engine: Engine, name: str) -> str:
    found: str = engine.client().containers.get(name).attrs["State"]["StartedAt"]
    return found


def test_a_container_is_restarted_in_three_keys(
    docker_sandbox: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"lone-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    before = started(docker_sandbox, name)
    environment = {"HOME": str(tmp_path), "DOCKER_HOST": docker_sandbox.url}
    with Terminal(PROGRAM, size=SIZE, environment=environment) as terminal:
        terminal.until(lambda text: f" {name} " in text)
        # Other tests may have containers on the same engine.
        for _ in range(40):
            if f" {name} ─" in terminal.text:
                break
            terminal.press("j")
            terminal.read(0.3)
        terminal.read(0.5)
        terminal.press("R")
        terminal.until("▸Cancel")
        terminal.read(0.8)
        terminal.press("\t")
        terminal.read(0.5)
        terminal.press(" ")
        until(lambda: started(docker_sandbox, name) != before)
        terminal.until("verified")
        terminal.press("\x03")
        terminal.read(0.3)
        terminal.press("\x03")
        assert terminal.wait(15)[0] == 0


PROJECTS = {"shop": ("web", "api", "db", "cache"), "blog": ("web", "db", "mail", "search")}
OWN_RUN = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"'
"""The program's own ``/run``, in which a systemd says that it runs."""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """What runs a program on a network of its own, where a real Prometheus has its usual port."""
    box, prometheus = binaries.find_file("bin/busybox"), binaries.find("prometheus")
    assert box is not None
    assert prometheus is not None
    up = f"{box} ip link set lo up && echo up && exec sleep 10000"
    log = tmp_path / "network.log"
    servers = ExitStack()
    network = start(
        "network", ["unshare", "--net", "sh", "-c", up], log=log, ready=lambda: "up" in read(log)
    )
    servers.callback(network.stop)
    enter = ("nsenter", f"--net=/proc/{network.pid}/ns/net")
    config, said = tmp_path / "prometheus.yml", tmp_path / "prometheus.log"
    config.write_text("scrape_configs: []\n")
    prometheus_there = start(
        "prometheus",
        [*enter, prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/tsdb",
         "--web.listen-address=127.0.0.1:9090"],
        log=said,
        ready=lambda: "ready to receive" in read(said),
    )  # fmt: skip
    servers.callback(prometheus_there.stop)
    with servers:
        yield enter


def read(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def test_a_machine_with_all_of_it_is_at_home_without_a_file(
    swarm_engine: Engine, systemd: Host, alone: tuple[str, ...], tmp_path: Path
) -> None:
    for project, services in PROJECTS.items():
        for service in services:
            labels = {
                "com.docker.compose.project": project,
                "com.docker.compose.service": service,
            }
            check = "false" if (project, service) == ("blog", "search") else None
            swarm_engine.run(f"{project}-{service}-1", labels=labels, healthcheck=check)
    client: Any = swarm_engine.client()
    client.services.create(swarm_engine.image(), name="gateway")
    for name in ("backup.service", "report.service"):
        add_unit(systemd, name, "test -e /repaired && exec sleep 1000")
    environment = {
        "HOME": str(tmp_path), "DOCKER_HOST": swarm_engine.url, "PATH": os.environ["PATH"],
    }  # fmt: skip
    program = (*alone, "unshare", "--mount", "sh", "-c", OWN_RUN, "sh", *PROGRAM)
    with Terminal(program, size=SIZE, environment=environment) as terminal:
        # A Prometheus that answers is offered before anything else, and never taken by itself.
        terminal.until("found here: take them over?")
        assert "http://127.0.0.1:9090" in terminal.text
        terminal.press("\x1b")
        terminal.until(lambda text: state_of(text, "blog-search") == "down")
        terminal.until(lambda text: state_of(text, "report.service") == "down")
        head = terminal.lines[0]
        assert "3 down" in head, terminal.text
        assert "8 ok" in head, terminal.text
        for name in ("gateway", "shop-web", "blog-web"):
            assert state_of(terminal.text, name) == "ok", terminal.text
        # What failed first is under the cursor: three keys, once its cause is gone.
        terminal.until(" backup.service ─")
        systemd.sh("touch /repaired")
        terminal.press("R")
        terminal.until("▸Cancel")
        terminal.read(0.8)
        terminal.press("\t")
        terminal.read(0.5)
        terminal.press(" ")
        terminal.until("verified")
        terminal.until(lambda text: state_of(text, "backup.service") == "ok")


def state_of(text: str, name: str) -> str:
    """The word of state in the row of ``name``."""
    rows = [line.split() for line in text.splitlines() if f" {name} " in line]
    return next((row[1] for row in rows if len(row) > 2 and row[2] == name), "")
