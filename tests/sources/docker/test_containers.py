"""The engine's JSON is read as it is, and whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.model.running.workloads import Phase, Port, Replica
from opsconsole.model.state import State
from opsconsole.sources.docker.containers import (
    CONTAINERS_LIMIT,
    join,
    judge,
    read_inspection,
    read_list,
)
from opsconsole.sources.json_fields import read_time
from tests.clean import is_clean
from tests.sources.docker_fakes import sample
from tests.workloads import DOCKER

ID = "ab" * 32

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=20,
)


def listed(**fields: object) -> dict[str, object]:
    return {"Id": ID, "Names": ["/web"], "State": "running", "Status": "Up 2 hours", **fields}


def read_one(item: dict[str, object], inspection: object = None, *, skew: float = 0.0) -> Replica:
    (found,) = read_list([item]) or []
    seen = None if inspection is None else read_inspection(inspection)
    return join(found, seen, DOCKER, skew=skew)


def captured(name: str) -> Replica:
    (item,) = (item for item in sample("containers") if f"/{name}" in item["Names"])
    inspected = name in ("web", "sick", "oom", "loop")
    return read_one(item, sample(f"inspect-{name}") if inspected else None)


def test_a_healthy_container() -> None:
    web = captured("web")

    assert web.state is State.OK
    assert (web.status, web.health, web.detail) == ("running", "healthy", "")
    assert web.exit_code is None
    assert web.restarts == 0
    assert web.memory_limit == 64 << 20
    assert web.labels["com.docker.compose.service"] == "web"
    assert (web.kind, web.place, web.phase) == ("container", DOCKER, Phase.RUNNING)
    (port,) = web.ports
    assert (port.private, port.address, port.protocol) == (8080, "127.0.0.1", "tcp")
    assert port.public is not None
    assert web.started_at is not None
    assert web.finished_at is None


def test_an_unhealthy_container_says_what_its_check_said() -> None:
    sick = captured("sick")

    assert sick.state is State.DOWN
    assert sick.detail == "unhealthy: cannot reach the database"


def test_a_container_that_ran_out_of_memory_is_named() -> None:
    oom = captured("oom")

    assert oom.state is State.DOWN
    assert (oom.exit_code, oom.oom_killed, oom.detail) == (137, True, "exited 137 OOM")
    assert oom.finished_at is not None


def test_a_container_in_a_loop_of_restarts() -> None:
    loop = captured("loop")

    assert loop.state is State.DEGRADED
    assert loop.status == "restarting"
    assert loop.exit_code == 1
    assert loop.restarts is not None
    assert loop.restarts > 1


def test_a_container_that_could_not_be_started_says_why() -> None:
    error = "driver failed: Bind for 0.0.0.0:80 failed: port is already allocated"
    inspection = {"State": {"Error": error, "ExitCode": 128}}
    for status in ("created", "exited"):
        kept = read_one(listed(State=status, Status=f"{status} (128)"), inspection)
        assert kept.start_error == "port 80 taken"
        assert kept.detail.endswith(": port 80 taken")
    assert read_one(listed(), inspection).start_error == "", "it was started since"


@pytest.mark.parametrize(
    ("networks", "mode", "cut_off"),
    [
        ({}, "bridge", True),
        ({}, "shop_default", True),
        ({"bridge": {}}, "bridge", False),
        ({}, "none", False),
        ({}, "host", False),
        ({}, "container:ab", False),
        (None, "bridge", False),
        ({}, None, False),
    ],
)
def test_a_container_that_was_taken_out_of_its_networks_is_down(
    networks: object, mode: object, cut_off: bool
) -> None:
    item = listed(NetworkSettings={"Networks": networks}, HostConfig={"NetworkMode": mode})
    found = read_one(item)
    assert found.state is (State.DOWN if cut_off else State.OK)
    assert found.detail == ("is in no network" if cut_off else "")


@pytest.mark.parametrize(
    ("name", "state", "phase", "detail"),
    [
        ("done", State.UNKNOWN, Phase.ENDED, "exited 0"),
        ("fresh", State.UNKNOWN, Phase.PENDING, "created"),
        ("held", State.DEGRADED, Phase.PAUSED, "paused"),
    ],
)
def test_containers_that_do_not_run(name: str, state: State, phase: Phase, detail: str) -> None:
    container = captured(name)

    assert (container.state, container.phase, container.detail) == (state, phase, detail)


@pytest.mark.parametrize(
    ("status", "health", "code", "oom", "state"),
    [
        ("running", "", None, False, State.OK),
        ("running", "healthy", None, False, State.OK),
        ("running", "starting", None, False, State.DEGRADED),
        ("running", "unhealthy", None, False, State.DOWN),
        ("running", "word of tomorrow", None, False, State.UNKNOWN),
        ("restarting", "", 1, False, State.DEGRADED),
        ("paused", "healthy", None, False, State.DEGRADED),
        ("exited", "", 0, False, State.UNKNOWN),
        ("exited", "", 1, False, State.DOWN),
        ("exited", "", 0, True, State.DOWN),
        ("exited", "", None, False, State.UNKNOWN),
        ("dead", "", None, False, State.DOWN),
        ("created", "", None, False, State.UNKNOWN),
        ("removing", "", None, False, State.UNKNOWN),
        ("", "", None, False, State.UNKNOWN),
    ],
)
def test_states(status: str, health: str, code: int | None, oom: bool, state: State) -> None:
    assert judge(status, health, code, oom_killed=oom) is state


def test_the_list_alone_tells_health_and_exit_code() -> None:
    assert read_one(listed(Status="Up 3 seconds (health: starting)")).health == "starting"
    assert read_one(listed(Status="Up 2 hours (unhealthy)")).state is State.DOWN
    exited = read_one(listed(State="exited", Status="Exited (137) 3 minutes ago"))
    assert (exited.exit_code, exited.state, exited.restarts) == (137, State.DOWN, None)


def test_a_name_is_not_one_of_another_containers_links() -> None:
    assert read_one(listed(Names=["/app/database", "/database"])).name == "database"
    assert read_one(listed(Names=[])).name == ID[:12]


def test_an_image_whose_tag_moved_keeps_its_name() -> None:
    moved = listed(Image="sha256:" + "0" * 64)

    assert read_one(moved, {"Config": {"Image": "shop:1"}}).image == "shop:1"
    assert read_one(moved).image == "sha256:" + "0" * 64
    assert read_one(listed(Image="shop:2"), {"Config": {"Image": "shop:1"}}).image == "shop:2"


def test_ports_are_joined_over_both_families() -> None:
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        {"PrivatePort": 9, "Type": "tcp"},
        {"PrivatePort": 0},
        {"PrivatePort": "80"},
        7,
    ]

    assert read_one(listed(Ports=ports)).ports == (
        Port(9),
        Port(53, 53, "127.0.0.1", "udp"),
        Port(80, 8080),
    )


def test_times_are_of_the_steady_clock() -> None:
    state = {"StartedAt": "2026-01-02T03:04:05.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z"}

    container = read_one(listed(), {"State": state}, skew=100.0)

    assert container.started_at == pytest.approx(1767323045.123456 - 100)
    assert container.finished_at is None


@pytest.mark.parametrize("text", [None, 5, "", "yesterday", "2026-01-02T03:04:05", "9" * 500])
def test_what_is_no_time_is_not_known(text: object) -> None:
    assert read_time(text) is None


def test_labels_are_bounded() -> None:
    labels = {f"key{number}": "v" * 100_000 for number in range(1000)}

    container = read_one(listed(Labels=labels))

    assert len(container.labels) == 64
    assert all(len(value) < 300 for value in container.labels.values())


def test_escape_codes_are_shown_and_not_obeyed() -> None:
    evil = "\x1b]0;owned\x07\u202e"
    health = {"Status": "unhealthy", "Log": [{"Output": f"fine\n{evil}\n"}]}
    inspection = {
        "State": {"Health": health, "Error": evil},
        "Config": {"Image": evil},
    }
    fields = dict.fromkeys(("Image", "ImageID"), evil)

    for state in ("running", "exited", evil):
        container = read_one(
            listed(Names=[f"/{evil}"], Labels={evil: evil}, State=state, **fields), inspection
        )
        assert all(is_clean(str(value)) for value in (container.name, container.image_id))
        assert is_clean(container.image)
        assert is_clean(container.detail)
        assert is_clean(container.status)
        assert all(is_clean(key + value) for key, value in container.labels.items())


@pytest.mark.parametrize("answer", [None, {}, "text", 5, [1, 2], [{"Id": "../../etc"}], [{}]])
def test_what_is_no_list_of_containers_is_not_an_empty_one(answer: object) -> None:
    assert read_list(answer) is None


def test_no_containers_is_an_empty_list() -> None:
    assert read_list([]) == []


def test_a_huge_list_is_cut() -> None:
    items = [listed(Id=f"{number:064x}") for number in range(CONTAINERS_LIMIT + 5)]

    found = read_list(items)

    assert found is not None
    assert len(found) == CONTAINERS_LIMIT


@settings(deadline=None)
@given(JSON)
def test_no_json_breaks_the_reader(value: Any) -> None:
    read_inspection(value)
    read_list(value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(sample("containers")[0])), JSON), JSON)
def test_no_field_breaks_the_reader(fields: dict[str, Any], inspection: Any) -> None:
    found = read_list([{**fields, "Id": ID}])

    assert found is not None
    container = join(found[0], read_inspection({"State": inspection, "Config": inspection}), DOCKER)
    assert is_clean(json.dumps(container.name, ensure_ascii=False))
