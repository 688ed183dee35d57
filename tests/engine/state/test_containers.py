"""Which containers belong to which service."""

from opsconsole.engine.state.containers import ContainerIndex, merge_views
from opsconsole.model.resources import Container, DockerView, SwarmService
from opsconsole.model.state import State
from tests.named import named


def container(name: str, status: str = "running", **labels: str) -> Container:
    found = {key.replace("__", "."): value for key, value in labels.items()}
    return Container(name, name, "web:1", "sha", status, State.OK, labels=found)


def compose(name: str, service: str, status: str = "running") -> Container:
    return container(name, status, com__docker__compose__service=service)


def task(name: str, service: str, status: str = "running") -> Container:
    return container(name, status, com__docker__swarm__service__name=service)


def engine(*containers: Container, swarm: tuple[SwarmService, ...] = ()) -> DockerView:
    return DockerView("unix:///x", "27", containers, swarm)


def names(found: tuple[Container, ...]) -> list[str]:
    return [each.name for each in found]


def test_a_name_is_the_container_s_own_before_a_group_s() -> None:
    index = ContainerIndex([engine(container("web"), compose("p-web-1", "web"))])
    assert names(index.find("web")) == ["web"]


def test_a_compose_service_is_all_of_its_containers_ended_ones_too() -> None:
    index = ContainerIndex([engine(compose("p-web-1", "web"), compose("p-web-2", "web", "exited"))])
    assert names(index.find("web")) == ["p-web-1", "p-web-2"]


def test_ended_tasks_of_swarm_are_history() -> None:
    service = SwarmService("1", "web", "web:1", 1, 1)
    view = engine(task("web.1.b", "web"), task("web.1.a", "web", "exited"), swarm=(service,))
    index = ContainerIndex([view])
    assert names(index.find("web")) == ["web.1.b"]
    assert index.swarm(["web", "other"]) == (service,)
    assert index.knows("web")


def test_nothing_is_joined_by_likeness() -> None:
    index = ContainerIndex([engine(container("web-1"), compose("p-api-1", "api"))])
    assert index.find("web") == ()
    assert not index.knows("web")


def test_each_container_is_joined_once() -> None:
    index = ContainerIndex([engine(compose("web-1", "web"))])
    assert names(index.join(["web", "web-1", "web"])) == ["web-1"]


def test_one_engine_s_view_is_kept_as_it_is_and_several_are_joined() -> None:
    first, second = engine(container("a")), engine(container("b"))
    assert merge_views({}) is None
    assert merge_views({named("docker:one"): first}) is first
    both = merge_views({named("docker:one"): first, named("docker:two"): second})
    assert both is not None
    assert names(both.containers) == ["a", "b"]
