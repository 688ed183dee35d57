"""``opsconsole init`` beside a real engine: written once, compared after that."""

import os
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.config import loader
from opsconsole.config.loader import load
from opsconsole.config.offers import ServerAround
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.prometheus import MonitoringServer, ScrapeJob
from opsconsole.inspection import servers_around
from opsconsole.inspection.offers import jobs_around
from opsconsole.model.source_id import SourceKind
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.systemctl import Systemctl

NAME = "opsconsole.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_written_once_and_compared_after_that(
    docker_sandbox: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url)
    first, second = f"first-{docker_sandbox.owner}", f"second-{docker_sandbox.owner}"
    docker_sandbox.run(first)
    main(["init"])
    said = capsys.readouterr().out
    assert f"{first} ← container {first}" in said
    written = Path(NAME).read_bytes()
    assert load(Path(NAME)).services[first].actions.restart is not None
    assert Path(NAME).stat().st_mode & 0o777 == 0o600

    docker_sandbox.run(second)
    main(["init"])
    said = capsys.readouterr().out
    assert "+++ what runs now" in said
    assert f"+  {second}:  # container {second}" in said
    assert f"-  {first}:" not in said
    assert Path(NAME).read_bytes() == written

    assert main(["-c", "another.yaml", "init"]) in {0, 1}
    assert second in load(Path("another.yaml")).services


def test_what_does_not_answer_is_left_open_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert main(["init"]) == 1
    said = capsys.readouterr().out
    assert "left open: docker does not answer: no Docker Engine at" in said
    assert "nothing was written: no service was found\nname yours in opsconsole.yaml" in said
    assert "  services:\n    my-api:\n" in said
    assert os.listdir() == []


AWAY = """\
kubernetes: {name: far, kubeconfig: nowhere.yaml}
prometheus: {url: 'http://127.0.0.1:1'}
discover: {kubernetes: true}
environments: {prod: {}}
services:
  cart: {kubernetes: deployment/cart}
  web: {instances: ["http://127.0.0.1:1"]}
  cron: {job: cron}
  gone: {containers: [gone]}
keys: {}
"""


@pytest.mark.parametrize("docker_answers", [True, False])
def test_what_is_declared_of_a_place_that_is_away_stays(
    docker_answers: bool,
    docker_sandbox: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url if docker_answers else nobody)
    monkeypatch.setattr(loader, "_SYSTEMD", tmp_path)
    Path(NAME).write_text(AWAY)
    Path(NAME).chmod(0o600)
    load(Path(NAME))
    assert main(["init"]) == 1
    said = capsys.readouterr().out
    assert "left open: far does not answer: " in said
    assert ("left open: docker does not answer: " in said) is not docker_answers
    lost = [line for line in said.splitlines() if line.startswith("-") and line[1:2] != "-"]
    assert lost == (["-  gone: {containers: [gone]}"] if docker_answers else [])


def test_a_folder_is_not_written_into(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    assert main(["init", "-c", "folder"]) == 69
    assert "is a folder" in capsys.readouterr().err


def test_the_demos_fleet_is_named_and_nothing_is_invented(
    docker_sandbox: Engine,
    monitoring_stack: MonitoringStack,
    systemctl: Systemctl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs = ("ai-backend", "ai-service", "errorscope", "oatie", "node")
    server = monitoring_stack.prometheus(jobs=[ScrapeJob(name, ["127.0.0.1:1"]) for name in jobs])
    monkeypatch.setattr(servers_around, "_USUAL", {SourceKind.PROMETHEUS: server.port})
    monkeypatch.setattr(loader, "_SYSTEMD", tmp_path)
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url)
    systemctl.has("backup.service", "failed", "failed", Result="exit-code")
    systemctl.has("cron.service", "active", "running")
    until(lambda: len(jobs_around((around(server),), 5.0)) == len(jobs))
    containers = [f"demo-{name}-{docker_sandbox.owner}" for name in ("frontend", "cache", "batch")]
    for name in containers:
        docker_sandbox.run(name)
    assert main(["init"]) == 1, "the Prometheus is left open"
    said = capsys.readouterr().out
    main(["init"])
    assert f"{NAME}: as it is" in capsys.readouterr().out
    rows = (line.partition(" ← ") for line in said.splitlines() if " ← " in line)
    named = {name.strip(): evidence for name, _, evidence in rows}
    del named["a prometheus"]
    there = {*containers, *jobs, "backup.service"}
    assert len(there & set(named)) / len(there) >= 0.9
    # The engine may be the machine's own, with containers of its own.
    invented = {name for name, why in named.items() if not why.startswith(("container", "service"))}
    assert invented <= there
    assert set(load(Path(NAME)).services) >= {*containers, "backup.service"}
    assert main(["check", "--offline", NAME]) == 0


def around(server: MonitoringServer) -> ServerAround:
    return ServerAround(SourceKind.PROMETHEUS, server.url, "a test")
