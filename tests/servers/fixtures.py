"""Fixtures that give a test a real server, or skip it by name where there is none.

With ``CI=true`` nothing is skipped: a missing server fails the test. The closing summary of a
run says which servers were missing. Every server is stopped by the fixture that started it.

* Shared by the whole run, to be looked at and not touched: ``docker_engine``,
  ``prometheus_server``, ``alertmanager_server``, ``node_exporter``, ``blackbox_exporter``,
  ``kubernetes_cluster``, ``postgresql_server``.
* Shared too, and put right again by a test that breaks one: ``hosts``, machines to log in to.
* A test's own, to be filled, stopped and broken at will: ``docker_sandbox`` (containers on the
  shared engine), ``private_docker_engine``, ``swarm_engine``, ``monitoring_stack``,
  ``cluster_sandbox`` (a namespace of the shared cluster), ``private_control_plane``,
  ``postgresql_database`` (on the shared server), ``private_postgresql``.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.demo import prometheus as monitoring
from opsconsole.demo.docker_engine import Engine, why_no_private_engine
from opsconsole.demo.processes import ServerError, free_port
from opsconsole.demo.prometheus import AlertRule, MonitoringServer, ScrapeJob
from tests.servers.engines import OwnEngine, obtain
from tests.servers.hosts import Fleet, fleet_of, lack
from tests.servers.kubernetes.api import Namespace, create_namespace
from tests.servers.kubernetes.cluster import ClusterAt, why_no_cluster
from tests.servers.kubernetes.control_plane import ControlPlane, why_no_control_plane
from tests.servers.kubernetes.sharing import shared_cluster
from tests.servers.monitoring import (
    BLACKBOX_EXPORTER,
    NODE_EXPORTER,
    start_blackbox_exporter,
    start_node_exporter,
)
from tests.servers.podman import Podman, why_no_podman
from tests.servers.postgresql import Postgresql, why_no_postgresql

_ROOTS = frozenset(
    {
        "docker_engine",
        "private_docker_engine",
        "swarm_engine",
        "monitoring_stack",
        "prometheus_server",
        "alertmanager_server",
        "node_exporter",
        "blackbox_exporter",
        "hosts",
        "podman",
        "kubernetes_cluster",
        "cluster_sandbox",
        "private_control_plane",
        "postgresql_server",
        "postgresql_database",
        "private_postgresql",
    }
)

_missing: set[str] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a fixture of this module with ``servers``."""
    for item in items:
        if _ROOTS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the servers that tests wanted and did not find."""
    if _missing:
        terminalreporter.write_line(f"servers missing: {', '.join(sorted(_missing))}", yellow=True)


def need(server: str, *, available: bool, remedy: str = "run make servers") -> None:
    """Skip the test for lack of ``server`` unless it is available; fail it in CI."""
    if available:
        return
    _missing.add(server)
    if os.environ.get("CI") == "true":
        pytest.fail(f"needs {server}: {remedy} (in CI nothing is skipped)", pytrace=False)
    pytest.skip(f"needs {server}: {remedy}")


class MonitoringStack:
    """Starts servers of the Prometheus family for one test, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = ExitStack()

    def prometheus(
        self,
        *,
        jobs: Sequence[ScrapeJob] = (),
        rules: Sequence[AlertRule] = (),
        alertmanagers: Sequence[str] = (),
        port: int | None = None,
    ) -> MonitoringServer:
        """A Prometheus that scrapes and evaluates every second."""
        need("prometheus", available=monitoring.available(monitoring.PROMETHEUS))
        port = port or free_port()
        server = monitoring.start_prometheus(
            self._folder / f"prometheus-{port}",
            jobs=jobs,
            rules=rules,
            alertmanagers=alertmanagers,
            port=port,
        )
        self._started.callback(server.stop)
        return server

    def alertmanager(self, *, port: int | None = None) -> MonitoringServer:
        """An Alertmanager without alerts."""
        need("alertmanager", available=monitoring.available(monitoring.ALERTMANAGER))
        port = port or free_port()
        folder = self._folder / f"alertmanager-{port}"
        server = monitoring.start_alertmanager(folder, port=port)
        self._started.callback(server.stop)
        return server

    def stop(self) -> None:
        """Stop every server that was started."""
        self._started.close()


@pytest.fixture
def monitoring_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringStack]:
    """Starts servers of the Prometheus family for this test alone."""
    stack = MonitoringStack(tmp_path_factory.mktemp("monitoring"))
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringServer]:
    """A Prometheus that scrapes itself as job ``prometheus``, with one alert that fires always."""
    stack = MonitoringStack(tmp_path_factory.mktemp("shared-prometheus"))
    port = free_port()
    yield stack.prometheus(
        jobs=[ScrapeJob("prometheus", [f"127.0.0.1:{port}"])],
        rules=[AlertRule("AlwaysFiring", "vector(1)", labels={"severity": "info"})],
        port=port,
    )
    stack.stop()


