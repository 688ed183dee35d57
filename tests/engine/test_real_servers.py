"""The engine on real servers: what is killed turns red, what is back is green again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import Engine as DockerEngine
from opsconsole.demo.processes import answers_http, free_port
from opsconsole.demo.prometheus import AlertRule
from opsconsole.engine.engine import Engine
from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.patience import until
from tests.servers.engines import OwnEngine
from tests.servers.fixtures import MonitoringStack

WITHIN = 120.0
INTERVAL = 2.0


@contextmanager
def running(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings, base=Path())
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def wait_for(engine: Engine, wanted: Callable[[Snapshot], bool]) -> None:
    """Until ``wanted`` holds of the latest snapshot."""
    until(lambda: wanted(engine.latest))


def web_is(state: State) -> Callable[[Snapshot], bool]:
    return lambda snapshot: snapshot.services[0].state is state


def answers(name: str, *, well: bool) -> Callable[[Snapshot], bool]:
    """Whether the source ``name`` was read, and its latest look went well or did not."""

    def look(snapshot: Snapshot) -> bool:
        source = next((each for each in snapshot.sources if each.name == name), None)
        if source is None or source.taken_at is None:
            return False
        return (source.fault is None) is well

    return look


def test_a_container_that_is_killed_is_red_within_two_intervals(
    docker_sandbox: DockerEngine,
) -> None:
    port = free_port()
    container = docker_sandbox.run("engine-web", ports={8080: port})
    until(lambda: answers_http(port))
    service = {
        "instances": [{"url": f"http://127.0.0.1:{port}", "container": "engine-web"}],
        "health": {"path": "/", "expect": {"contains": "version"}},
        "interval": INTERVAL,
    }
    settings = Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": {"host": docker_sandbox.url, "interval": "2s"},
            "services": {"web": service},
        }
    )
    with running(settings) as engine:
        wait_for(engine, web_is(State.OK))
        wait_for(engine, lambda snapshot: snapshot.services[0].replicas == (container.id,))
        time.sleep(1.0)
        container.kill()
        wait_for(engine, web_is(State.DOWN))
        told = [words(event) for event in engine.latest.events if event.service == "web"]
        assert any("died" in message for message in told), told
        assert any("→ down" in message for message in told), told
        container.start()
        wait_for(engine, web_is(State.OK))


def test_a_service_of_containers_alone_follows_docker(docker_sandbox: DockerEngine) -> None:
    container = docker_sandbox.run("engine-worker", command="sleep 1000")
    settings = Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": {"host": docker_sandbox.url, "interval": "1s"},
            "services": {"worker": {"containers": "engine-worker"}},
        }
    )
    with running(settings) as engine:
        wait_for(engine, web_is(State.OK))
        container.kill()
        wait_for(engine, web_is(State.DOWN))
        assert "engine-worker" in engine.latest.services[0].reason


def test_docker_that_stops_says_so_and_is_back_by_itself(
    private_docker_engine: OwnEngine,
) -> None:
    settings = Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": {"host": private_docker_engine.url, "interval": "1s"},
        }
    )
    with running(settings) as engine:
        wait_for(engine, answers("docker", well=True))
        private_docker_engine.stop()
        wait_for(engine, answers("docker", well=False))
        private_docker_engine.start()
        wait_for(engine, answers("docker", well=True))
        told = [words(event) for event in engine.latest.events if event.subject == "docker"]
        assert any("lost" in message for message in told), told
        assert any("is back" in message for message in told), told


def test_prometheus_and_alertmanager_make_one_row_and_come_back_by_themselves(
    monitoring_stack: MonitoringStack,
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    port = free_port()
    rule = AlertRule("Slow", "vector(1)", labels={"severity": "critical", "service": "web"})
    notify = [alertmanager.url.removeprefix("http://")]

    def start() -> Callable[[], None]:
        return monitoring_stack.prometheus(rules=[rule], alertmanagers=notify, port=port).stop

    stop = start()
    settings = Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": [],
            "prometheus": {"url": f"http://127.0.0.1:{port}", "interval": "1s", "timeout": "2s"},
            "alertmanager": {"url": alertmanager.url, "interval": "1s", "timeout": "2s"},
            "services": {"web": {}},
        }
    )
    with running(settings) as engine:
        wait_for(engine, lambda snapshot: any(len(each.sources) == 2 for each in snapshot.alerts))
        (row,) = engine.latest.alerts
        assert row.service == "web"
        assert row.state is AlertState.FIRING
        stop()
        wait_for(engine, answers("prometheus", well=False))
        assert [each.state for each in engine.latest.alerts] == [AlertState.FIRING]
        start()
        wait_for(engine, answers("prometheus", well=True))
