"""From probes to instances to services, and the reasons that are given."""

import pytest

from opsconsole.engine.judge.health import NOT_LOOKED, Judged
from opsconsole.engine.judge.service import (
    Verdict,
    judge_container,
    judge_instance,
    judge_service,
    judge_swarm,
)
from opsconsole.model.health import ProbeKind
from opsconsole.model.resources import Container, SwarmService
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State

OK, DEGRADED, DOWN, UNKNOWN = State.OK, State.DEGRADED, State.DOWN, State.UNKNOWN
HEALTH, LIVE, READY, STARTUP = (
    ProbeKind.HEALTH,
    ProbeKind.LIVE,
    ProbeKind.READY,
    ProbeKind.STARTUP,
)


def judged(state: State, reason: str = "why") -> Judged:
    return Judged(state, reason="" if state is OK else reason)


def instance(name: str, state: State, reason: str = "") -> InstanceView:
    return InstanceView("api", name, "http://x", state, 0.0, reason=reason)


def container(status: str, state: State, detail: str = "") -> Container:
    return Container("1", "web", "web:1", "sha", status, state, detail=detail)


@pytest.mark.parametrize(
    ("probes", "state", "reason"),
    [
        ([(HEALTH, OK)], OK, ""),
        ([(HEALTH, OK), (LIVE, DOWN)], DOWN, "not alive: why"),
        ([(HEALTH, OK), (READY, DOWN)], DEGRADED, "not ready: why"),
        ([(HEALTH, OK), (STARTUP, DOWN)], DEGRADED, "starting: why"),
        ([(HEALTH, DOWN), (READY, DOWN)], DOWN, "why"),
        ([(HEALTH, OK), (READY, UNKNOWN)], UNKNOWN, "not ready: why"),
        ([], UNKNOWN, "nothing to look at is configured"),
    ],
)
def test_an_instance_from_its_probes(
    probes: list[tuple[ProbeKind, State]], state: State, reason: str
) -> None:
    verdict = judge_instance([(kind, judged(seen)) for kind, seen in probes])
    assert (verdict.state, verdict.reason) == (state, reason)


def test_a_reason_names_the_instance_and_how_many() -> None:
    views = [
        instance("api-1", OK),
        instance("api-2", DOWN, "connection refused"),
        instance("api-3", OK),
    ]
    verdict = judge_service(views, [])
    assert verdict.state is DEGRADED
    assert verdict.reason == "1 of 3 instances down: api-2 connection refused"


def test_nothing_looked_at_yet_is_said_once() -> None:
    views = [instance(name, UNKNOWN, NOT_LOOKED) for name in ("api-1", "api-2")]
    assert judge_service(views, []) == Verdict(UNKNOWN, NOT_LOOKED)
    assert judge_instance([(READY, Judged())]).reason == NOT_LOOKED


def test_the_reason_of_a_lone_instance_is_the_service_s() -> None:
    verdict = judge_service([instance("api", DOWN, "connection refused")], [])
    assert (verdict.state, verdict.reason) == (DOWN, "connection refused")


def test_a_failing_container_beside_healthy_instances_degrades() -> None:
    verdict = judge_service([instance("api", OK)], [Verdict(DOWN, "container worker exited")])
    assert (verdict.state, verdict.reason) == (DEGRADED, "container worker exited")


def test_what_is_not_known_beside_healthy_instances_changes_nothing() -> None:
    assert judge_service([instance("api", OK)], [Verdict(UNKNOWN, "?")]).state is OK


def test_without_instances_the_containers_decide() -> None:
    assert judge_service([], [Verdict(DOWN, "gone")]) == Verdict(DOWN, "gone")
    assert judge_service([], [Verdict(OK)]) == Verdict(OK)
    assert judge_service([], []).state is UNKNOWN


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (container("running", OK), OK),
        (container("running", DOWN, "unhealthy"), DOWN),
        (container("exited", UNKNOWN, "exited 0"), DOWN),
        (container("exited", DOWN, "exited 137"), DOWN),
        (container("created", UNKNOWN), UNKNOWN),
        (None, DOWN),
    ],
)
def test_a_container_that_is_named_is_meant_to_run(found: Container | None, state: State) -> None:
    verdict = judge_container(found, "web")
    assert verdict.state is state
    assert (verdict.reason == "") is (state is OK)


@pytest.mark.parametrize(
    ("running", "desired", "state"), [(3, 3, OK), (1, 3, DEGRADED), (0, 3, DOWN), (0, 0, OK)]
)
def test_swarm_tasks(running: int, desired: int, state: State) -> None:
    assert judge_swarm(SwarmService("1", "web", "web:1", running, desired)).state is state
