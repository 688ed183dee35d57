"""What pods use: as metrics.k8s.io answers. Recorded, as the tests' cluster has no such server."""

from collections.abc import Mapping
from typing import Any

import pytest

from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.inventory import Usage
from opsconsole.sources.kubernetes.usage import BELIEVED, EVERY, RARELY, UsageWatch, read
from tests.fakes import FakeClock

ANSWER: JsonObject = {
    "kind": "PodMetricsList",
    "apiVersion": "metrics.k8s.io/v1beta1",
    "metadata": {},
    "items": [
        {
            "metadata": {"name": "web-7f9-abc", "namespace": "shop"},
            "timestamp": "2026-11-30T12:00:00Z",
            "window": "15.1s",
            "containers": [
                {"name": "app", "usage": {"cpu": "152340871n", "memory": "131072Ki"}},
                {"name": "proxy", "usage": {"cpu": "10m", "memory": "16Mi"}},
            ],
        },
        {"metadata": {"name": "db-0", "namespace": "shop"}, "containers": []},
        {
            "metadata": {"name": "half", "namespace": "shop"},
            "containers": [{"usage": {"cpu": "1"}}, {"usage": {"cpu": "-1", "memory": "1Mi"}}],
        },
    ],
}


def test_the_use_of_a_pod_is_that_of_all_its_containers() -> None:
    used = dict(read(ANSWER))
    web = used["shop", "web-7f9-abc"]
    assert web.cpu == pytest.approx(0.162340871)
    assert web.memory == (128 + 16) << 20
    assert used["shop", "db-0"] == Usage()
    assert used["shop", "half"] == Usage()


@pytest.mark.parametrize(
    "hostile", [{}, {"items": 3}, {"items": [None, 3, {"metadata": [], "containers": "x"}]}]
)
def test_hostile_answers_raise_nothing(hostile: dict[str, Any]) -> None:
    assert all(used == Usage() for _, used in read(hostile))


class Answering:
    """A server of metrics that says what it is set to say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: JsonObject | ClusterError = ANSWER

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        self.asked.append(path)
        if isinstance(self.answer, ClusterError):
            raise self.answer
        return self.answer


def fault(kind: FaultKind) -> ClusterError:
    return ClusterError(Fault(kind, "no"))


async def test_it_is_known_while_it_is_new_and_not_known_after() -> None:
    clock, server = FakeClock(), Answering()
    watch = UsageWatch(server, KubernetesCluster(namespaces=("shop",)), clock)
    watch.start()
    try:
        await clock.advance(0.1)
        assert server.asked == ["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"]
        assert watch.used["shop", "web-7f9-abc"].memory
        server.answer = fault(FaultKind.TIMEOUT)
        for _ in range(int(BELIEVED / EVERY) + 1):
            await clock.advance(EVERY)
        assert watch.used == {}
        assert watch.unread == ()
        server.answer = ANSWER
        await clock.advance(EVERY)
        assert watch.used
    finally:
        await watch.close()


@pytest.mark.parametrize(
    ("kind", "said"), [(FaultKind.ABSENT, False), (FaultKind.PERMISSION, True)]
)
async def test_where_there_is_none_it_is_asked_rarely_and_a_missing_right_is_said(
    kind: FaultKind, said: bool
) -> None:
    clock, server = FakeClock(), Answering()
    server.answer = fault(kind)
    watch = UsageWatch(server, KubernetesCluster(), clock)
    watch.start()
    try:
        await clock.advance(EVERY)
        assert len(server.asked) == 1
        assert bool(watch.unread) is said
        await clock.advance(RARELY)
        assert len(server.asked) == 2
    finally:
        await watch.close()
