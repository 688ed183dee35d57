"""The demo's containers on a real engine, and what is said where there is none."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from opsconsole.demo.containers import choose_engine, start_containers
from opsconsole.demo.docker_engine import Engine, why_no_private_engine
from opsconsole.demo.private_engine import engine_answers
from tests.demo.test_command import Demo
from tests.servers.engines import host_port, wait_healthy


def test_three_containers_run_and_are_removed(docker_engine: Engine) -> None:
    engine = Engine(docker_engine.url)
    with ExitStack() as cleanup:
        names = start_containers(engine, cleanup)
        frontend = engine.client().containers.get(names[0])
        wait_healthy(frontend)
        assert host_port(frontend) > 0
        states = {name: engine.client().containers.get(name).status for name in names}
        assert states == dict.fromkeys(names, "running")
    left = docker_engine.client().containers.list(all=True)
    assert not {container.name for container in left} & set(names)


def test_without_an_engine_none_is_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with ExitStack() as cleanup:
        assert choose_engine(cleanup, private=False) is None


def test_headless_demo_notes_the_missing_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    demo = Demo()
    try:
        assert any("apt-get install docker.io" in note for note in demo.state["notes"])
        assert "docker:" not in demo.config.read_text()
    finally:
        demo.end()


@pytest.mark.skipif(bool(why_no_private_engine()), reason="no private engine here")
@pytest.mark.servers
def test_private_engine_starts_behind_the_fleet_and_ends_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    demo = Demo("--private-docker")
    try:
        text = demo.config.read_text()
        socket = Path(json.loads(text.partition("host: ")[2].splitlines()[0])[len("unix://") :])
        engine = Engine(f"unix://{socket}")
        end = time.monotonic() + 30
        while not engine_answers(engine.url) and time.monotonic() < end:
            time.sleep(0.1)
        names: set[str | None] = set()
        while len(names) < 3 and time.monotonic() < end:
            names = {container.name for container in engine.client().containers.list()}
            time.sleep(0.1)
        engine.client().close()
        assert names == {"demo-frontend", "demo-cache", "demo-batch"}
    finally:
        demo.end()
    assert not socket.parent.exists()
