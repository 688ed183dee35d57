"""Names of containers held against real engines: missing, on two of them, and of which is open."""

from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.demo.docker_engine import Engine
from opsconsole.inspection.finding import Weight
from opsconsole.inspection.inspection import inspect
from tests.sources.docker_fakes import fake_daemon, reply

NOWHERE = "unix:///nowhere/docker.sock"


def look(docker: Any, service: dict[str, Any]) -> dict[tuple[str | int, ...], tuple[Weight, str]]:
    """What is said of the service, by the place within it."""
    settings = Settings.model_validate(
        {"docker": docker, "host": {"enabled": False}, "services": {"web": service}}
    )
    found = inspect(settings, base=Path(), clock=SystemClock(), environ={})
    return {
        each.path[2:]: (each.weight, each.message)
        for each in found
        if each.path[:2] == ("services", "web")
    }


def test_a_container_that_is_not_there_is_a_warning(docker_sandbox: Engine) -> None:
    name = f"check-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    said = look({"host": docker_sandbox.url}, {"containers": [name, "no-such-container"]})
    assert said == {
        ("containers", 1): (Weight.WARNING, "nothing is called no-such-container on docker")
    }


def test_a_name_on_two_engines_is_an_error_until_the_engine_is_said(
    docker_sandbox: Engine,
) -> None:
    name = f"check-{docker_sandbox.owner}"
    docker_sandbox.run(name)
    with fake_daemon() as daemon:
        listed = {"Id": "ab" * 32, "Names": [f"/{name}"], "State": "running", "Status": "Up"}
        daemon.answers["/containers/json"] = reply([listed])
        engines = [
            {"name": "here", "host": docker_sandbox.url},
            {"name": "there", "host": daemon.url},
        ]
        said = look(engines, {"containers": [name], "actions": {"restart": {"docker": name}}})
        weight, message = said["containers", 0]
        assert weight is Weight.ERROR
        assert f"{name} may be {name} on here or {name} on there" in message
        assert said["actions", "restart", "docker"][0] is Weight.ERROR
        told = {"containers": [name], "engine": "here", "actions": {"restart": {"docker": name}}}
        assert look(engines, told) == {}


def test_of_an_engine_that_does_not_answer_no_name_is_said_to_be_missing() -> None:
    assert look({"host": NOWHERE}, {"containers": ["web"]}) == {}


@pytest.mark.parametrize(
    ("where", "named"),
    [
        (("actions", "restart", "docker"), {"actions": {"restart": {"docker": "gone"}}}),
        (
            ("actions", "backup", "volume"),
            {"actions": {"backup": {"volume": {"container": "gone", "path": "/data"}}}},
        ),
        (("logs", 0, "docker"), {"logs": [{"docker": "gone"}]}),
    ],
)
def test_a_container_that_an_action_or_a_log_names_is_looked_for(
    where: tuple[str | int, ...], named: dict[str, Any]
) -> None:
    with fake_daemon() as daemon:
        daemon.answers["/containers/json"] = reply([])
        said = look({"host": daemon.url}, named)
    assert said == {where: (Weight.WARNING, "nothing is called gone on docker")}
    assert look({"host": NOWHERE}, named) == {}
