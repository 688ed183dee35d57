"""What several engines say, each in its own time, and what becomes of services by it."""

from typing import Any

import pytest

from opsconsole.engine.state.store import Store
from opsconsole.model.events import Event, EventCode
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Update
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from tests.engine.conftest import fleet
from tests.named import named
from tests.workloads import DOCKER, inventory, replica, workload

NOW = 1_700_000_000.0
OTHER = Place(PlaceKind.ENGINE, "other")
ENGINES = [{"name": "docker", "interval": "5s"}, {"name": "other", "interval": "60s"}]


def store_of(
    services: dict[str, Any], engines: Any = ENGINES, before: Store | None = None
) -> Store:
    return Store(fleet(services, docker=engines), NOW, before=before)


def tell(store: Store, at: float, told: Inventory) -> None:
    store.apply(Reading(named(f"docker:{told.place.name}"), NOW + at, 0.1, value=told))
    store.settle(NOW + at)


def view(store: Store, name: str = "web") -> ServiceView:
    found = store.services[name].view
    assert found is not None
    return found


def test_a_name_on_two_engines_is_the_same_unknown_whoever_answered_last() -> None:
    store = store_of({"web": {"containers": ["web"]}})
    here = inventory(replica("web", id="1"))
    there = inventory(replica("web", Phase.ENDED, id="2", place=OTHER), place=OTHER)
    seen = []
    for at, told in enumerate([here, there, here, here, there, here]):
        tell(store, at, told)
        seen.append(view(store).state)
    assert seen[1:] == [State.UNKNOWN] * 5
    assert view(store).reason == (
        "web may be web on docker or web on other: name its project or its engine"
    )


def test_ambiguity_is_said_of_a_service_that_is_well_too() -> None:
    store = store_of({"web": {"instances": ["http://10.0.0.1"], "containers": ["web"]}})
    store.apply(
        Reading(named("probe:web/web:health"), NOW, 0.1, value=HealthReport(State.OK, "json"))
    )
    tell(store, 0, inventory(replica("web", id="1")))
    assert (view(store).state, view(store).reason) == (State.OK, "")
    tell(store, 0, inventory(replica("web", id="2", place=OTHER), place=OTHER))
    assert view(store).state is State.OK
    assert view(store).reason.startswith("web may be web on docker or web on other")


def test_what_another_engine_may_know_is_not_missing() -> None:
    store = store_of({"web": {"containers": ["web"]}})
    tell(store, 0, inventory(replica("db")))
    assert (view(store).state, view(store).reason) == (State.UNKNOWN, "other has not answered")
    tell(store, 1, inventory(replica("web", place=OTHER), place=OTHER))
    assert view(store).state is State.OK
    tell(store, 2, inventory(place=OTHER))
    assert view(store).state is State.DOWN
    assert view(store).reason == "nothing is called web on docker, other"


def test_each_engine_is_stale_by_its_own_interval() -> None:
    store = store_of({"web": {"containers": ["web"]}, "db": {"containers": ["db"]}})
    tell(store, 0, inventory(replica("web")))
    tell(store, 0, inventory(replica("db", place=OTHER), place=OTHER))
    store.settle(NOW + 12)
    assert (view(store, "web").state, view(store, "db").state) == (State.UNKNOWN, State.OK)
    assert view(store, "web").instances[0].stale
    assert not view(store, "db").instances[0].stale
    assert [each.stale(NOW + 12) for each in store.replicas.engines] == [True, False]
    store.settle(NOW + 122)
    assert view(store, "db").state is State.UNKNOWN
    assert view(store, "db").reason == "other has not answered"
    tell(store, 123, inventory(replica("web")))
    assert view(store, "web").state is State.OK


def test_an_engine_that_is_configured_no_more_is_forgotten() -> None:
    services = {"web": {"containers": ["web"]}}
    before = store_of(services)
    tell(before, 0, inventory(replica("web")))
    tell(before, 0, inventory(replica("web", id="2", place=OTHER), place=OTHER))
    after = store_of(services, [ENGINES[0]], before)
    assert [each.inventory.place for each in after.replicas.engines] == [DOCKER]
    assert view(after).state is State.OK
    tell(after, 1, inventory(place=OTHER))
    assert [each.inventory.place for each in after.replicas.engines] == [DOCKER]


