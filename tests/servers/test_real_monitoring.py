"""The Prometheus family does what the other tests take for granted."""

import json
import urllib.request
from typing import Any

import pytest

from opsconsole.demo.prometheus import (
    AlertRule,
    MonitoringServer,
    ScrapeJob,
    write_prometheus_config,
)
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import blackbox_job, reload


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def get_json(url: str) -> Any:
    return json.loads(get(url))


def query(server: MonitoringServer, expr: str) -> list[Any]:
    return list(get_json(f"{server.url}/api/v1/query?query={expr}")["data"]["result"])


def test_prometheus_scrapes_itself_and_its_alert_fires(
    prometheus_server: MonitoringServer,
) -> None:
    until(lambda: bool(query(prometheus_server, "up")), every=0.2)
    (series,) = query(prometheus_server, "up")
    assert series["metric"]["job"] == "prometheus"
    alerts_url = f"{prometheus_server.url}/api/v1/alerts"
    until(lambda: get_json(alerts_url)["data"]["alerts"], every=0.2)
    assert get_json(alerts_url)["data"]["alerts"][0]["labels"]["alertname"] == "AlwaysFiring"


def test_an_alert_that_holds_reaches_alertmanager(monitoring_stack: MonitoringStack) -> None:
    alertmanager = monitoring_stack.alertmanager()
    rule = AlertRule("Held", "vector(1)", hold="2s", labels={"severity": "critical"})
    monitoring_stack.prometheus(rules=[rule], alertmanagers=[alertmanager.address])
    alerts_url = f"{alertmanager.url}/api/v2/alerts"
    until(lambda: bool(get_json(alerts_url)), every=0.2)
    (alert,) = get_json(alerts_url)
    assert alert["labels"]["alertname"] == "Held"
    assert alert["labels"]["severity"] == "critical"


def test_a_stopped_prometheus_comes_back_at_the_same_address(
    monitoring_stack: MonitoringStack,
) -> None:
    first = monitoring_stack.prometheus()
    first.stop()
    with pytest.raises(OSError, match="refused"):
        get(f"{first.url}/-/ready")
    second = monitoring_stack.prometheus(port=first.port)
    assert second.url == first.url
    assert "Ready" in get(f"{second.url}/-/ready")


def test_prometheus_takes_new_rules_while_it_runs(monitoring_stack: MonitoringStack) -> None:
    server = monitoring_stack.prometheus()
    write_prometheus_config(server.folder, rules=[AlertRule("Later", "vector(1)")])
    reload(server)
    groups = get_json(f"{server.url}/api/v1/rules")["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == ["Later"]


def test_exporters_are_scraped(
    monitoring_stack: MonitoringStack,
    node_exporter: MonitoringServer,
    blackbox_exporter: MonitoringServer,
) -> None:
    target = f"{node_exporter.url}/metrics"
    server = monitoring_stack.prometheus(
        jobs=[
            ScrapeJob("node", [node_exporter.address]),
            blackbox_job("probe", [target], blackbox_exporter.address),
        ]
    )
    until(lambda: bool(query(server, "probe_success==1")), every=0.2)
    until(lambda: bool(query(server, "node_load1")), every=0.2)
    assert query(server, "probe_success")[0]["metric"]["instance"] == target
