"""Readings in, views and events out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.observations import PrometheusSeen
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import (
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Replica,
    Unread,
    Workload,
)
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import InstanceView, ServiceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.engine.conftest import PROBE, REFUSED, UNRESOLVED, MakeSource, fleet
from tests.named import named
from tests.workloads import DOCKER, inventory, replica, workload

NOW = 1_700_000_000.0
OK = HealthReport(State.OK, "json")


def probe(
    store: Store,
    at: float,
    answer: Any,
    key: SourceId = PROBE,
    took: float = 0.02,
) -> float | None:
    """One reading at ``at`` seconds after the start, settled."""
    fault = answer if isinstance(answer, Fault) else None
    value = None if fault else answer
    retry = store.apply(Reading(key, NOW + at, took, value=value, fault=fault))
    store.settle(NOW + at)
    return retry


def view(store: Store, name: str = "api") -> ServiceView:
    found = store.services[name].view
    assert found is not None
    return found


def instance(store: Store, number: int = 0, name: str = "api") -> InstanceView:
    return view(store, name).instances[number]


def docker(
    store: Store,
    at: float,
    *containers: Replica,
    workloads: Sequence[Workload] = (),
    place: Place = DOCKER,
) -> None:
    told = inventory(*containers, workloads=workloads, place=place)
    store.apply(Reading(named(f"docker:{place.name}"), NOW + at, 0.1, value=told))
    store.settle(NOW + at)


def network(store: Store) -> FaultKind | None:
    """What the probes together are said to suffer from."""
    shown = store.probes.view()
    return shown.fault.kind if shown and shown.fault else None


def messages(store: Store) -> list[str]:
    return [words(event) for event in store.events.view()]


def test_before_any_look_all_is_unknown(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    assert view(store).state is State.UNKNOWN
    assert view(store).reason == "not looked at yet"
    assert instance(store).taken_at is None


def test_becoming_ok_at_first_is_no_event(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 1, OK)
    assert view(store).state is State.OK
    assert view(store).reason == ""
    assert messages(store) == []


def test_three_failures_are_down_with_an_event_and_the_reason(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, OK)
    retries = [probe(store, at, REFUSED) for at in (5, 6, 7)]
    assert retries == [1.0, 1.0, None], "undecided looks are repeated after a fifth"
    assert view(store).state is State.DOWN
    assert view(store).reason == "connection refused"
    assert view(store).since == NOW + 7
    assert messages(store) == ["ok → down: connection refused"]


def test_a_single_look_decides_in_status(one_service: Settings) -> None:
    store = Store(one_service, NOW, single=True)
    probe(store, 0, REFUSED)
    assert view(store).state is State.DOWN


def test_a_slow_target_makes_no_other_old_in_status() -> None:
    """The look at everything ends with the slowest: 25 s after the others were looked at."""
    settings = fleet(
        {
            "api": {"instances": ["http://a"], "metrics": {"queue": {"gauge": "queue"}}},
            "web": {"instances": ["http://b"]},
            "worker": {"containers": ["worker"]},
        },
        docker=[{"name": "docker"}],
    )
    store = Store(settings, NOW, single=True)
    store.apply(Reading(PROBE, NOW, 0.02, value=OK))
    store.apply(Reading(named("probe:web/web:health"), NOW, 0.02, fault=REFUSED))
    store.apply_metrics([MetricValue("api", "queue", 4.0, at=NOW)], NOW)
    told = inventory(replica("worker"))
    store.apply(Reading(named("docker:docker"), NOW, 0.1, value=told))
    store.settle(NOW + 25)
    states = {name: view(store, name).state for name in settings.services}
    assert states == {"api": State.OK, "web": State.DOWN, "worker": State.OK}
    assert not view(store, "api").stale
    assert not store.services["api"].metrics["queue"].is_stale(NOW + 25)
    assert not any(each.stale(NOW + 25) for each in store.replicas.engines)


def test_could_not_look_is_not_down(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, OK)
    for at in range(1, 10):
        probe(store, at, UNRESOLVED)
    assert view(store).state is State.UNKNOWN
    assert view(store).error_rate == 0.0, "what could not be looked at is no failed look"


def test_who_asked_to_be_left_alone_is_not_stale_meanwhile(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, Fault(FaultKind.OVERLOADED, "HTTP 429", status=429, retry_after=60.0))
    store.settle(NOW + 100)
    assert not view(store).stale
    assert "429" in view(store).reason
    store.settle(NOW + 122)
    assert view(store).stale


def test_a_service_that_is_no_longer_looked_at_turns_stale_by_itself(
    one_service: Settings,
) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, OK)
    assert not store.settle(NOW + 10.9)
    assert view(store).state is State.OK
    assert store.settle(NOW + 12)
    assert view(store).state is State.UNKNOWN
    assert view(store).stale
    assert "not looked at for" in view(store).reason
    probe(store, 20, OK)
    assert view(store).state is State.OK
    assert not view(store).stale


def test_views_that_were_not_touched_are_the_same_objects() -> None:
    store = Store(
        fleet(
            {
                "api": {"instances": ["http://10.0.0.1", "http://10.0.0.2"]},
                "web": {"instances": ["http://10.0.0.3"]},
            }
        ),
        NOW,
    )
    before = view(store), view(store, "web"), instance(store, 1)
    probe(store, 1, OK, named("probe:api/api-1:health"))
    assert view(store) is not before[0]
    assert view(store, "web") is before[1]
    assert instance(store, 1) is before[2]
    after = view(store)
    assert not store.settle(NOW + 1.5)
    assert view(store) is after


def test_ready_that_fails_degrades_and_live_that_fails_is_down() -> None:
    settings = fleet(
        {
            "api": {
                "instances": ["http://10.0.0.1"],
                "probes": {"live": "/live", "ready": "/ready"},
                "thresholds": {"failures": 1, "successes": 1},
            }
        }
    )
    store = Store(settings, NOW)
    probe(store, 0, OK)
    assert view(store).state is State.UNKNOWN, "not every probe was read yet"
    probe(store, 0, OK, named("probe:api/api:live"))
    probe(store, 0, REFUSED, named("probe:api/api:ready"))
    assert view(store).state is State.DEGRADED
    assert view(store).reason == "not ready: connection refused"
    probe(store, 1, REFUSED, named("probe:api/api:live"))
    assert view(store).state is State.DOWN
    kinds = [each.kind for each in instance(store).probes]
    assert kinds == [ProbeKind.HEALTH, ProbeKind.LIVE, ProbeKind.READY]


def test_latency_and_errors_are_those_of_the_first_probe(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, OK, took=0.05)
    probe(store, 5, REFUSED, took=3.0)
    assert view(store).latency.p95 == pytest.approx(0.05, rel=0.02)
    assert view(store).error_rate == 0.5
    assert instance(store).latency is None, "a failed look has no latency"


@pytest.mark.parametrize("blur", [None, 0.05])
def test_a_time_that_may_be_our_own_is_no_figure_and_of_no_objective(blur: float | None) -> None:
    service = {"instances": ["http://a"], "objectives": ["latency < 100ms"]}
    store = Store(fleet({"api": service}), NOW)
    sharp = Reading(PROBE, NOW, 0.02, value=OK)
    store.apply(sharp)
    store.apply(replace(sharp, taken_at=NOW + 5, took=0.3, blur=blur))
    store.settle(NOW + 5)
    assert view(store).latency.p95 == pytest.approx(0.02, rel=0.01)
    assert view(store).error_rate == 0.0
    (objective,) = view(store).objectives
    assert objective.met is True
    store.apply(replace(sharp, taken_at=NOW + 10, took=0.3, blur=0.01))
    store.settle(NOW + 10)
    assert view(store).latency.p95 == pytest.approx(0.3, rel=0.01), "within a tenth of it"


def test_a_version_that_changes_is_told(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, HealthReport(State.OK, "json", version="1.4.2"))
    probe(store, 5, HealthReport(State.OK, "json", version="1.5.0"))
    assert messages(store) == ["version 1.4.2 → 1.5.0"]
    assert view(store).version == "1.5.0"


def with_container() -> Settings:
    instance = {"url": "http://10.0.0.1", "container": "api-1"}
    return fleet({"api": {"instances": [instance]}}, docker={})


def test_a_container_s_death_makes_one_refusal_decisive() -> None:
    store = Store(with_container(), NOW)
    probe(store, 0, OK)
    docker(store, 0, replica("api-1"))
    died = Event(NOW + 1, EventCode.ENDED, "", "", "api-1", State.DOWN)
    assert store.take_event(died) == [named("docker:docker"), named("probe:api/api:health")]
    docker(store, 1.1, replica("api-1", Phase.ENDED, exit_code=137))
    assert view(store).state is State.OK, "Docker's word alone does not turn an endpoint red"
    probe(store, 1.2, REFUSED)
    assert view(store).state is State.DOWN
    assert [event.service for event in store.events.view()] == ["api", "api"]


def test_one_refusal_of_a_running_container_is_not_decisive() -> None:
    store = Store(with_container(), NOW)
    probe(store, 0, OK)
    docker(store, 0, replica("api-1"))
    probe(store, 1, REFUSED)
    assert view(store).state is State.OK


def test_a_dead_container_whose_endpoint_answers_is_ok() -> None:
    store = Store(with_container(), NOW)
    docker(store, 0, replica("api-1", Phase.ENDED, exit_code=1))
    probe(store, 1, OK)
    assert view(store).state is State.OK


def test_a_service_of_containers_alone() -> None:
    store = Store(fleet({"db": {"containers": ["db-1", "db-2"]}}, docker={}), NOW)
    assert view(store, "db").reason == "docker has not answered"
    docker(store, 1, replica("db-1", cpu=0.5, memory=100), replica("db-2", memory=50))
    assert view(store, "db").state is State.OK
    assert (view(store, "db").cpu, view(store, "db").memory) == (0.5, 150)
    docker(store, 6, replica("db-1"), replica("db-2", Phase.ENDED, detail="exited 137"))
    assert view(store, "db").state is State.DEGRADED
    assert "container db-2 exited 137" in view(store, "db").reason
    store.settle(NOW + 60)
    assert view(store, "db").state is State.UNKNOWN, "Docker was not read since"
    assert view(store, "db").stale


def test_a_container_that_is_named_and_absent_is_down() -> None:
    store = Store(fleet({"db": {"containers": ["db"]}}, docker={}), NOW)
    docker(store, 1, replica("other"))
    assert view(store, "db").state is State.DOWN
    assert view(store, "db").reason == "nothing is called db on docker"


def test_one_of_two_named_containers_absent_is_degraded() -> None:
    store = Store(fleet({"db": {"containers": ["db-1", "db-2"]}}, docker={}), NOW)
    docker(store, 1, replica("db-1"))
    assert view(store, "db").state is State.DEGRADED


def test_a_swarm_service_is_its_tasks() -> None:
    store = Store(fleet({"web": {"containers": ["stack_web"]}}, docker={}), NOW)
    docker(store, 1, workloads=[workload("stack_web", 1, 3)])
    assert view(store, "web").state is State.DEGRADED
    assert view(store, "web").reason == "stack_web: 1 of 3 copies run"


def test_failures_right_after_a_suspension_are_not_counted(one_service: Settings) -> None:
    store = Store(one_service, NOW)
    probe(store, 0, OK)
    store.suspended(NOW + 7200)
    store.settle(NOW + 7200)
    assert view(store).state is State.UNKNOWN
    for at in (7200.5, 7201.5, 7202.5, 7203.5):
        probe(store, at, REFUSED)
    assert view(store).state is State.UNKNOWN
    assert messages(store) == [], "the gap is told once by the engine, not by each service"
    for at in (7206, 7207, 7208):
        probe(store, at, REFUSED)
    assert view(store).state is State.DOWN
    assert messages(store) == ["unknown → down: connection refused"]


def test_a_source_lost_and_back_is_told_and_its_value_kept(
    source: MakeSource,
) -> None:
    store = Store(fleet({}, docker={}), NOW)
    store.watch([source(named("docker:docker"))], NOW)
    docker(store, 1, replica("x"))
    store.apply(Reading(named("docker:docker"), NOW + 6, 0.1, fault=REFUSED))
    (shown,) = [each for each in store.sources.views() if each.name == "docker"]
    assert shown.fault == REFUSED
    assert shown.since == NOW + 6
    assert shown.taken_at == NOW + 1
    assert len(store.replicas.engines) == 1
    docker(store, 11, replica("x"))
    assert [each.fault for each in store.sources.views()] == [None]
    assert messages(store) == [
        "docker lost: connect: connection refused",
        "docker is back after 5 s",
    ]


def firing(name: str, **labels: str) -> Alert:
    return Alert(
        name,
        name,
        Severity.WARNING,
        AlertState.FIRING,
        NOW,
        labels=labels,
        sources=(named("prometheus:p"),),
    )


def test_alerts_stay_while_their_source_is_down_and_end_when_it_says_so(
    one_service: Settings,
) -> None:
    store = Store(one_service, NOW)
    alerts = (firing("Slow", service="api"), firing("Other", job="x"))
    store.apply(Reading(named("prometheus:main"), NOW, 0.1, value=PrometheusSeen(alerts)))
    assert [alert.service for alert in store.alerts.view()] == ["api", ""]
    store.apply(Reading(named("prometheus:main"), NOW + 15, 0.1, fault=REFUSED))
    store.settle(NOW + 400)
    assert all(alert.state is AlertState.FIRING for alert in store.alerts.view())
    store.apply(Reading(named("prometheus:main"), NOW + 410, 0.1, value=PrometheusSeen()))
    assert all(alert.state is AlertState.RESOLVED for alert in store.alerts.view())
    store.settle(NOW + 411)
    store.settle(NOW + 720)
    assert store.alerts.view() == ()
    assert messages(store) == [
        "Slow fires",
        "Other fires",
        "Slow resolved",
        "Other resolved",
    ]


def test_a_local_rule_fires_after_its_time() -> None:
    settings = fleet(
        {
            "api": {
                "instances": ["http://10.0.0.1"],
                "thresholds": {"failures": 1, "successes": 1},
                "alerts": [{"name": "Down", "when": "state == down", "for": "10s"}],
            }
        }
    )
    store = Store(settings, NOW)
    seen = []
    for at in range(0, 40, 2):
        probe(store, at, REFUSED if at < 20 else OK)
        seen.append({alert.state.value for alert in store.alerts.view()})
    assert seen[4] == {"pending"}
    assert seen[6] == {"firing"}
    assert seen[-1] == {"resolved"}
    assert [event.kind for event in store.events.view()].count(EventKind.ALERT) == 2


def test_metrics_reach_their_service_and_grow_stale() -> None:
    settings = fleet(
        {
            "api": {
                "instances": ["http://10.0.0.1"],
                "metrics": {"requests": {"counter": "requests_total"}},
                "objectives": ["rate(requests) > 100/s"],
            }
        },
        prometheus={"url": "http://127.0.0.1:9090"},
    )
    store = Store(settings, NOW)
    seen = PrometheusSeen(metrics=(MetricValue("api", "requests", 88.0, "/s", NOW),))
    store.apply(Reading(named("prometheus:prometheus"), NOW, 0.1, value=seen))
    store.settle(NOW)
    assert view(store).request_rate == 88.0
    assert [(each.actual, each.met) for each in view(store).objectives] == [(88.0, False)]
    probe(store, 60, OK)
    assert view(store).request_rate is None
    assert [(each.actual, each.met) for each in view(store).objectives] == [(None, None)]


def test_all_remote_targets_failing_at_once_is_told_of_our_own_side() -> None:
    urls = [f"http://10.0.0.{n}" for n in range(1, 4)]
    store = Store(fleet({"api": {"instances": urls}}), NOW)
    keys = [named(f"probe:api/api-{n}:health") for n in range(1, 4)]
    for key in keys[:2]:
        probe(store, 1, REFUSED, key)
    assert network(store) is None
    probe(store, 1, Fault(FaultKind.TIMEOUT, "2 s", phase="connect"), keys[2])
    assert network(store) is FaultKind.LOCAL
    probe(store, 2, OK, keys[0])
    assert network(store) is None


def test_targets_on_this_host_say_nothing_of_the_network() -> None:
    urls = [f"http://127.0.0.{n}" for n in range(1, 5)]
    store = Store(fleet({"api": {"instances": urls}}), NOW)
    for number in range(1, 5):
        probe(store, 1, REFUSED, named(f"probe:api/api-{number}:health"))
    assert network(store) is None


@pytest.mark.parametrize(
    ("about", "services"),
    [
        ("shop/deployment/web", ["web"]),
        # Of another namespace, although its pod is called the same.
        ("other/deployment/web", []),
        ("", ["web"]),
    ],
)
def test_an_event_of_a_cluster_belongs_to_the_service_of_its_workload(
    about: str, services: list[str]
) -> None:
    target = {"workload": "deployment/web", "namespace": "shop"}
    settings = fleet({"web": {"kubernetes": target}}, kubernetes={"name": "bed"}, docker=[])
    store = Store(settings, NOW)
    bed = Place(PlaceKind.CLUSTER, "bed")
    pod = replica("web-1", place=bed, workload="shop/deployment/web", kind="pod")
    seen = Inventory(bed, "https://api:6443", "v1.36.0", (pod,))
    source = SourceId(SourceKind.KUBERNETES, "bed")
    store.apply(Reading(source, NOW, 0.01, value=seen))
    store.settle(NOW)
    store.take_event(Event(NOW, EventCode.ENDED, subject="web-1", place="bed", about=about))
    found = [each for each in store.events.view() if each.code is EventCode.ENDED]
    assert [each.service for each in found] == services


@pytest.mark.parametrize(
    ("unread", "state"),
    [("deployments", State.UNKNOWN), ("nodes", State.DOWN), ("", State.DOWN)],
)
def test_what_a_cluster_does_not_show_is_not_gone(unread: str, state: State) -> None:
    target = {"workload": "deployment/web", "namespace": "shop"}
    settings = fleet({"web": {"kubernetes": target}}, kubernetes={"name": "bed"}, docker=[])
    store = Store(settings, NOW)
    refused = Unread(unread, Fault(FaultKind.PERMISSION, "no right"))
    bed = Place(PlaceKind.CLUSTER, "bed")
    seen = Inventory(bed, "", "", (), unread=(refused,) if unread else ())
    store.apply(Reading(SourceId(SourceKind.KUBERNETES, "bed"), NOW, 0.01, value=seen))
    store.settle(NOW)
    assert store.services["web"].judgement.state is state
