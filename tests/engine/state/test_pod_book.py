"""What is known of pods that are asked themselves, while they come, go and cannot be asked."""

from typing import Any

from opsconsole.config.settings import Settings
from opsconsole.engine.state.store import Store
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport, ProbeKind
from opsconsole.model.observations import PodLook, PodsSeen
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Place, PlaceKind, Replica
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.sources.health.factory import probe_id
from tests.engine.conftest import REFUSED
from tests.named import named
from tests.workloads import inventory, replica, workload

NOW = 1_700_000_000.0
BED = Place(PlaceKind.CLUSTER, "bed")
WEB = "shop/deployment/web"
SOURCE = named("probe:web/bed")
OK = HealthReport(State.OK, "json", version="7")
DEGRADED = HealthReport(State.DEGRADED, "json", components=(Component("db", State.DEGRADED),))


class Fleet:
    """One service of a cluster whose pods are asked every ten seconds."""

    def __init__(self) -> None:
        self.settings = Settings.model_validate(
            {
                "docker": [],
                "host": {"enabled": False},
                "kubernetes": {"name": "bed", "interval": "10s"},
                "defaults": {"interval": "10s"},
                "services": {
                    "web": {
                        "kubernetes": {"workload": "deployment/web", "namespace": "shop"},
                        "health": {"path": "/health", "through": "proxy"},
                    }
                },
            }
        )
        self.store = Store(self.settings, NOW)

    def runs(self, at: float, *names: str, **more: Any) -> None:
        pods = [self._pod(each, **more) for each in names]
        told = inventory(
            *pods, workloads=[workload(WEB, len(pods), len(pods), place=BED)], place=BED
        )
        self.store.apply(Reading(named("kubernetes:bed"), NOW + at, 0.1, value=told))
        self.store.settle(NOW + at)

    def said(self, at: float, **answers: HealthReport | Fault) -> float | None:
        """What each pod answered; ``web_1`` is the pod web-1."""
        looks = tuple(
            self._look(at, name.replace("_", "-"), answer) for name, answer in answers.items()
        )
        seen = PodsSeen("web", "bed", looks)
        again = self.store.apply(Reading(SOURCE, NOW + at, 0.1, value=seen))
        self.store.settle(NOW + at)
        return again

    def failed(self, at: float, fault: Fault) -> None:
        self.store.apply(Reading(SOURCE, NOW + at, 0.1, fault=fault))
        self.store.settle(NOW + at)

    def web(self) -> ServiceView:
        found = self.store.services["web"].view
        assert found is not None
        return found

    def states(self) -> dict[str, State]:
        return {each.name: each.state for each in self.web().instances}

    @staticmethod
    def _pod(name: str, **more: Any) -> Replica:
        return replica(name, id=f"uid-{name}", place=BED, workload=WEB, kind="pod", **more)

    @staticmethod
    def _look(at: float, name: str, answer: HealthReport | Fault) -> PodLook:
        fault = answer if isinstance(answer, Fault) else None
        value = None if isinstance(answer, Fault) else answer
        who = probe_id("web", name, ProbeKind.HEALTH)
        reading: Reading[HealthReport] = Reading(who, NOW + at, 0.02, value=value, fault=fault)
        url = f"https://bed/{name}"
        return PodLook(f"uid-{name}", name, ProbeKind.HEALTH, True, url, reading)


def test_each_pod_is_an_instance_with_what_it_says() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    fleet.said(1, web_1=OK, web_2=DEGRADED)
    assert fleet.states() == {"web-1": State.OK, "web-2": State.DEGRADED}
    assert (fleet.web().state, fleet.web().version) == (State.DEGRADED, "7")
    one, two = fleet.web().instances
    assert (one.url, one.latency, one.replicas) == ("https://bed/web-1", 0.02, ("uid-web-1",))
    assert "db" in two.reason
    assert fleet.web().latency is not None


def test_one_bad_look_of_one_pod_is_no_alarm_and_three_are_of_that_pod_alone() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    fleet.said(1, web_1=OK, web_2=OK)
    assert fleet.said(2, web_1=REFUSED, web_2=OK) is not None
    assert fleet.web().state is State.OK
    fleet.said(3, web_1=REFUSED, web_2=OK)
    fleet.said(4, web_1=REFUSED, web_2=OK)
    assert fleet.states() == {"web-1": State.DOWN, "web-2": State.OK}
    assert fleet.web().state is State.DEGRADED


