"""What a real Prometheus scrapes, and a real engine runs, is offered until it is watched."""

from pathlib import Path

import pytest

from opsconsole.cli.tray import TrayOfFile
from opsconsole.config.effective import FoundService
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.prometheus import ScrapeJob
from opsconsole.inspection.offers import offers_around
from tests.patience import until
from tests.servers.fixtures import MonitoringStack

NOBODY = "127.0.0.1:9"


def jobs_offered(document: dict[str, object]) -> set[str]:
    settings = Settings.model_validate({"docker": [], **document})
    found = offers_around(settings, Path.cwd(), 5.0)
    return {
        each.what.name
        for each in found
        if isinstance(each.what, FoundService) and each.where == "prometheus"
    }


def test_the_jobs_of_a_prometheus_are_offered_until_they_are_watched(
    monitoring_stack: MonitoringStack,
) -> None:
    jobs = [ScrapeJob("node", [NOBODY]), ScrapeJob("web", [NOBODY])]
    server = monitoring_stack.prometheus(jobs=jobs)
    given: dict[str, object] = {"prometheus": {"url": server.url}}
    until(lambda: {"node", "web"} <= jobs_offered(given))
    named = jobs_offered({**given, "services": {"mine": {"job": "web"}}})
    assert "node" in named
    assert "web" not in named
    assert jobs_offered({**given, "discover": {"prometheus": True}}) == set()
    assert jobs_offered({**given, "discover": {"prometheus": {"jobs": ["node"]}}}) >= {"web"}
    server.stop()
    assert jobs_offered(given) == set()


def test_a_container_is_offered_until_it_is_named(
    docker_sandbox: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url)
    name = str(docker_sandbox.run("web").name)
    path = tmp_path / "opsconsole.yaml"
    path.write_text("services: {}\n")
    path.chmod(0o600)
    tray = TrayOfFile(path)
    (offer,) = [each for each in tray.look() if each.name == name]
    assert [each.name for each in offer.containers] == [name]
    tray.take(offer)
    assert load(path).services[name].containers == (name,)
    assert name not in [each.name for each in tray.look()]
