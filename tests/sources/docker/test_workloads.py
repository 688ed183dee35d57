"""What Docker runs copies of, and what is wanted of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.model.running.workloads import Update, Workload
from opsconsole.sources.docker.workloads import copy_of, read_services
from tests.sources.docker_fakes import sample
from tests.workloads import DOCKER

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=20,
)
SWARM = {"com.docker.swarm.service.name": "stack_web", "com.docker.swarm.service.id": "s1"}


def compose(**labels: str) -> dict[str, str]:
    return {f"com.docker.compose.{name}": value for name, value in labels.items()}


def service(**parts: Any) -> Workload:
    """The captured service with other parts."""
    (captured,) = sample("services")
    spec = {**captured["Spec"], **parts.pop("Spec", {})}
    (found,) = read_services([{**captured, **parts, "Spec": spec}], DOCKER)
    return found


def counts(running: int, desired: int, completed: int = 0) -> dict[str, int]:
    return {"RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": completed}


def test_swarm_services_have_their_tasks_counted() -> None:
    found = service()

    assert (found.name, found.running, found.wanted, found.completed) == ("shop", 2, 2, 0)
    assert (found.place, found.update) == (DOCKER, Update.NONE)
    assert found.image.startswith("opsconsole-busybox")
    assert "@" not in found.image


def test_swarm_services_of_an_old_engine_have_no_counts_and_are_left_out() -> None:
    (captured,) = sample("services")
    del captured["ServiceStatus"]

    assert read_services([captured], DOCKER) == ()


@pytest.mark.parametrize(
    ("mode", "status", "wanted"),
    [
        ({"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}, counts(0, 1, 1), 0),
        ({"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}, counts(0, 1, 0), 1),
        ({"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 10}}, counts(2, 2, 3), 2),
        ({"ReplicatedJob": {"MaxConcurrent": 4, "TotalCompletions": 10}}, counts(1, 4, 9), 1),
        ({"ReplicatedJob": {}}, counts(0, 1, 1), 0),
        ({"GlobalJob": {}}, counts(1, 3, 2), 1),
        ({"GlobalJob": {}}, counts(0, 3, 3), 0),
        ({"Replicated": {"Replicas": 3}}, counts(1, 3, 9), 3),
    ],
)
def test_a_job_wants_no_more_than_is_left_to_be_done(
    mode: dict[str, Any], status: dict[str, int], wanted: int
) -> None:
    assert service(Spec={"Mode": mode}, ServiceStatus=status).wanted == wanted


@pytest.mark.parametrize(
    ("word", "update"),
    [
        ("updating", Update.RUNNING),
        ("completed", Update.NONE),
        ("paused", Update.PAUSED),
        ("rollback_started", Update.ROLLING_BACK),
        ("rollback_paused", Update.PAUSED),
        ("rollback_completed", Update.ROLLED_BACK),
        ("a word of tomorrow", Update.UNKNOWN),
    ],
)
def test_how_an_update_goes_is_told(word: str, update: Update) -> None:
    found = service(UpdateStatus={"State": word, "Message": "update paused\x1b due to failure"})

    assert found.update is update
    assert found.said.startswith("update paused")
    assert "\x1b" not in found.said


def test_a_compose_service_is_that_of_its_project() -> None:
    shop, blog = (
        copy_of(compose(service="web", project=name), DOCKER, runs=True)
        for name in ("shop", "blog")
    )

    assert (shop[0], blog[0]) == ("shop/web", "blog/web")
    assert shop[1] != blog[1]


def test_what_compose_run_has_made_is_a_copy_of_nothing() -> None:
    labels = compose(service="web", project="shop", oneoff="True")

    assert copy_of(labels, DOCKER, runs=True) == ("", "")
    assert copy_of(labels | compose(oneoff="False"), DOCKER, runs=True)[0] == "shop/web"


def test_ended_containers_of_compose_are_copies_and_ended_tasks_of_swarm_are_history() -> None:
    assert copy_of(compose(service="web", project="shop"), DOCKER, runs=False)[0] == "shop/web"
    assert copy_of(SWARM, DOCKER, runs=True) == ("stack_web", "s1")
    assert copy_of(SWARM, DOCKER, runs=False) == ("", "")
    assert copy_of({}, DOCKER, runs=True) == ("", "")


@settings(deadline=None)
@given(JSON)
def test_no_json_breaks_the_reader(value: Any) -> None:
    read_services(value, DOCKER)
    read_services([{"Spec": value, "ServiceStatus": value, "UpdateStatus": value}], DOCKER)