def test_without_any_engine_nothing_is_known() -> None:
    store = store_of({"web": {"containers": ["web"]}}, [])
    assert view(store).state is State.UNKNOWN
    assert view(store).reason == "no engine is read that could know web"
    assert not view(store).stale, "nothing of it is old"


@pytest.mark.parametrize(
    ("told", "state", "reason"),
    [
        (workload("web", 0, 0, completed=1), State.OK, ""),
        (workload("web", 0, 1), State.DOWN, "web: 0 of 1 copies run"),
        (workload("web", 1, 1, update=Update.ROLLED_BACK), State.OK, "web: update rolled back"),
        (workload("web", 1, 1, update=Update.PAUSED), State.DEGRADED, "web: update paused"),
    ],
)
def test_a_service_is_what_its_workload_is(told: Any, state: State, reason: str) -> None:
    store = store_of({"web": {"containers": ["web"]}}, [ENGINES[0]])
    tell(store, 0, inventory(workloads=[told]))
    assert (view(store).state, view(store).reason) == (state, reason)


def test_one_that_was_made_and_never_started_is_down() -> None:
    store = store_of({"web": {"containers": ["web"]}}, [ENGINES[0]])
    made = replica("web", Phase.PENDING, State.UNKNOWN, status="created", detail="created")
    tell(store, 0, inventory(made))
    assert view(store).state is State.DOWN
    assert view(store).reason == "container web created"


def test_the_engine_of_a_service_and_of_an_instance_is_where_its_name_is_looked_for() -> None:
    instances = [
        {"url": "http://10.0.0.1", "container": "api"},
        {"url": "http://10.0.0.2", "container": "api", "engine": "docker"},
    ]
    store = store_of(
        {
            "web": {"containers": ["web"], "engine": "other"},
            "api": {"instances": instances, "engine": "other"},
        }
    )
    here, there = (
        (
            replica("web", id=f"web-{place.name}", place=place),
            replica("api", id=f"api-{place.name}", place=place),
        )
        for place in (DOCKER, OTHER)
    )
    tell(store, 0, inventory(*here))
    tell(store, 0, inventory(*there, place=OTHER))
    assert view(store, "web").replicas == ("web-other",)
    assert [each.replicas for each in view(store, "api").instances] == [
        ("api-other",),
        ("api-docker",),
    ]
    assert set(view(store, "api").replicas) == {"api-other", "api-docker"}


def test_what_happens_on_one_engine_is_not_told_of_another_s_service() -> None:
    store = store_of(
        {
            "east": {"containers": ["web"], "engine": "docker"},
            "west": {"containers": ["web"], "engine": "other"},
        }
    )
    tell(store, 0, inventory(replica("web", id="1")))
    tell(store, 0, inventory(replica("web", id="2", place=OTHER), place=OTHER))
    died = Event(NOW + 1, EventCode.ENDED, subject="web", place="other")
    assert store.take_event(died) == [named("docker:other")]
    (told,) = (each for each in store.events.view() if each.code is EventCode.ENDED)
    assert (told.service, told.place) == ("west", "other")


def test_when_the_last_engine_is_configured_no_more_nothing_is_known() -> None:
    services = {
        "web": {"containers": ["web"]},
        "api": {"instances": [{"url": "http://10.0.0.1", "container": "web"}]},
    }
    before = store_of(services)
    tell(before, 0, inventory(replica("web")))
    tell(before, 0, inventory(place=OTHER))
    assert view(before).state is State.OK
    after = store_of(services, [], before)
    assert after.replicas.engines == ()
    assert view(after).state is State.UNKNOWN
    assert view(after).reason == "no engine is read that could know web"
    assert view(after, "api").instances[0].replicas == ()
    assert (view(after).replicas, view(after, "api").replicas) == ((), ())
