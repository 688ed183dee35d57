"""Which engines are looked at without a configuration, by the sockets that are there."""

import os
import socket
from pathlib import Path

import pytest

from opsconsole.config import usual_engines as of
from opsconsole.config.loader import default_settings
from opsconsole.config.usual_engines import usual_engines


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the places of all sockets; none is there. Their paths are short enough."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(of, "_DOCKER", Path("docker.sock"))
    monkeypatch.setattr(of, "_SYSTEM", Path("system.sock"))
    Path("run/podman").mkdir(parents=True)
    return tmp_path


def listen(*paths: str) -> None:
    for path in paths:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path)


def found(**environ: str) -> list[tuple[str, str | None]]:
    return [(each.name, each.host) for each in usual_engines({"XDG_RUNTIME_DIR": "run", **environ})]


OWN, SYSTEM = ("podman", "unix://run/podman/podman.sock"), ("podman", "unix://system.sock")
DOCKER = ("docker", None)


def test_docker_is_meant_where_nothing_is_there(here: Path) -> None:
    assert found() == [DOCKER]
    assert "docker" not in default_settings({"XDG_RUNTIME_DIR": "run"}).model_fields_set


def test_podman_stands_beside_docker_and_alone_where_that_is_not(here: Path) -> None:
    listen("run/podman/podman.sock")
    assert found() == [OWN]
    assert found(DOCKER_HOST="tcp://10.0.0.1:2375") == [DOCKER, OWN]
    assert found(DOCKER_CONTEXT="away") == [DOCKER, OWN]
    listen("docker.sock")
    assert found() == [DOCKER, OWN]
    listen("system.sock")
    assert found() == [DOCKER, OWN, ("podman-system", "unix://system.sock")]
    assert usual_engines({})[1:] == usual_engines({"XDG_RUNTIME_DIR": "elsewhere"})[1:]
    assert [(each.name, each.host) for each in usual_engines({})] == [DOCKER, SYSTEM]


def test_a_socket_that_docker_asks_already_is_not_another_engine(here: Path) -> None:
    listen("run/podman/podman.sock")
    Path("docker.sock").symlink_to("run/podman/podman.sock")
    assert found() == [DOCKER]
    Path("docker.sock").unlink()
    assert found(DOCKER_HOST="unix://run/podman/podman.sock") == [DOCKER]


def test_what_is_no_socket_or_not_ours_to_use_is_none(here: Path) -> None:
    Path("run/podman/podman.sock").touch()
    assert found() == [DOCKER]
    Path("run/podman/podman.sock").unlink()
    listen("run/podman/podman.sock")
    Path("run/podman/podman.sock").chmod(0)
    if os.geteuid():
        assert found() == [DOCKER]


def test_a_context_of_dockers_command_keeps_docker(here: Path) -> None:
    listen("run/podman/podman.sock")
    Path("cli").mkdir()
    Path("cli/config.json").write_text("{}")
    assert found(DOCKER_CONFIG="cli") == [DOCKER, OWN]
    Path(".docker").mkdir()
    Path(".docker/config.json").write_text("{}")
    assert found(HOME=str(here)) == [DOCKER, OWN]
