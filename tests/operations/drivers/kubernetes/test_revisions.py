"""Which revision is gone back to: never to what was gone back from, however often."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.operations.drivers.kubernetes.revisions import (
    Revision,
    before,
    of_controller_revisions,
    of_replica_sets,
    running,
    version_of,
    without_hash,
)
from tests.operations.drivers.kubernetes.made import (
    controller_revision,
    replica_set,
    restarted,
    stamp,
    template,
)

ONE, TWO, THREE = template("web:1"), template("web:2"), template("web:3")


def _names(found: Revision | None) -> tuple[int, tuple[str, ...]] | None:
    return None if found is None else (found.number, found.images)


def _goal(
    kept: tuple[Revision, ...],
    runs: dict[str, Any],
    never: frozenset[str] = frozenset(),
    ready: tuple[str, ...] = (),
) -> tuple[int, tuple[str, ...]] | None:
    now = running(kept, runs, observed=True)
    assert now is not None
    return _names(before(kept, now, never=never, ready=ready))


def test_the_version_before_is_the_newest_older_one() -> None:
    sets = [replica_set(1, ONE, 1), replica_set(2, TWO, 2), replica_set(3, THREE, 3)]
    kept = of_replica_sets("uid-web", sets)
    assert [each.number for each in kept] == [3, 2, 1]
    assert _goal(kept, THREE) == (2, ("web:2",))


def test_the_same_of_controller_revisions() -> None:
    kept = of_controller_revisions(
        "uid-web", [controller_revision(1, ONE, 1), controller_revision(2, TWO, 2)]
    )
    assert _goal(kept, TWO) == (1, ("web:1",))
    assert "$patch" not in kept[0].template


def test_a_restart_makes_no_version() -> None:
    again = restarted(ONE, stamp(50))
    assert version_of(again) == version_of(ONE)
    kept = of_replica_sets(
        "uid-web",
        [replica_set(1, ONE, 1), replica_set(2, again, 50), replica_set(3, TWO, 60)],
    )
    assert _goal(kept, TWO) == (2, ("web:1",))
    assert _goal(kept[1:], again) is None


def test_what_was_undone_by_others_is_not_gone_to() -> None:
    """``kubectl rollout undo`` gives the old ReplicaSet a new number and leaves the bad one."""
    kept = of_replica_sets("uid-web", [replica_set(2, TWO, 2), replica_set(3, ONE, 1)])
    assert _goal(kept, ONE) is None
    older = of_replica_sets(
        "uid-web", [replica_set(2, TWO, 2), replica_set(3, ONE, 1), replica_set(0, THREE, 0)]
    )
    assert _goal(older, ONE) == (0, ("web:3",))


def test_what_was_rolled_back_from_is_passed_over() -> None:
    sets = [replica_set(1, ONE, 1), replica_set(2, TWO, 2), replica_set(3, THREE, 3)]
    left = frozenset({version_of(TWO)})
    assert _goal(of_replica_sets("uid-web", sets), THREE, left) == (1, ("web:1",))


def test_what_still_serves_goes_before_what_was_tried_in_between() -> None:
    sets = [replica_set(1, ONE, 1), replica_set(2, TWO, 2), replica_set(3, THREE, 3)]
    kept = of_replica_sets("uid-web", sets)
    assert _goal(kept, THREE, ready=("web-h1",)) == (1, ("web:1",))
    assert _goal(kept, THREE, ready=("web-h3",)) == (2, ("web:2",))


def test_within_one_second_the_first_number_counts() -> None:
    """The second of two that came at once is rolled back from: it is not gone back to."""
    kept = of_replica_sets("uid-web", [replica_set(2, TWO, 1), replica_set(3, ONE, 1, history=[1])])
    assert _goal(kept, ONE) is None
    again = of_replica_sets("uid-web", [replica_set(1, ONE, 1), replica_set(2, TWO, 1)])
    assert _goal(again, TWO) == (1, ("web:1",))
    nobody_knows = of_controller_revisions(
        "uid-web", [controller_revision(2, TWO, 1), controller_revision(3, ONE, 1)]
    )
    assert _goal(nobody_knows, ONE) is None


def test_the_label_that_a_replica_set_adds_is_taken_off() -> None:
    kept = of_replica_sets("uid-web", [replica_set(1, ONE, 1)])
    assert "pod-template-hash" in kept[0].template["metadata"]["labels"]
    assert without_hash(kept[0].template) == ONE


def test_revisions_of_another_workload_are_not_its_own() -> None:
    assert of_replica_sets("uid-web", [replica_set(1, ONE, 1, owner="uid-other")]) == ()


def test_what_the_controller_has_seen_runs_as_the_newest_number() -> None:
    """An API of another version may write defaults that the kept template has not."""
    kept = of_replica_sets("uid-web", [replica_set(1, ONE, 1), replica_set(2, TWO, 2)])
    defaulted = template("web:2", terminationMessagePath="/dev/termination-log")
    assert _names(running(kept, defaulted, observed=True)) == (2, ("web:2",))
    assert running(kept, defaulted, observed=False) is None


@dataclass
class Cluster:
    """A Deployment and its ReplicaSets, as the controller numbers them."""

    a_second: int = 1
    sets: dict[str, list[int]] = field(default_factory=dict)
    runs: str = ""
    number: int = 0

    def deploy(self, image: str) -> None:
        """All numbers that it had, the last one last; ``a_second`` of them come within one."""
        self.number += 1
        self.sets.setdefault(image, []).append(self.number)
        self.runs = image

    def undo(self) -> str | None:
        kept = of_replica_sets(
            "uid-web",
            [
                replica_set(had[-1], template(image), had[0] // self.a_second, history=had[:-1])
                for image, had in self.sets.items()
            ],
        )
        now = running(kept, template(self.runs), observed=True)
        assert now is not None
        goal = before(kept, now)
        if goal is not None:
            self.deploy(goal.images[0])
        return None if goal is None else goal.images[0]


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "undo"]), min_size=1, max_size=25),
    st.integers(1, 5),
)
def test_undone_again_and_again_no_version_comes_twice(steps: list[str], a_second: int) -> None:
    """However it came there: each undo in a row goes further back, and then nowhere."""
    cluster = Cluster(a_second)
    cluster.deploy("a")
    for step in steps:
        if step == "undo":
            cluster.undo()
        else:
            cluster.deploy(step)
    seen = [cluster.runs]
    while (gone_to := cluster.undo()) is not None:
        assert gone_to not in seen
        seen.append(gone_to)
