"""An acknowledgement outlives its Alertmanager, for as long as its alert fires."""

import json
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.demo.prometheus import (
    AlertRule,
    MonitoringServer,
    start_alertmanager,
    write_prometheus_config,
)
from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.keeping.watch_rule import LOOKS, WatchRule
from opsconsole.operations.planning.declared import digest, find
from opsconsole.operations.promises.due import due_in
from opsconsole.operations.state_place import FolderPlace
from opsconsole.sources.prometheus.api_silences import exact_matchers, matcher_document
from tests.engine.alerts.test_alert_life_real import ask, silence, states, suppressed
from tests.operations.journal.samples import intent, op, own_of
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload

pytestmark = [pytest.mark.servers]
ONE = op("one")


def post(server: MonitoringServer, path: str, body: object) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=5).close()


async def test_its_alert_is_over_for_no_restart(
    monitoring_stack: MonitoringStack, tmp_path: Path
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    notify = [alertmanager.address]
    rule = AlertRule("Slow", "vector(1)", hold="0s", labels={"severity": "critical"})
    prometheus = monitoring_stack.prometheus(rules=[rule], alertmanagers=notify)
    until(lambda: bool(ask(alertmanager, "/api/v2/alerts")))
    (firing,) = ask(alertmanager, "/api/v2/alerts")
    silence(alertmanager, "ACK on it", 600.0)
    until(lambda: suppressed(alertmanager) == 1)
    settings = {
        "docker": [],
        "prometheus": {"url": prometheus.url, "timeout": "2s"},
        "alertmanager": {"name": "web", "url": alertmanager.url, "timeout": "2s"},
    }
    path = tmp_path / "opsconsole.yaml"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)
    place = FolderPlace(tmp_path / "state")
    journal = place.journal()
    matchers = tuple(matcher_document(exact_matchers({"alertname": "Slow"})))
    step = Step("acknowledge", "alertmanager", "", SilenceCall(matchers, 600.0, "").document())
    made = intent("one", ActionKind.ACKNOWLEDGE)
    plan = replace(made.plan, steps=(step,), parameters={"alert": firing["fingerprint"]})
    made = replace(made, plan=plan, config_path=str(path), base=str(tmp_path), reason="on it")
    found = find(load(path), "web", ActionKind.ACKNOWLEDGE, "")
    assert found is not None
    plan = replace(plan, environment=load(path).environment.name)
    made = replace(made, plan=plan, declaration=digest(load(path), found))
    journal.submit(made, 1.0)
    journal.advance(ONE, OperationState.DISPATCHED, 2.0)
    promise = due_in(Promise(ONE, PromiseKind.WATCH, "web", 0.0), 600.0)
    journal.arm(promise, 3.0)
    watch = WatchRule(place, journal, own_of(made), made, promise)
    await watch.turn()
    assert await watch.turn() is not None
    assert watch._missing == 0

    alertmanager.stop()
    again = start_alertmanager(alertmanager.folder, port=alertmanager.port)
    try:
        for _ in range(LOOKS + 1):
            assert await watch.turn() is not None
            assert watch._missing == 0, "Prometheus fires, or it fills up"
        assert ask(again, "/api/v2/silences")[0]["status"]["state"] == "active"
        # Prometheus would send it within a minute.
        post(again, "/api/v2/alerts", [{"labels": firing["labels"]}])
        until(lambda: bool(ask(again, "/api/v2/alerts")))
        assert await watch.turn() is not None
        write_prometheus_config(prometheus.folder, alertmanagers=notify)
        reload(prometheus)
        over = datetime.now(UTC).isoformat()
        post(again, "/api/v2/alerts", [{"labels": firing["labels"], "endsAt": over}])
        until(lambda: not states(prometheus) and not ask(again, "/api/v2/alerts"))
        assert await watch.turn() is not None
        assert watch._missing == 1, "the one that had been sent it again has it no more"
    finally:
        again.stop()
        journal.close()
    assert time.time() < promise.due
