"""The Docker Engine of the tests runs containers, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest
from docker.errors import NotFound

from opsconsole.demo.docker_engine import LABEL, Engine, why_no_private_engine
from opsconsole.demo.private_engine import engine_answers, sweep
from opsconsole.demo.processes import answers_http
from tests.patience import until
from tests.servers.engines import OwnEngine, host_port, wait_healthy
from tests.servers.fixtures import need

ROOT = Path(__file__).parents[2]


def page(port: int) -> str:
    """What the container behind ``port`` serves, once it does."""
    until(lambda: answers_http(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return str(answer.read().decode())


def bridges() -> set[str]:
    return {path.parent.name for path in Path("/sys/class/net").glob("*/bridge")}


def others() -> set[Path]:
    """Files that Docker makes wherever it is told to put its own."""
    places = ("/run/docker", "/run/containerd", "/etc/docker", "/opt/containerd")
    return {path for place in places for path in Path(place).rglob("*")}


def cgroups() -> set[Path]:
    root = Path("/sys/fs/cgroup")
    return {*root.glob("ops-*"), *root.glob("*/ops-*")}


def test_a_container_serves_and_reports_its_health(docker_sandbox: Engine) -> None:
    container = docker_sandbox.run(
        "test-web", ports={8080: None}, healthcheck="wget -q -O - http://127.0.0.1:8080/"
    )
    wait_healthy(container)
    assert page(host_port(container)) == "version 1\n"
    assert container.labels[LABEL] == docker_sandbox.owner


def test_two_versions_of_an_image_differ(docker_sandbox: Engine) -> None:
    bodies = []
    for version in (1, 2):
        container = docker_sandbox.run(
            f"test-v{version}", image=docker_sandbox.image(version), ports={8080: None}
        )
        port = host_port(container)
        bodies.append(page(port))
    assert bodies == ["version 1\n", "version 2\n"]


def test_a_container_over_its_memory_is_killed(docker_sandbox: Engine) -> None:
    def is_said() -> bool:
        # containerd tells of the kill and of the end apart: the end may overtake the other.
        container = docker_sandbox.run("test-oom", command="tail /dev/zero", mem_limit="16m")
        assert container.wait()["StatusCode"] == 137
        container.reload()
        killed: bool = container.attrs["State"]["OOMKilled"]
        container.remove()
        return killed

    until(is_said)


def test_containers_find_each_other_by_name(docker_sandbox: Engine) -> None:
    client = docker_sandbox.client()
    name = f"test-{docker_sandbox.owner}"
    client.networks.create(name, labels={LABEL: docker_sandbox.owner})
    docker_sandbox.run("test-peer", network=name)
    caller = docker_sandbox.run(
        "test-caller", network=name, command="wget -q -O - http://test-peer:8080/"
    )
    assert caller.wait(timeout=20)["StatusCode"] == 0
    assert caller.logs() == b"version 1\n"


def test_what_a_test_made_is_removed_and_nothing_else(docker_engine: Engine) -> None:
    client = docker_engine.client()
    mine = docker_engine.run("test-mine")
    other = client.containers.run(
        docker_engine.image(), name="test-other", detach=True, labels={LABEL: "someone else"}
    )
    try:
        docker_engine.remove_containers()
        with pytest.raises(NotFound):
            client.containers.get(str(mine.id))
        other.reload()
        assert other.status == "running"
    finally:
        other.remove(force=True)


def test_a_stopped_engine_comes_back_with_its_containers(private_docker_engine: OwnEngine) -> None:
    engine = private_docker_engine
    container = engine.run("test-lasting", restart="always")
    engine.stop()
    assert not engine_answers(engine.url)
    engine.start()

    def is_back() -> bool:
        container.reload()
        return container.status == "running"

    until(is_back, every=0.1)


def test_a_suspended_engine_hangs_until_it_is_resumed(private_docker_engine: OwnEngine) -> None:
    private_docker_engine.suspend()
    assert not engine_answers(private_docker_engine.url)
    private_docker_engine.resume()
    assert engine_answers(private_docker_engine.url)


def test_two_private_engines_do_not_meet_and_leave_no_trace() -> None:
    lack = why_no_private_engine()
    need("docker", available=not lack, remedy=lack)
    before = others()
    first = OwnEngine()
    second = OwnEngine()
    pages = []
    for engine, version in ((first, 1), (second, 2)):
        container = engine.run("test-same-name", image=engine.image(version), ports={8080: None})
        pages.append(page(host_port(container)))
    assert pages == ["version 1\n", "version 2\n"]
    folders = [Path(engine.url.removeprefix("unix://")).parent for engine in (first, second)]
    for engine in (first, second, first):
        engine.close()
    assert not any(folder.exists() for folder in folders)
    names = {folder.name.replace("opsconsole-docker-", "ops-") for folder in folders}
    assert len(names) == 2
    assert not names & (bridges() | {path.name for path in cgroups()})
    # Engines of other workers make these too.
    shared = {Path("/opt/containerd/bin"), Path("/opt/containerd/lib")}
    assert others() <= before | shared


def test_an_engine_and_its_containers_end_with_a_killed_parent() -> None:
    lack = why_no_private_engine()
    need("docker", available=not lack, remedy=lack)
    program = textwrap.dedent("""
        import signal
        from tests.servers.engines import OwnEngine, host_port
        engine = OwnEngine()
        container = engine.run("test-orphan", ports={8080: None})
        print(engine.url, host_port(container), flush=True)
        signal.pause()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url, port = parent.stdout.readline().split()
        assert page(int(port)) == "version 1\n"
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not answers_http(int(port)))
    assert not engine_answers(url)
    folder = Path(url.removeprefix("unix://")).parent
    sweep()
    assert not folder.exists()
    name = folder.name.rpartition("-")[2]
    assert not [bridge for bridge in bridges() if bridge.endswith(name)]
    assert not [cgroup for cgroup in cgroups() if cgroup.name.endswith(name)]
