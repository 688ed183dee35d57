"""A pattern of a log makes an alert fire, from the file to the snapshot."""

import time
from pathlib import Path

from opsconsole.config.services import LogSource, Rule, Service
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from tests.sources.logs.listening import until


def test_a_rule_on_a_pattern_fires(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("429 of the past\n" * 100)
    service = Service(
        logs=(LogSource(file="app.log", patterns={"refused": "429|401|403"}),),
        alerts=(Rule(name="RateLimited", when="rate(refused) > 1/m"),),
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
            file.write("GET / 429\n" * 5)
        until(lambda: any(each.name == "RateLimited" for each in engine.latest.alerts), 15)
    finally:
        engine.stop()