@pytest.fixture(scope="session")
def alertmanager_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringServer]:
    """An Alertmanager to which a test may post alerts of its own names."""
    stack = MonitoringStack(tmp_path_factory.mktemp("shared-alertmanager"))
    yield stack.alertmanager()
    stack.stop()


@pytest.fixture(scope="session")
def node_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringServer]:
    """The exporter of this host's figures."""
    folder = tmp_path_factory.mktemp("node-exporter")
    yield from _exporter(NODE_EXPORTER, start_node_exporter, folder)


@pytest.fixture(scope="session")
def blackbox_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringServer]:
    """The exporter that probes other servers."""
    folder = tmp_path_factory.mktemp("blackbox-exporter")
    yield from _exporter(BLACKBOX_EXPORTER, start_blackbox_exporter, folder)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A Docker Engine for the whole run: the machine's, else a private one."""
    try:
        engine = obtain()
    except ServerError as error:
        need("docker", available=False, remedy=str(error))
        raise
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def hosts(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts with systemd and sshd, each started when a test first asks for it by its name."""
    need("hosts", available=not lack(), remedy=lack())
    with fleet_of(docker_engine, tmp_path_factory.mktemp("hosts")) as fleet:
        yield fleet


@pytest.fixture
def docker_sandbox(docker_engine: Engine) -> Iterator[Engine]:
    """The shared engine; the containers and networks of the test are removed when it ends."""
    yield docker_engine
    docker_engine.remove_containers()


@pytest.fixture
def private_docker_engine() -> Iterator[OwnEngine]:
    """An engine of the test's own, which it may ``stop`` and ``start``."""
    lack = why_no_private_engine()
    need("docker", available=not lack, remedy=lack)
    engine = OwnEngine()
    yield engine
    engine.close()


@pytest.fixture
def podman() -> Iterator[Podman]:
    """A Podman of the test's own."""
    lack = why_no_podman()
    need("podman", available=not lack, remedy=lack)
    made = Podman()
    yield made
    made.close()


@pytest.fixture
def swarm_port() -> Iterator[None]:
    """The machine's one port of a Swarm, waited for; other runs and workers have theirs in turn."""
    with (Path(tempfile.gettempdir()) / "opsconsole-test-swarm.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def swarm_engine(swarm_port: None, private_docker_engine: Engine) -> Engine:
    """An engine of the test's own that is a Swarm of one node."""
    del swarm_port
    client: Any = private_docker_engine.client()
    client.swarm.init(advertise_addr="127.0.0.1")
    return private_docker_engine


@pytest.fixture(scope="session")
def kubernetes_cluster() -> Iterator[ClusterAt]:
    """A cluster with one node for the whole run, shared by its workers."""
    lack = why_no_cluster()
    need("kubernetes", available=not lack, remedy=lack)
    with shared_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster_sandbox(kubernetes_cluster: ClusterAt) -> Iterator[Namespace]:
    """A namespace of the test's own, on the shared cluster, to be filled at will."""
    namespace = create_namespace(kubernetes_cluster.api())
    yield namespace
    namespace.discard()


@pytest.fixture
def private_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster of the test's own, without a node, whose servers it may stop and suspend."""
    lack = why_no_control_plane()
    need("kubernetes", available=not lack, remedy=lack)
    plane = ControlPlane(tmp_path_factory.mktemp("cluster"))
    try:
        plane.start()
        yield plane
    finally:
        plane.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgresql]:
    """A PostgreSQL for the whole run, in which each test has databases of its own."""
    yield from _postgresql()


@pytest.fixture
def postgresql_database(postgresql_server: Postgresql) -> str:
    """An empty database of the test's own: the words that lead libpq to it."""
    return postgresql_server.database()


@pytest.fixture
def private_postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL of the test's own, to be stopped, suspended, followed and pooled."""
    yield from _postgresql()


def _postgresql() -> Iterator[Postgresql]:
    lack = why_no_postgresql()
    need("postgresql", available=not lack, remedy=lack)
    server = Postgresql()
    try:
        yield server.create()
    finally:
        server.close()


def _exporter(
    names: Sequence[str], start: Callable[[Path], MonitoringServer], folder: Path
) -> Iterator[MonitoringServer]:
    need(names[0], available=monitoring.available(names))
    server = start(folder)
    yield server
    server.stop()