def test_a_pod_that_is_replaced_is_never_down_and_the_new_one_has_no_past() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    fleet.said(1, web_1=OK, web_2=OK)
    fleet.said(2, web_1=REFUSED, web_2=OK)
    fleet.said(3, web_1=REFUSED, web_2=OK)
    fleet.runs(4, "web-2", "web-3")
    fleet.said(4.5, web_2=OK)
    # It runs, as its cluster says, and was not asked yet.
    assert fleet.states() == {"web-2": State.OK, "web-3": State.OK}
    fleet.said(5, web_2=OK, web_3=REFUSED)
    assert fleet.states() == {"web-2": State.OK, "web-3": State.UNKNOWN}
    fleet.said(6, web_2=OK, web_3=OK)
    assert fleet.web().state is State.OK
    fleet.store.settle(NOW + 24)
    assert fleet.states() == {"web-2": State.OK, "web-3": State.OK}
    assert not [each for each in fleet.store.events.view() if each.after == "down"]


def test_one_of_the_same_name_is_another_one() -> None:
    fleet = Fleet()
    fleet.runs(0, "db-0")
    fleet.said(1, db_0=OK)
    fleet.said(2, db_0=REFUSED)
    fleet.said(3, db_0=REFUSED)
    again = replica("db-0", id="uid-new", place=BED, workload=WEB)
    told = inventory(again, workloads=[workload(WEB, 1, 1, place=BED)], place=BED)
    fleet.store.apply(Reading(named("kubernetes:bed"), NOW + 4, 0.1, value=told))
    who = probe_id("web", "db-0", ProbeKind.HEALTH)
    reading: Reading[HealthReport] = Reading(who, NOW + 5, 0.02, fault=REFUSED)
    look = PodLook("uid-new", "db-0", ProbeKind.HEALTH, True, "https://bed/db-0", reading)
    seen = PodsSeen("web", "bed", (look,))
    fleet.store.apply(Reading(SOURCE, NOW + 5, 0.1, value=seen))
    fleet.store.settle(NOW + 5)
    assert fleet.states() == {"db-0": State.UNKNOWN}


def test_what_keeps_pods_from_being_asked_makes_none_of_them_down() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    refused = Fault(FaultKind.PERMISSION, "pods/proxy is forbidden")
    for at in range(1, 8):
        fleet.said(at, web_1=refused, web_2=refused)
    assert fleet.web().state is State.UNKNOWN
    assert "forbidden" in fleet.web().reason
    fleet.said(9, web_1=OK, web_2=OK)
    assert fleet.web().state is State.OK


def test_where_none_could_ever_be_asked_nothing_is_green() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    fleet.failed(1, Fault(FaultKind.AUTH, "credentials expired"))
    assert fleet.web().state is State.UNKNOWN
    assert "credentials expired" in fleet.web().reason


def test_what_its_cluster_calls_ill_is_not_well_by_its_own_word() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1", "web-2")
    fleet.said(1, web_1=OK, web_2=OK)
    fleet.runs(2, "web-1", "web-2", state=State.DOWN, detail="Running")
    assert fleet.states() == {"web-1": State.DOWN, "web-2": State.DOWN}


def test_looks_that_stop_make_it_unknown() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1")
    fleet.said(1, web_1=OK)
    fleet.runs(40, "web-1")
    assert fleet.states() == {"web-1": State.UNKNOWN}


def test_pods_are_still_known_after_the_configuration_was_read_again() -> None:
    fleet = Fleet()
    fleet.runs(0, "web-1")
    fleet.said(1, web_1=OK)
    fleet.said(2, web_1=REFUSED)
    fleet.store = Store(fleet.settings, NOW + 3, before=fleet.store)
    fleet.said(4, web_1=REFUSED)
    assert fleet.states() == {"web-1": State.OK}
    fleet.said(5, web_1=REFUSED)
    assert fleet.states() == {"web-1": State.DOWN}


def test_the_id_of_all_pods_is_no_id_of_a_probe() -> None:
    assert SourceId(SourceKind.PROBE, "web/bed") == SOURCE
    assert Fleet().store.services["web"].pod_terms is not None
