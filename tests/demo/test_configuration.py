"""The demo's configuration loads, and everything that it names is really there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from opsconsole.config.actions import Action, Actions
from opsconsole.config.loader import load
from opsconsole.config.runbooks.files import load_runbooks
from opsconsole.config.secrets.references import reveal
from opsconsole.config.services import Metric, Service
from opsconsole.config.settings import Settings
from opsconsole.demo import configuration
from opsconsole.demo.fleet import Fleet
from opsconsole.demo.monitoring import Monitoring, plan_monitoring

SERVICES = ("ai-backend", "ai-service", "oatie", "errorscope", "ai-ops")


@pytest.fixture(scope="module", name="settings")
def _settings(fleet: Fleet) -> Settings:
    monitoring = Monitoring(fleet.layout.folder, 9090, 9093)
    before = os.umask(0)
    try:
        configuration.write(fleet.layout, monitoring, "unix:///run/docker.sock")
    finally:
        os.umask(before)
    return load(fleet.layout.config)


@pytest.mark.parametrize("context", ["", "production"])
def test_a_cluster_of_the_users_is_looked_at_and_nothing_else(context: str, fleet: Fleet) -> None:
    configuration.write(fleet.layout, Monitoring(fleet.layout.folder, 9090, 9093), None, context)
    settings = load(fleet.layout.config)
    (cluster,) = settings.kubernetes
    assert (cluster.context, cluster.enabled) == (context or None, True)
    assert settings.discover.kubernetes is not None
    assert settings.discover.kubernetes.actions == ()
    assert set(settings.services) == set(SERVICES)


def test_its_runbooks_are_sound_and_there_is_a_recovery(settings: Settings, fleet: Fleet) -> None:
    found = load_runbooks(settings, fleet.layout.folder)

    assert [str(problem) for problem in found.problems] == []
    names = {runbook.name for runbook in found.runbooks}
    assert names >= {"recovery", "restart", "post-deployment", "pre-launch", "restore-model"}
    assert {name for each in found.runbooks for name in each.services} == set(SERVICES)


def client_of(service: Service, base: Path) -> httpx.Client:
    """A client that authenticates as the service's configuration says."""
    basic = service.http.basic_auth
    auth = (basic.username, reveal(basic.password, base=base).value) if basic else None
    return httpx.Client(trust_env=False, timeout=10, auth=auth, base_url=service.instances[0].url)


def every_action(actions: Actions) -> Iterator[Action]:
    """All declared actions of a service, recoveries included."""
    for name in ("restart", "degrade", "recover", "backup", "restore", "rollback", "scale"):
        action = getattr(actions, name)
        if action is not None:
            yield action
    if actions.degrade is not None and actions.degrade.recover is not None:
        yield actions.degrade.recover
    yield from (*actions.test.values(), *actions.call.values())


def test_five_services_load_from_a_private_file(settings: Settings, fleet: Fleet) -> None:
    assert tuple(settings.services) == SERVICES
    assert settings.instance_names("ai-service") == tuple(f"ai-service-{n}" for n in (1, 2, 3))
    assert settings.prometheus[0].url == "http://127.0.0.1:9090"
    assert settings.docker[0].host == "unix:///run/docker.sock"
    assert fleet.layout.config.stat().st_mode & 0o777 == 0o600


def test_without_servers_their_blocks_are_left_out(fleet: Fleet) -> None:
    configuration.write(fleet.layout, plan_monitoring(fleet.layout, wanted=False), None)
    settings = load(fleet.layout.config)
    assert settings.prometheus == ()
    assert settings.alertmanager == ()
    assert settings.docker == Settings().docker


@pytest.mark.parametrize("name", SERVICES)
def test_health_and_probes_answer(settings: Settings, fleet: Fleet, name: str) -> None:
    service = settings.services[name]
    probes = (service.probes.live, service.probes.ready, service.probes.startup)
    assert service.health is not None
    with client_of(service, fleet.layout.folder) as client:
        for path in filter(None, (service.health.path, *probes, *service.endpoints.values())):
            assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("name", SERVICES)
def test_declared_metrics_are_exposed(settings: Settings, fleet: Fleet, name: str) -> None:
    service = settings.services[name]
    with client_of(service, fleet.layout.folder) as client:
        text = client.get(service.metrics_path).text if service.metrics_path else ""
        families = {family.name for family in text_string_to_metric_families(text)}
        health = client.get(service.health.path if service.health else "/")
    for label, metric in service.metrics.items():
        assert is_exposed(metric, families, health), label


def is_exposed(metric: Metric, families: set[str], health: httpx.Response) -> bool:
    """Whether the figure is available where the metric says."""
    if metric.header:
        return metric.header in health.headers
    if metric.json_path:
        value = health.json()
        for key in metric.json_path.split("."):
            value = value[key]
        return isinstance(value, (int, float))
    name = metric.counter or metric.gauge or metric.histogram or ""
    return name.removesuffix("_total") in families


@pytest.mark.parametrize("name", SERVICES)
def test_files_of_logs_and_actions_exist(settings: Settings, name: str) -> None:
    service = settings.services[name]
    paths = [log.file for log in service.logs]
    paths += [instance.pid_file for instance in service.instances]
    for action in every_action(service.actions):
        paths += action.files.paths if action.files else ()
        paths += [action.env_file.file, action.env_file.pid_file] if action.env_file else []
        paths += [action.git.path] if action.git else []
        paths += [action.command.argv[0]] if action.command else []
    assert len(paths) >= 2
    assert [path for path in paths if not Path(path or "").exists()] == []


def test_declared_calls_answer(settings: Settings, fleet: Fleet) -> None:
    called = 0
    for service in settings.services.values():
        with client_of(service, fleet.layout.folder) as client:
            for action in every_action(service.actions):
                if action.http is not None:
                    query = dict.fromkeys(action.http.query, "a reason")
                    response = client.request(action.http.method, action.http.url, params=query)
                    assert response.status_code in action.http.expect, action.http.url
                    called += 1
    assert called >= 12


def test_every_service_can_be_restarted(settings: Settings) -> None:
    drivers = {
        name: service.actions.restart.driver
        for name, service in settings.services.items()
        if service.actions.restart is not None
    }
    assert drivers == {**dict.fromkeys(SERVICES, "command"), "oatie": "http"}
