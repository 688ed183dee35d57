"""An engine's inventory read as services: names, evidence, actions, labels and filters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.effective import effective
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery import docker
from opsconsole.discovery.docker import RECENT, read
from opsconsole.discovery.finding import Finding
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Port, Replica
from opsconsole.model.state import State
from opsconsole.operations.drivers.docker.replaced import Replaced
from opsconsole.sources.docker.workloads import copy_of
from tests.workloads import workload

NOW = 1_000_000.0
HERE = "unix:///var/run/docker.sock (default socket)"


def container(name: str, labels: Mapping[str, str] | None = None, **more: Any) -> Replica:
    place = Place(PlaceKind.ENGINE, "docker")
    phase = more.pop("phase", Phase.RUNNING)
    called, id_ = copy_of(labels or {}, place, runs=phase is Phase.RUNNING)
    return Replica(
        id=f"id of {name}",
        name=name,
        kind="container",
        place=place,
        status="",
        phase=phase,
        state=State.OK,
        workload=called,
        workload_id=id_,
        labels=labels or {},
        **more,
    )


def compose(
    project: str,
    service: str,
    number: int = 1,
    *,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Replica:
    own = {"com.docker.compose.project": project, "com.docker.compose.service": service}
    return container(f"{project}-{service}-{number}", {**own, **(labels or {})}, **more)


def inventory(*replicas: Replica, endpoint: str = HERE, **more: Any) -> Inventory:
    place = Place(PlaceKind.ENGINE, "docker")
    return Inventory(place, endpoint, "27", replicas, **more)


def declared(rules: object = True, **more: Any) -> Settings:
    return Settings.model_validate({"discover": {"docker": rules}, **more})


def services(*replicas: Replica, rules: object = True, **more: Any) -> dict[str, Finding]:
    found = read(declared(rules, **more), inventory(*replicas), NOW)
    return {each.found.name: each for each in found}


def service(*replicas: Replica, rules: object = True, **more: Any) -> Service:
    (found,) = services(*replicas, rules=rules, **more).values()
    return found.found.service


@pytest.mark.parametrize(
    ("replicas", "names"),
    [
        ([compose("shop", "web", n) for n in (1, 2)], ["shop-web"]),
        ([compose("shop", "web"), compose("blog", "web")], ["blog-web", "shop-web"]),
        ([container("db")], ["db"]),
        ([compose("shop", "web"), container("shop-web")], ["shop-web", "shop-web.container"]),
        ([container("web_1/../x y")], ["web_1-..-x-y"]),
        ([container("x" * 200)], ["x" * 63]),
        ([container("...")], []),
        ([compose("shop", "job", labels={"com.docker.compose.oneoff": "True"})], []),
        ([container("copy", {"io.opsconsole.helper": "data"})], []),
        ([container("task", {"com.docker.swarm.service.name": "api"}, phase=Phase.ENDED)], []),
        ([container("task", {"com.docker.swarm.service.name": "api"})], ["api"]),
    ],
)
def test_what_is_a_service_and_what_it_is_called(replicas: list[Replica], names: list[str]) -> None:
    assert list(services(*replicas)) == names


def test_a_container_that_stands_in_during_a_rollback_is_no_service() -> None:
    it = Replaced("0123456789abcdef", "db", "sha256:1", "db:1", ran=True)
    assert list(services(container("db"), container(it.next), container(it.kept))) == ["db"]


def test_the_evidence_is_told() -> None:
    found = services(compose("shop", "web"), container("db"))
    assert {name: each.found.evidence for name, each in found.items()} == {
        "shop-web": "service web of Compose project shop",
        "db": "container db",
    }


def test_a_compose_service_can_do_what_its_engine_can() -> None:
    web = service(compose("shop", "web", 1), compose("shop", "web", 2))
    assert web.containers == ("shop/web",)
    assert (web.group, web.engine) == ("shop", "docker")
    assert [each.docker for each in web.logs] == ["shop-web-1", "shop-web-2"]
    restart, rollback, scale = web.actions.restart, web.actions.rollback, web.actions.scale
    assert restart is not None
    assert restart.docker is not None
    assert rollback is not None
    assert rollback.docker is not None
    assert scale is not None
    assert scale.docker is not None
    assert restart.docker.containers == ("shop/web",)
    assert (rollback.docker.containers, rollback.docker.image) == (("shop/web",), "previous")
    assert scale.docker.containers == ("shop-web-*",)


def test_a_container_alone_is_not_scaled() -> None:
    db = service(container("db"))
    assert db.actions.scale is None
    assert db.actions.restart is not None
    named = replace(compose("shop", "web"), name="the-web")
    assert service(named).actions.scale is None


def test_a_swarm_service_is_one_without_a_task_here() -> None:
    seen = inventory(workloads=(workload("api", running=0, wanted=2),))
    (found,) = read(declared(), seen, NOW)
    assert (found.found.name, found.serves) == ("api", True)
    restart = found.found.service.actions.restart
    assert restart is not None
    assert restart.swarm is not None
    assert restart.swarm.service == "api"


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        (True, ["blog-api", "db", "shop-web"]),
        ({"projects": "shop"}, ["shop-web"]),
        ({"projects": ["s*", "blog"]}, ["blog-api", "shop-web"]),
        ({"names": "*-a*"}, ["blog-api"]),
        ({"labels": "tier"}, ["blog-api", "shop-web"]),
        ({"labels": ["tier=back"]}, ["blog-api"]),
        ({"engines": "docker"}, ["blog-api", "db", "shop-web"]),
        (None, []),
    ],
)
def test_rules_leave_out(rules: object, names: list[str]) -> None:
    found = services(
        compose("shop", "web", labels={"tier": "front"}),
        compose("blog", "api", labels={"tier": "back"}),
        container("db"),
        rules=rules,
    )
    assert list(found) == names


def test_a_name_says_the_engine_where_there_are_several() -> None:
    two = declared(docker=[{"name": "docker"}, {"name": "edge", "host": "tcp://10.0.0.1"}])
    assert [each.found.name for each in read(two, inventory(container("db")), NOW)] == ["db-docker"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("restart", {"restart"}),
        ("scale, restart", {"restart", "scale"}),
        ("none", set()),
        ("", set()),
        ("rm -rf /, call, backup", set()),
    ],
)
def test_a_label_takes_actions_away_and_adds_none(said: str, kept: set[str]) -> None:
    replicas = (
        compose("shop", "web"),
        compose("shop", "web", 2, labels={"io.opsconsole.actions": said}),
    )
    dumped = service(*replicas).actions.model_dump(exclude_none=True, exclude_defaults=True)
    assert set(dumped) == kept
    assert service(*replicas, rules={"actions": []}).actions.restart is None


@pytest.mark.parametrize(
    ("label", "endpoint", "url", "path"),
    [
        ("/health", HERE, "http://127.0.0.1:32768", "/health"),
        ("9090/ready", HERE, "http://10.1.1.1:9090", "/ready"),
        ("7777/ready", HERE, None, None),
        ("http://evil/x", HERE, None, None),
        ("//evil/x", HERE, None, None),
        ("/a b", HERE, None, None),
        ("/health", "tcp://10.0.0.9:2376 (docker.host)", "http://10.0.0.9:32768", "/health"),
    ],
)
def test_a_label_adds_a_path_and_never_an_address(
    label: str, endpoint: str, url: str | None, path: str | None
) -> None:
    ports = (Port(8080, 32768), Port(8081), Port(9090, 9090, "10.1.1.1"))
    web = compose("shop", "web", labels={"io.opsconsole.health": label}, ports=ports)
    (found,) = read(declared(), inventory(web, endpoint=endpoint), NOW)
    instances = found.found.service.instances
    assert [each.url for each in instances] == ([url] if url else [])
    assert all(each.name == each.container == web.name for each in instances)
    if path:
        assert found.found.service.health is not None
        assert found.found.service.health.path == path


def test_a_port_that_only_the_other_host_reaches_is_not_probed() -> None:
    labels = {"io.opsconsole.health": "/health"}
    web = compose("shop", "web", labels=labels, ports=(Port(80, 8000, "127.0.0.1"),))
    (found,) = read(declared(), inventory(web, endpoint="tcp://10.0.0.9:2376 (x)"), NOW)
    assert found.found.service.instances == ()


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (HERE, None),
        ("tcp://localhost:2375 (x)", None),
        ("tcp://127.0.0.9:2375", None),
        ("tcp://[::1]:2375", None),
        ("tcp://10.0.0.9:2375 (x)", "10.0.0.9"),
        ("tcp://engine.lan:2375", "engine.lan"),
    ],
)
def test_an_engine_that_is_here_has_no_host_of_its_own(endpoint: str, host: str | None) -> None:
    assert docker._host(endpoint) == host


def test_what_it_needs_is_what_there_is() -> None:
    labels = {
        "com.docker.compose.depends_on": "db:service_started:false,gone:service_healthy:true",
        "io.opsconsole.depends-on": "cache, mine, web",
    }
    found = services(
        compose("shop", "web", labels=labels),
        compose("shop", "db"),
        compose("blog", "gone"),
        container("cache"),
        services={"mine": {}},
    )
    assert found["shop-web"].found.service.depends_on == ("cache", "mine", "shop-db")
    assert found["shop-web"].found.service.group == "shop"
    assert service(container("db", {"io.opsconsole.group": "data"})).group == "data"


@pytest.mark.parametrize(
    ("mine", "names"),
    [
        ({"front": {"containers": "shop/web"}}, ["db"]),
        ({"front": {"containers": "web"}}, ["db"]),
        ({"front": {"containers": ["shop-web-1"]}}, ["db"]),
        ({"front": {"instances": {"url": "http://h", "container": "shop-web-1"}}}, ["db"]),
        ({"shop-web": {"containers": "web"}}, ["db", "shop-web"]),
        ({"shop-web": {"instances": "http://h"}}, ["db", "shop-web"]),
        ({"shop-web": {"containers": "another"}}, ["db", "shop-web.compose"]),
        ({"front": {"containers": "web", "engine": "other"}}, ["db", "shop-web"]),
    ],
)
def test_what_is_declared_is_not_found_a_second_time(
    mine: dict[str, object], names: list[str]
) -> None:
    engines = [{"name": "docker"}, {"name": "other", "enabled": False}]
    found = services(compose("shop", "web"), container("db"), services=mine, docker=engines)
    assert list(found) == names


def ended(code: int | None, ago: float | None, **more: Any) -> Replica:
    at = None if ago is None else NOW - ago
    return container("job", phase=Phase.ENDED, exit_code=code, finished_at=at, **more)


@pytest.mark.parametrize(
    ("replica", "serves", "is_over"),
    [
        (container("job"), True, False),
        (container("job", phase=Phase.PAUSED), True, False),
        (container("job", phase=Phase.RESTARTING), True, False),
        (container("job", phase=Phase.PENDING), False, False),
        (ended(0, 10), False, True),
        (ended(1, 10), True, False),
        (ended(1, RECENT), False, False),
        (ended(1, None), False, False),
        (ended(143, 10), False, False),
        (ended(137, 10), False, False),
        (ended(137, 10, oom_killed=True), True, False),
        (ended(None, 10), False, False),
    ],
)
def test_what_is_worth_showing(replica: Replica, serves: bool, is_over: bool) -> None:
    (found,) = services(replica).values()
    assert (found.serves, found.is_over) == (serves, is_over)


TEXT = st.text(max_size=80)
LABELS = st.dictionaries(
    st.sampled_from(
        [
            "com.docker.compose.project",
            "com.docker.compose.service",
            "com.docker.compose.depends_on",
            "com.docker.swarm.service.name",
            "com.docker.stack.namespace",
            "io.opsconsole.health",
            "io.opsconsole.group",
            "io.opsconsole.actions",
            "io.opsconsole.depends-on",
        ]
    ),
    TEXT | st.sampled_from(["web", "db", "/health", "80/x", "restart", "a:b,c:d"]),
)
REPLICAS = st.builds(
    container,
    TEXT.filter(bool),
    LABELS,
    phase=st.sampled_from(Phase),
    ports=st.lists(
        st.builds(Port, st.integers(1, 65535), st.integers(1, 65535) | st.none(), TEXT), max_size=2
    ).map(tuple),
)


@given(st.lists(REPLICAS, max_size=6, unique_by=lambda each: each.name))
def test_whatever_an_engine_says_gives_settings_that_are_valid(replicas: list[Replica]) -> None:
    settings = declared()
    found = read(settings, inventory(*replicas), NOW)
    names = [each.found.name for each in found]
    assert len(names) == len(set(names))
    assert found == read(settings, inventory(*reversed(replicas)), NOW)
    merged = effective(settings, [each.found for each in found])
    assert merged.settings.services.keys() | merged.left_out.keys() == set(names)
    again = Settings.model_validate(merged.settings.model_dump(mode="json", by_alias=True))
    assert again.services.keys() == merged.settings.services.keys()
    for each in merged.settings.services.values():
        assert all(action.command is None for action in (each.actions.restart,) if action)
        assert not each.actions.call
        assert not each.actions.test
