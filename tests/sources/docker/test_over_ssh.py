"""A real engine that is reached over ssh through a real host: read, acted on, and lost."""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.demo import binaries
from opsconsole.demo.docker_engine import Engine
from opsconsole.machines.ssh.logins import Target
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Replica
from opsconsole.sources.docker.endpoint import FarSocket
from opsconsole.sources.docker.over_ssh import code, refused
from opsconsole.sources.docker.ping import ping
from opsconsole.sources.docker.source import DockerSource
from opsconsole.sources.http.connector import Connector
from tests.servers.hosts import Fleet, Host

WHERE = FarSocket(Target("app-1", "app-1"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"permission denied while trying to connect to the Docker daemon", FaultKind.PERMISSION),
        (b"dial unix /x: connect: no such file or directory", FaultKind.ABSENT),
        (b"nothing there leads to a socket", FaultKind.UNSUPPORTED),
        (b"Cannot connect to the Docker daemon. \x1b[2JIs it running?", FaultKind.CONNECT),
        (b"", FaultKind.CONNECT),
    ],
)
def test_what_is_complained_there_is_a_fault_with_what_to_do(said: bytes, kind: FaultKind) -> None:
    fault = refused(said, WHERE)
    assert fault.kind is kind
    assert fault.hint
    assert "\x1b" not in fault.message


def test_what_is_sent_is_read_alike_by_every_login_shell() -> None:
    for each in (code(""), code("/run/user/1000/docker.sock")):
        assert not set("'!\n\\") & set(each)
        assert each.isascii()


class Far:
    """The tests' engine at a host, by a socket and a client of Docker's that are there."""

    def __init__(self, engine: Engine, host: Host) -> None:
        self.engine, self.host = engine, host
        self.socket = host.shared / "engine.sock"
        # One socket by two names: a container does not see the other.
        os.link(engine.url.removeprefix("unix://"), self.socket)
        client = binaries.find_file("usr/bin/docker")
        assert client is not None
        shutil.copy(client, host.shared / "docker-client")
        self.client(there=True)

    def client(self, *, there: bool) -> None:
        """Have Docker's client there, or not."""
        link = 'ln -sf "$1" /usr/local/bin/docker' if there else "rm -f /usr/local/bin/docker"
        self.host.sh(link, str(self.host.shared / "docker-client"))

    def document(self, login: str = "dock-1", **more: Any) -> dict[str, Any]:
        """A configuration with the engine there alone."""
        there = {"ssh": login, "ssh_config": str(self.host.ssh_config), "enabled": False}
        engine = {"name": "far", "host": f"ssh://dock-1{self.socket}", "interval": "1s"}
        return {
            "hosts": {"dock-1": there},
            "host": {"enabled": False},
            "docker": {**engine, "stats_interval": "1s", **more},
        }


@pytest.fixture(scope="module")
def far(docker_engine: Engine, hosts: Fleet) -> Far:
    return Far(docker_engine, hosts["dock-1"])


class Watch:
    """A source with all that it says."""

    def __init__(self, far: Far, **more: Any) -> None:
        self.events: list[Event] = []
        settings = Settings.model_validate(far.document(**more))
        (docker,) = settings.docker
        self.source = DockerSource(docker, SystemClock(), self.events.append)

    async def look(self) -> Reading[Inventory]:
        return await self.source.collect()

    async def container(self, name: str) -> Replica:
        while (reading := await self.look()).value is None:
            assert reading.fault is not None
            assert reading.fault.kind is FaultKind.TIMEOUT, reading.fault
            await asyncio.sleep(0.2)
        return next(each for each in reading.value.replicas if each.name == name)


@pytest.fixture
async def watch(far: Far) -> AsyncIterator[Watch]:
    made = Watch(far)
    yield made
    await made.source.close()


async def test_containers_their_use_and_events_are_read(
    far: Far, docker_sandbox: Engine, watch: Watch
) -> None:
    name = docker_sandbox.run(f"far-{secrets.token_hex(4)}").name
    assert name is not None
    first = await watch.container(name)
    assert first.runs
    while (await watch.container(name)).memory is None:  # noqa: ASYNC110 - the next look
        await asyncio.sleep(0.2)
    docker_sandbox.client().containers.get(name).kill()
    while not any(each.code is EventCode.ENDED and each.subject == name for each in watch.events):
        await watch.look()
        await asyncio.sleep(0.2)


async def test_a_host_that_freezes_is_a_fault_in_time_and_comes_back(far: Far) -> None:
    watch = Watch(far, timeout="3s")
    try:
        reading = await watch.look()
        while reading.fault is not None:
            # A busy machine takes longer than that to begin with.
            reading = await watch.look()
        far.host.pause()
        try:
            assert (await watch.look()).fault is not None
        finally:
            far.host.resume()
        while (await watch.look()).fault is not None:  # noqa: ASYNC110 - the next look
            await asyncio.sleep(0.2)
    finally:
        await watch.source.close()


async def test_why_it_cannot_be_reached_is_said(far: Far, tmp_path: Path) -> None:
    connector = Connector()

    async def why(**more: Any) -> FaultKind | None:
        (docker,) = Settings.model_validate(far.document(**more)).docker
        fault = await ping(docker, {}, connector)
        while fault is not None and fault.kind is FaultKind.TIMEOUT:
            # A busy machine does not log in in time; what failed is left alone for a while.
            await asyncio.sleep(0.5)
            fault = await ping(docker, {}, connector)
        return None if fault is None else fault.kind

    try:
        assert await why() is None
        far.host.add_user("guest")
        assert await why(login="guest@dock-1") is FaultKind.PERMISSION
        assert await why(host="ssh://dock-1/nowhere/docker.sock") in {
            FaultKind.ABSENT, FaultKind.CONNECT,
        }  # fmt: skip
        far.client(there=False)
        assert await why() is FaultKind.UNSUPPORTED
    finally:
        far.client(there=True)
        await connector.close()


def test_a_container_is_restarted_and_verified_and_its_log_is_read(
    far: Far, docker_sandbox: Engine, tmp_path: Path
) -> None:
    web = docker_sandbox.run(f"far-{secrets.token_hex(4)}")
    assert web.name is not None
    # Each look is a login, which takes a busy machine its time.
    action = {"docker": web.name, "min_healthy": "200ms", "deadline": "10m"}
    service = {
        "containers": [web.name],
        "health": None,
        "timeout": "60s",
        "actions": {"restart": action},
    }
    document = {
        **far.document(timeout="30s"),
        "services": {"web": service},
        "state_dir": str(tmp_path / "state"),
    }
    path = tmp_path / "opsconsole.yaml"
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "opsconsole", *words, "-c", str(path)]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    before = docker_sandbox.client().containers.get(web.name).attrs["State"]["StartedAt"]
    done = run("restart", "web", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified" in done.stdout
    after = docker_sandbox.client().containers.get(web.name).attrs["State"]["StartedAt"]
    assert before != after
    assert run("check").returncode == 0
