"""The first configuration: valid as it is and with every offer taken, each line with its origin."""

from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import default_settings, load
from opsconsole.config.offers import ServerAround
from opsconsole.config.settings import Settings
from opsconsole.discovery.docker import read
from opsconsole.model.running.workloads import Port
from opsconsole.model.source_id import SourceKind
from opsconsole.render.first_configuration import FirstConfiguration, first_configuration
from tests.workloads import inventory, replica, workload

PROMETHEUS = ServerAround(
    SourceKind.PROMETHEUS, "http://127.0.0.1:9090", "answers at its usual port"
)


def compose(service: str, number: int = 1, **more: Any) -> Any:
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": service,
        **more.pop("labels", {}),
    }
    name = f"shop-{service}-{number}"
    return replica(name, workload=f"shop/{service}", labels=labels, **more)


SEEN = inventory(
    compose("web", ports=(Port(8080, 8000),), labels={"com.docker.compose.depends_on": "db:x:y"}),
    compose("api", ports=(Port(80, 8001),), labels={"io.opsconsole.health": "/ready"}),
    compose("db"),
    replica("lone #1: [x]", labels={"io.opsconsole.actions": "rollback"}),
    replica("quiet", labels={"io.opsconsole.actions": "none"}),
    workloads=[workload("stack_job", 1, 1)],
)


def made(*servers: ServerAround, faults: tuple[str, ...] = ()) -> FirstConfiguration:
    services = [each.found for each in read(default_settings(), SEEN, None) if each.serves]
    return first_configuration(services, servers, (), [SEEN], faults)


def loaded(folder: Path, lines: list[str]) -> Settings:
    path = folder / "opsconsole.yaml"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return load(path, {})


def test_it_is_what_was_found_with_restarts_alone(tmp_path: Path) -> None:
    settings = loaded(tmp_path, list(made(PROMETHEUS).lines))
    found = {each.found.name: each.found.service for each in read(default_settings(), SEEN, None)}
    assert settings.services.keys() == found.keys()
    for name, service in settings.services.items():
        kept = {"group", "containers", "depends_on", "instances", "logs"}
        assert service.model_dump(include=kept, exclude={"logs": {"__all__": {"engine"}}}) == found[
            name
        ].model_dump(include=kept, exclude={"logs": {"__all__": {"engine"}}}), name
        actions = service.actions.model_dump(exclude_unset=True)
        wanted = {"restart"} if found[name].actions.restart else set()
        assert set(actions) == wanted, name
    api = settings.services["shop-api"]
    assert api.health is not None
    assert api.health.path == "/ready"
    assert settings.prometheus == ()
    assert settings.discovered == ()


def test_every_offer_can_be_taken(tmp_path: Path) -> None:
    taken = [
        line.replace("#", "", 1) if line.lstrip().startswith("#") else line
        for line in made(PROMETHEUS).lines
        if not line.startswith("# ")
    ]
    settings = loaded(tmp_path, taken)
    web = settings.services["shop-web"]
    assert [each.url for each in web.instances] == ["http://127.0.0.1:8000"]
    assert web.actions.scale is not None
    assert web.actions.rollback is not None
    lone = settings.services["lone-1-x"].actions
    assert (lone.restart, lone.rollback is None) == (None, False)
    assert settings.prometheus[0].url == PROMETHEUS.url
    assert settings.discovered


def test_each_line_says_where_it_comes_from() -> None:
    for line in made(PROMETHEUS).lines:
        if line and not line.startswith("# ") and line.strip() != "services:":
            assert "  # " in line, line


@pytest.mark.parametrize("faults", [(), ("docker does not answer: x",)])
def test_what_is_not_certain_is_left_open(faults: tuple[str, ...]) -> None:
    assert made(PROMETHEUS, faults=faults).left_open == (
        *faults,
        "the prometheus at http://127.0.0.1:9090 is offered as a comment: is it yours?",
        "shop-web publishes http://127.0.0.1:8000: on which path is its health?",
    )
