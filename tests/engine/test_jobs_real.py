"""Jobs of a real Prometheus as services: they appear, fail, outlive their server, are forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsconsole.config.settings import Settings
from opsconsole.demo.prometheus import MonitoringServer, ScrapeJob, write_prometheus_config
from opsconsole.engine.engine import Engine
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import blackbox_job, reload


@contextmanager
def running(url: str) -> Iterator[Engine]:
    settings = Settings.model_validate(
        {
            "prometheus": {"url": url, "interval": "1s"},
            "discover": {"prometheus": {"jobs": ["web", "edge"]}, "forget": "20s"},
            "docker": [],
            "host": {"enabled": False},
        }
    )
    engine = Engine(settings, base=Path())
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def service(engine: Engine, name: str) -> ServiceView | None:
    return engine.latest.service(name)


def comes_to(engine: Engine, name: str, state: State, reason: str = "") -> ServiceView:
    """Until ``name`` is in ``state`` for ``reason``."""

    def holds() -> bool:
        found = service(engine, name)
        return found is not None and found.state is state and reason in found.reason

    until(holds)
    found = service(engine, name)
    assert found is not None
    return found


def test_a_job_lives_and_dies_and_its_server_too(
    monitoring_stack: MonitoringStack, blackbox_exporter: MonitoringServer
) -> None:
    target = monitoring_stack.alertmanager()
    web = ScrapeJob("web", [target.address])
    edge = blackbox_job("edge", [f"{target.url}/-/healthy"], blackbox_exporter.address)
    other = ScrapeJob("other", [target.address])
    server = monitoring_stack.prometheus(jobs=[web, other])
    with running(server.url) as engine:
        found = comes_to(engine, "web", State.OK)
        assert [each.name for each in found.instances] == [target.address]
        assert service(engine, "other") is None

        write_prometheus_config(server.folder, jobs=[web, other, edge])
        reload(server)
        comes_to(engine, "edge", State.OK)

        target.stop()
        comes_to(engine, "web", State.DOWN, "not scraped: ")
        comes_to(engine, "edge", State.DOWN, "its probe failed")
        monitoring_stack.alertmanager(port=target.port)
        comes_to(engine, "web", State.OK)
        comes_to(engine, "edge", State.OK)

        server.stop()
        away = comes_to(engine, "web", State.UNKNOWN, "prometheus has not answered")
        assert away.stale
        comes_to(engine, "edge", State.UNKNOWN)
        server = monitoring_stack.prometheus(jobs=[web, other, edge], port=server.port)
        comes_to(engine, "web", State.OK)
        comes_to(engine, "edge", State.OK)

        write_prometheus_config(server.folder, jobs=[web, other])
        reload(server)
        comes_to(engine, "edge", State.UNKNOWN, "gone: prometheus has no job edge now")
        until(lambda: service(engine, "edge") is None)
        comes_to(engine, "web", State.OK)
        told = [words(each) for each in engine.latest.events]
        fleet = sorted(each for each in told if each.startswith("the fleet as prometheus"))
        assert fleet == [
            "the fleet as prometheus finds it: added edge",
            "the fleet as prometheus finds it: added web",
            "the fleet as prometheus finds it: removed edge",
        ]
        flips = [words(each) for each in engine.latest.events if each.service == "web"]
        flips = [each for each in reversed(flips) if " → " in each]
        assert any(each.startswith("ok → down: not scraped: ") for each in flips), flips
        assert flips[0] == "unknown → ok"
        assert flips[-1] == "unknown → ok"
