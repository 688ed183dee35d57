"""Real rule files, evaluated here and by a real Prometheus that has them loaded: the same fire."""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.rule_files import load_rule_files
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import (
    AlertRule,
    MonitoringServer,
    ScrapeJob,
    write_prometheus_config,
)
from opsconsole.engine.alerts.rule_book import RuleBook
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.observations import PrometheusSeen
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload

pytestmark = [pytest.mark.servers]

FOLDER = Path(__file__).parents[2] / "config" / "rules"
FIRES = {
    "machine": {"MemoryIsAnswered", "FileSystemIsSmall", "ClockIsAnswered", "LoadsJoined"},
    "itself": {"JobIsMissing", "AlmostAllIsMissing", "AnsweredQuickly"},
    "fleet": {"Watchdog", "TargetDown", "HalfOfThem", "EveryJob"},
}
"""Of each file, what certainly fires."""

Labels = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringStack]:
    made = MonitoringStack(tmp_path_factory.mktemp("rule-files"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def jobs(node_exporter: MonitoringServer) -> list[ScrapeJob]:
    space = {"namespace": "monitoring", "cluster": "c"}
    return [
        ScrapeJob("node-exporter", [node_exporter.address], labels=space),
        ScrapeJob("dead", ["127.0.0.1:1"], labels=space),
    ]


@pytest.fixture(scope="module")
def server(stack: MonitoringStack, jobs: list[ScrapeJob]) -> MonitoringServer:
    return stack.prometheus(jobs=jobs)


@pytest.fixture(scope="module")
def bare(stack: MonitoringStack) -> MonitoringServer:
    """One that has no rules, so that every rule of a file is evaluated by the console."""
    return stack.prometheus()


def load(server: MonitoringServer, jobs: list[ScrapeJob], text: str) -> Path:
    """Have ``server`` load ``text``, every rule firing at once; the file that it was given."""
    write_prometheus_config(server.folder, jobs=jobs)
    path = server.folder / "rules.yml"
    path.write_text(re.sub(r"(?m)^(\s*(?:for|keep_firing_for)): .*$", r"\1: 0s", text))
    reload(server)
    return path


def loaded(server: MonitoringServer) -> set[Labels]:
    with urllib.request.urlopen(f"{server.url}/api/v1/alerts", timeout=5) as answer:
        alerts = json.loads(answer.read())["data"]["alerts"]
    return {frozenset(alert["labels"].items()) for alert in alerts if alert["state"] == "firing"}


def look(server: MonitoringServer, rules_url: str, path: Path) -> PrometheusSeen:
    settings = Prometheus(url=server.url, rules_url=rules_url, timeout=20.0)
    rules = load_rule_files([str(path)], path.parent)

    async def once() -> PrometheusSeen:
        source = PrometheusSource(settings, (), SystemClock(), Connector(), path.parent, rules)
        reading = await source.collect()
        await source.close()
        assert reading.value is not None, reading.fault
        return reading.value

    return asyncio.run(once())


def labels_of(alerts: tuple[Alert, ...]) -> set[Labels]:
    return {frozenset(alert.labels.items()) for alert in alerts}


@pytest.mark.parametrize("name", FIRES)
def test_what_fires_here_fires_in_prometheus(
    name: str, server: MonitoringServer, bare: MonitoringServer, jobs: list[ScrapeJob]
) -> None:
    path = load(server, jobs, (FOLDER / f"{name}.rules.yml").read_text())
    wanted = len(load_rule_files([str(path)], path.parent).rules)

    def agree() -> bool:
        view = look(server, bare.url, path)
        assert not [note for note in view.notes if "failed" in note], view.notes
        assert len(view.evaluations) == wanted
        here = labels_of(RuleBook().evaluate(view.evaluations, time.time()))
        return here == loaded(server) and FIRES[name] <= {dict(e)["alertname"] for e in here}

    until(agree, every=0.5)


def test_what_prometheus_has_loaded_is_not_evaluated_here(
    server: MonitoringServer, jobs: list[ScrapeJob]
) -> None:
    text = """
groups:
- name: web
  rules:
  - {record: "job:up:sum", expr: sum by (job) (up)}
  - {alert: Mine, expr: "sum(up{job='node-exporter'}) by (job) > 0"}
  - {alert: Down, expr: "sum(up)  by (job) == 0", for: 60m}
"""
    path = load(server, jobs, text)
    until(lambda: "Mine" in {dict(each)["alertname"] for each in loaded(server)})
    view = look(server, server.url, path)
    assert view.evaluations == ()
    assert {rule.name for rule in view.rules} == {"job:up:sum", "Mine", "Down"}
    more = path.with_name("more.yml")
    more.write_text(text + "  - {alert: Another, expr: vector(1), for: 1m}\n")
    view = look(server, server.url, more)
    assert [each.rule.name for each in view.evaluations] == ["Another"]


def test_a_file_that_is_wrong_costs_its_own_rules_and_is_told(server: MonitoringServer) -> None:
    path = server.folder / "half.yml"
    path.write_text("groups: [{name: a, rules: [{alert: X, expr: vector(1)}, {alert: Y}]}]")
    view = look(server, server.url, path)
    assert "half.yml" in view.notes[0]
    assert "either alert: or record:" in view.notes[0]
    assert [each.rule.name for each in view.evaluations] == ["X"]


def test_a_rule_that_fails_to_evaluate_is_told(
    stack: MonitoringStack, node_exporter: MonitoringServer
) -> None:
    jobs = [ScrapeJob("node", [node_exporter.address])]
    rule = AlertRule("Broken", "label_replace(node_cpu_seconds_total, 'mode', 'x', '', '')")
    server = stack.prometheus(jobs=jobs, rules=[rule])

    def notes() -> tuple[str, ...]:
        settings = Prometheus(url=server.url)

        async def once() -> PrometheusSeen:
            source = PrometheusSource(settings, (), SystemClock(), Connector(), server.folder)
            reading = await source.collect()
            await source.close()
            assert reading.value is not None
            return reading.value

        return asyncio.run(once()).notes

    until(lambda: any("Broken" in note for note in notes()), every=0.5)
    assert "1 rules fail to evaluate, first Broken" in notes()[0]
