"""What a name of the configuration stands for."""

from opsconsole.engine.records.replica_index import Found, ReplicaIndex
from opsconsole.model.running.workloads import Phase, Place, PlaceKind, Replica
from tests.workloads import DOCKER, inventory, replica, workload

OTHER = Place(PlaceKind.ENGINE, "other")


def names(found: Found) -> list[str]:
    return [each.name for each in found.replicas]


def index(*replicas: Replica) -> ReplicaIndex:
    """All replicas in their places."""
    places = dict.fromkeys(each.place for each in replicas)
    return ReplicaIndex(
        inventory(*(each for each in replicas if each.place == place), place=place)
        for place in places
    )


def test_a_name_is_a_replica_s_own_before_a_workload_s() -> None:
    found = index(replica("web"), replica("p-web-1", workload="web")).find("web")
    assert names(found) == ["web"]


def test_a_workload_is_all_of_its_copies_ended_ones_too() -> None:
    ended = replica("web-2", Phase.ENDED, workload="shop/web")
    found = index(replica("web-1", workload="shop/web"), ended).find("shop/web")
    assert names(found) == ["web-1", "web-2"]


def test_a_workload_may_be_named_without_what_it_belongs_to() -> None:
    found = index(replica("web-1", workload="shop/web")).find("web")
    assert names(found) == ["web-1"]


def test_of_two_projects_none_is_meant_until_it_is_said_which() -> None:
    both = index(replica("s-1", workload="shop/web"), replica("b-1", workload="blog/web"))
    assert both.find("web").several == ("shop/web on docker", "blog/web on docker")
    assert both.find("web").replicas == ()
    assert names(both.find("blog/web")) == ["b-1"]


def test_a_whole_name_goes_before_the_end_of_another() -> None:
    both = index(replica("w-1", workload="web"), replica("s-1", workload="shop/web"))
    assert names(both.find("web")) == ["w-1"]


def test_of_two_engines_none_is_meant_until_it_is_said_which() -> None:
    both = index(replica("web", id="1"), replica("web", id="2", place=OTHER))
    assert both.find("web").several == ("web on docker", "web on other")
    assert [each.id for each in both.find("web", "docker").replicas] == ["1"]
    assert [each.id for each in both.find("web", "other").replicas] == ["2"]
    assert both.find("web", "third").nothing


def test_projects_of_one_name_on_two_engines_are_two() -> None:
    both = index(replica("a", workload="shop/web"), replica("b", workload="shop/web", place=OTHER))
    assert both.find("web").several == ("shop/web on docker", "shop/web on other")
    assert names(both.find("web", "other")) == ["b"]


def test_one_engine_under_two_names_mixes_nothing_up() -> None:
    twice = [inventory(replica("web", id="1", place=each), place=each) for each in (DOCKER, OTHER)]
    assert names(ReplicaIndex(twice).find("web")) == ["web"]


def test_a_workload_whose_copies_are_in_two_places_is_one() -> None:
    here, there = (
        replica(f"web.{number}", place=place, workload="stack_web", workload_id="s1")
        for number, place in enumerate((DOCKER, OTHER), 1)
    )
    first = inventory(here, workloads=[workload("stack_web", 2, 2, id="s1")])
    second = inventory(there, place=OTHER)
    found = ReplicaIndex([first, second]).find("stack_web")
    assert names(found) == ["web.1", "web.2"]
    assert [each.name for each in found.workloads] == ["stack_web"]


def test_a_workload_that_has_no_copy_is_known() -> None:
    found = ReplicaIndex([inventory(workloads=[workload("web", 0, 3)])]).find("web")
    assert (found.replicas, found.nothing) == ((), False)


def test_nothing_is_joined_by_likeness() -> None:
    found = index(replica("web-1"), replica("p-api-1", workload="shop/api"))
    assert found.find("web").nothing
    assert found.find("shop").nothing
