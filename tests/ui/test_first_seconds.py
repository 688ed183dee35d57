"""What the screens say before anything was read: that it is looked for, and no advice."""

import re
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.engine.engine import Engine
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.empty_panels import no_alerts, nothing_to_show
from opsconsole.render.ink.cells import plain
from opsconsole.render.overview import Panel
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from tests.ui.conftest import OpenStage
from tests.ui.tabs import key_of

EVERYTHING = """
environment: {name: production, danger: high}
state_dir: STATE
prometheus: {url: http://127.0.0.1:9}
alertmanager: {url: http://127.0.0.1:9}
docker: {host: unix:///nowhere}
services:
  api:
    instances: [http://127.0.0.1:9]
    health: /
    containers: api
    logs: [{file: api.log}]
    metrics: {queue: {gauge: queue}}
    objectives: [availability 99.9% over 30d]
    endpoints: {version: /version}
    actions:
      restart: {docker: {}}
      backup: {command: {argv: [/bin/true]}}
"""
ADVICE = re.compile(
    r"\bset \w|\bdeclare\b|\bname \w+ (under|in|as)\b|not looked for|neither this host"
)
CALM = re.compile(r"no alert|nothing is|there is no container|all ok", re.IGNORECASE)


@pytest.fixture
def first(tmp_path: Path) -> Snapshot:
    """What an engine has before it began to look."""
    path = tmp_path / "opsconsole.yaml"
    path.write_text(EVERYTHING.replace("STATE", str(tmp_path / "state")))
    path.chmod(0o600)
    return Engine(load(path), base=tmp_path).latest


@pytest.mark.parametrize("panel", [each for each in Panel if each is not Panel.SELECTED])
def test_an_empty_panel_says_that_it_is_looked_for(first: Snapshot, panel: Panel) -> None:
    said = plain(nothing_to_show(panel, first))
    if panel in {Panel.ALERTS, Panel.PLACES}:
        assert "looking" in said
    if panel is not Panel.SERVICES:
        assert not ADVICE.search(said)
    assert not CALM.search(plain(no_alerts(first)))


@pytest.mark.parametrize("tab", [None, *(each.NAME for each in TABS)])
async def test_no_screen_gives_advice_on_what_is_configured(
    open_stage: OpenStage, first: Snapshot, tab: str | None
) -> None:
    async with open_stage(first) as stage:
        await stage.press(*(("enter", key_of(tab)) if tab else ()))
        assert not ADVICE.search(stage.text), stage.text
        if tab in {None, "alerts"}:
            assert not CALM.search(stage.text), stage.text


async def test_what_is_not_configured_gets_its_advice_from_the_first_second(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("host: {enabled: false}\ndocker: []\nservices: {api: {health: null}}\n")
    path.chmod(0o600)
    async with open_stage(Engine(load(path), base=tmp_path).latest) as stage:
        assert "set prometheus.url or alertmanager.url" in stage.text
        assert "neither this host nor an engine is read" in stage.text


@pytest.mark.parametrize("key", ["R", "B", "x"])
async def test_a_key_of_a_change_never_denies_what_is_declared(
    first: Snapshot, open_stage: OpenStage, key: str
) -> None:
    async with open_stage(first) as stage:
        await stage.press(key)
        assert "not known yet what may be done here" in stage.text
        assert "in its configuration" not in stage.text
        assert stage.engine.requests == []
