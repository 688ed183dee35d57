"""What a pod is like: ready or why not, and whether waiting can make it well."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.operations.drivers.kubernetes.pods import pods_of
from tests.operations.drivers.kubernetes.made import pod, stamp


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


def last(made: dict[str, Any], **end: Any) -> dict[str, Any]:
    made["status"]["containerStatuses"][0]["lastState"] = {"terminated": end}
    return made


UNPLACED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/5 nodes are available: 5 Insufficient cpu.",
}


@pytest.mark.parametrize(
    ("read", "detail", "lost"),
    [
        (pod("a"), "ready", False),
        (pod("a", restarts=3), "ready, 3 restarts", False),
        (
            pod("a", ready=False, state=waiting("ImagePullBackOff", 'Back-off "web:9"')),
            'image pull: Back-off "web:9"',
            True,
        ),
        (pod("a", ready=False, state=waiting("ErrImagePull")), "image pull: ErrImagePull", True),
        (
            last(
                pod("a", ready=False, restarts=4, state=waiting("CrashLoopBackOff")),
                exitCode=137,
                reason="OOMKilled",
            ),
            "crash loop: exit 137, OOMKilled, 4 restarts",
            True,
        ),
        (
            last(pod("a", ready=False, restarts=2), exitCode=1, reason="Error"),
            "crash loop: exit 1, 2 restarts",
            True,
        ),
        (pod("a", ready=False, restarts=1), "starting, 1 restarts", False),
        (pod("a", ready=False, state=ended(3)), "exit 3", False),
        (pod("a", ready=False, state=waiting("ContainerCreating")),
         "waits: ContainerCreating", False),
        (
            pod("a", ready=False, state=waiting("PodInitializing"), conditions=[UNPLACED]),
            "not placed: 0/5 nodes are available: 5 Insufficient cpu.",
            False,
        ),
    ],
)  # fmt: skip
def test_why_it_is_as_it_is(read: dict[str, Any], detail: str, lost: bool) -> None:
    (seen,) = pods_of((read,))
    assert (seen.detail, seen.lost) == (detail, lost)
    assert (seen.state is State.OK) == detail.startswith("ready")


def test_what_ends_or_has_ended_is_left_out() -> None:
    over = pod("c", ready=False)
    over["status"]["phase"] = "Failed"
    kept = pods_of((pod("b"), pod("a"), over, pod("d", deletionTimestamp=stamp(5))))
    assert [each.name for each in kept] == ["a", "b"]


def test_a_container_that_began_again_is_another_run() -> None:
    first, again = pod("a", started=1), pod("a", started=1)
    again["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = stamp(9)
    assert pods_of((first,))[0].run != pods_of((again,))[0].run


FIELDS = [
    *("metadata", "status", "spec", "conditions", "containerStatuses", "state", "waiting"),
    *("reason", "type", "message", "restartCount", "lastState", "terminated", "exitCode"),
    *("name", "labels", "uid"),
]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANY = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["metadata", "status", "spec"]), ANY))
def test_whatever_a_server_answers_is_read_and_is_ready_only_if_it_says_so(
    read: dict[str, Any],
) -> None:
    for seen in pods_of((read,)):
        assert all(text.isprintable() for text in (seen.name, seen.detail, seen.node))
        assert not (seen.lost and seen.state is State.OK)
