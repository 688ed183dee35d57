"""From probes to instances to services, and the reasons that are given."""

from dataclasses import replace

import pytest

from opsconsole.engine.judge.health import NOT_LOOKED, Judged
from opsconsole.engine.judge.service import (
    Judgement,
    judge_instance,
    judge_replica,
    judge_service,
    judge_workload,
)
from opsconsole.model.health import ProbeKind
from opsconsole.model.running.workloads import Phase, Replica, Update
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State
from tests.workloads import replica, workload

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
    judgement = judge_instance([(kind, judged(seen)) for kind, seen in probes])
    assert (judgement.state, judgement.reason) == (state, reason)


@pytest.mark.parametrize(("completed", "said"), [(0, "web: no copy is wanted"), (3, "")])
def test_what_is_scaled_to_nothing_says_so(completed: int, said: str) -> None:
    judgement = judge_workload(workload("web", 0, 0, completed=completed))
    assert judgement == Judgement(OK, said)
    assert judge_service([], [judgement]).reason == said


def test_what_is_not_known_of_a_copy_is_the_reason_where_nothing_is_wrong() -> None:
    lost = Judgement(UNKNOWN, "pod web-1 ready: its node is silent")
    assert judge_service([], [Judgement(OK), lost]) == Judgement(UNKNOWN, lost.reason)
    assert judge_service([], []) == Judgement(UNKNOWN, "no copy is known")
    assert judge_service([], [lost, Judgement(DOWN, "ended")]).reason == "ended"


def test_a_reason_names_the_instance_and_how_many() -> None:
    views = [
        instance("api-1", OK),
        instance("api-2", DOWN, "connection refused"),
        instance("api-3", OK),
    ]
    judgement = judge_service(views, [])
    assert judgement.state is DEGRADED
    assert judgement.reason == "1 of 3 instances down: api-2 connection refused"


def test_a_copy_that_its_reason_names_is_named_once() -> None:
    copies = [instance("web-1", OK), instance("web-2", DOWN, "pod web-2 died, exit 3")]
    assert judge_service(copies, []).reason == "1 of 2 instances down: pod web-2 died, exit 3"


def test_nothing_looked_at_yet_is_said_once() -> None:
    views = [instance(name, UNKNOWN, NOT_LOOKED) for name in ("api-1", "api-2")]
    assert judge_service(views, []) == Judgement(UNKNOWN, NOT_LOOKED)
    assert judge_instance([(READY, Judged())]).reason == NOT_LOOKED


def test_the_reason_of_a_lone_instance_is_the_service_s() -> None:
    judgement = judge_service([instance("api", DOWN, "connection refused")], [])
    assert (judgement.state, judgement.reason) == (DOWN, "connection refused")


def test_a_failing_container_beside_healthy_instances_degrades() -> None:
    judgement = judge_service([instance("api", OK)], [Judgement(DOWN, "container worker exited")])
    assert (judgement.state, judgement.reason) == (DEGRADED, "container worker exited")


def test_what_is_not_known_beside_healthy_instances_changes_nothing() -> None:
    assert judge_service([instance("api", OK)], [Judgement(UNKNOWN, "?")]).state is OK


def test_without_instances_the_containers_decide() -> None:
    assert judge_service([], [Judgement(DOWN, "gone")]) == Judgement(DOWN, "gone")
    assert judge_service([], [Judgement(OK)]) == Judgement(OK)
    assert judge_service([], []).state is UNKNOWN


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (replica("web"), OK),
        (replica("web", state=DOWN, detail="unhealthy"), DOWN),
        (replica("web", Phase.ENDED, UNKNOWN, detail="exited 0"), DOWN),
        (replica("web", Phase.ENDED, DOWN, detail="exited 137"), DOWN),
        (replica("web", Phase.PENDING, UNKNOWN, detail="created"), DOWN),
        (replica("web", Phase.RESTARTING, DEGRADED), DEGRADED),
        (replica("web", Phase.UNKNOWN, UNKNOWN), UNKNOWN),
    ],
)
def test_a_replica_that_is_named_is_meant_to_run(found: Replica, state: State) -> None:
    judgement = judge_replica(found)
    assert judgement.state is state
    assert (judgement.reason == "") is (state is OK)


@pytest.mark.parametrize(
    ("running", "wanted", "state"), [(3, 3, OK), (1, 3, DEGRADED), (0, 3, DOWN)]
)
def test_a_workload_from_its_copies(running: int, wanted: int, state: State) -> None:
    judgement = judge_workload(workload("web", running, wanted))
    assert judgement.state is state
    assert (judgement.reason == "") is (state is OK)


@pytest.mark.parametrize(
    ("update", "running", "state", "said"),
    [
        (Update.RUNNING, 3, OK, ""),
        (Update.ROLLING_BACK, 3, OK, ""),
        (Update.UNKNOWN, 3, OK, ""),
        (Update.PAUSED, 3, DEGRADED, "web: update paused (2 failed)"),
        (Update.ROLLED_BACK, 3, OK, "web: update rolled back (2 failed)"),
        (Update.ROLLED_BACK, 1, DEGRADED, "web: 1 of 3 copies run, update rolled back"),
        (Update.PAUSED, 0, DOWN, "web: 0 of 3 copies run, update paused"),
    ],
)
def test_an_update_that_did_not_go_through_is_said(
    update: Update, running: int, state: State, said: str
) -> None:
    judgement = judge_workload(workload("web", running, 3, update=update, said="2 failed"))
    assert (judgement.state, judgement.reason) == (state, said)


def test_what_should_be_known_although_all_is_well_is_a_service_s_reason() -> None:
    rolled_back = Judgement(OK, "web: update rolled back")
    assert judge_service([], [Judgement(OK), rolled_back]) == rolled_back
    assert judge_service([instance("api", OK)], [rolled_back]) == rolled_back
    failing = judge_service([instance("api", DOWN, "refused")], [rolled_back])
    assert failing.reason == "refused"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (replica("web", state=DOWN, detail="killed", health="unhealthy", status="Up"), "killed"),
        (replica("web", state=DOWN, health="unhealthy", status="Up"), "unhealthy"),
        (replica("web", state=DOWN, status="Up 3 minutes"), "Up 3 minutes"),
    ],
)
def test_a_replica_says_the_most_telling_of_what_is_known(found: Replica, reason: str) -> None:
    assert judge_replica(found).reason == f"{found.kind} web {reason}"


def test_an_instance_that_is_well_has_no_reason() -> None:
    assert judge_service([instance("api", OK), instance("api-2", OK)], []) == Judgement(OK)


def test_what_flaps_is_told_of_the_instance_and_of_the_service() -> None:
    flapping = Judged(DOWN, reason="why", flapping=True)
    assert judge_instance([(HEALTH, judged(OK)), (LIVE, flapping)]).flapping
    assert not judge_instance([(HEALTH, judged(OK)), (LIVE, judged(DOWN))]).flapping
    views = [instance("api-1", OK), replace(instance("api-2", DOWN, "why"), flapping=True)]
    assert judge_service(views, []).flapping
    assert not judge_service(views[:1], []).flapping
