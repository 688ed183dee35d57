"""A pattern of a log makes an alert fire, from the file to the snapshot."""

import time
from pathlib import Path

import pytest

from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Rule, Service
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from tests.patience import until

PATTERNS = {"refused": "429|401|403", "done": r"completed in (?P<seconds>[\d.]+)"}


def test_a_rule_on_a_pattern_fires(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("429 of the past\n" * 100)
    service = Service(
        logs=(ServiceLog(file="app.log", patterns=PATTERNS),),
        alerts=(
            Rule(name="RateLimited", when="rate(refused) > 1/m"),
            Rule(name="SlowJobs", when="p95(done.seconds) > 2s"),
        ),
        objectives=("p95(done.seconds) < 2s",),
    )
    settings = Settings(services={"app": service})
    engine = Engine(settings, base=tmp_path)
    engine.start()
    try:
        time.sleep(6.5)
        view = engine.latest.service("app")
        assert view is not None
        assert not engine.latest.alerts, "what was written before is not of now"
        with log.open("a") as file:
            file.write("GET / 429\n" * 5 + "completed in 3.5\n" * 20)
        wanted = {"RateLimited", "SlowJobs"}
        until(lambda: {each.name for each in engine.latest.alerts} == wanted)
        view = engine.latest.service("app")
        assert view is not None
        figures = {metric.name: metric.value for metric in view.metrics}
        assert figures["p50(done.seconds)"] == pytest.approx(3.5, rel=0.02)
        assert view.objectives[0].met is False
    finally:
        engine.stop()
