"""A cluster that lacks kinds, answers nonsense, dies and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.model.events import Event
from opsconsole.model.fault import FaultKind
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory
from opsconsole.sources.kubernetes import kind_watch
from opsconsole.sources.kubernetes.objects.pod_refining import RECENT
from opsconsole.sources.kubernetes.source import KubernetesSource
from tests.patience import soon
from tests.sources.kubernetes.cluster_samples import deployment, pod
from tests.sources.kubernetes.stand_in import StandIn, stand_in

PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"


@asynccontextmanager
async def looking(server: StandIn, folder: Path) -> AsyncIterator[KubernetesSource]:
    server.lists = {PODS: [pod("web-1"), pod("web-2")], DEPLOYMENTS: [deployment("web")]}
    cluster = KubernetesCluster(
        name="bed", kubeconfig=server.kubeconfig(folder), namespaces=("shop",), timeout=20
    )
    events: list[Event] = []
    source = KubernetesSource(cluster, SystemClock(), events.append, environ={})
    try:
        yield source
    finally:
        await source.close()


async def once(
    source: KubernetesSource, holds: Callable[[Reading[Inventory]], bool]
) -> Reading[Inventory]:
    """The first look of which ``holds`` is true."""
    looks: list[Reading[Inventory]] = []

    async def look() -> None:
        while not looks or not holds(looks[-1]):
            looks.append(await source.collect())
            await asyncio.sleep(0.02)

    task = asyncio.create_task(look())
    await soon(task.done)
    await task
    return looks[-1]


async def test_what_is_there_is_seen_with_its_version(tmp_path: Path) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        found = await once(source, lambda each: each.value is not None)
    assert found.value is not None
    assert [each.name for each in found.value.replicas] == ["web-1", "web-2"]
    assert [each.name for each in found.value.workloads] == ["shop/deployment/web"]
    assert (found.value.version, found.value.unread) == ("v1.36.0", ())
    assert found.value.endpoint.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("served", "asked"),
    [(["v2", "v1"], "v2"), (["v1", "v2beta2", "v2beta1"], "v2beta2"), (["v1"], "v1"), ([], "v2")],
)
async def test_the_newest_version_that_both_know_is_asked(
    served: list[str], asked: str, tmp_path: Path
) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.versions["autoscaling"] = served
        await once(source, lambda each: each.value is not None)
        path = f"/apis/autoscaling/{asked}/namespaces/shop/horizontalpodautoscalers"
        assert path in server.asked


@pytest.mark.parametrize(("code", "kind"), [(403, FaultKind.PERMISSION), (404, FaultKind.ABSENT)])
async def test_a_kind_that_is_refused_is_missing_alone(
    code: int, kind: FaultKind, tmp_path: Path
) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.refuses = {"/api/v1/nodes": code, DEPLOYMENTS: code}
        found = await once(source, lambda each: each.value is not None)
    assert found.value is not None
    assert {each.what: each.fault.kind for each in found.value.unread} == {
        "nodes": kind,
        "deployments": kind,
    }
    assert len(found.value.replicas) == 2


async def test_a_kind_that_is_nonsense_is_missing_alone(tmp_path: Path) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.garbles = {"/api/v1/nodes"}
        found = await once(source, lambda each: each.value is not None)
    assert found.value is not None
    assert [each.fault.kind for each in found.value.unread] == [FaultKind.NOT_UNDERSTOOD]


@pytest.mark.parametrize("path", [PODS])
async def test_without_pods_nothing_is_known(path: str, tmp_path: Path) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.refuses = {path: 403}
        found = await once(source, lambda each: True)
    assert found.fault is not None
    assert found.fault.kind is FaultKind.PERMISSION


async def test_it_is_a_fault_while_the_server_is_gone_and_right_again_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind_watch, "BELIEVED", 0.5)
    async with stand_in() as server, looking(server, tmp_path) as source:
        await once(source, lambda each: each.value is not None)
        await server.stop()
        lost = await once(source, lambda each: each.fault is not None)
        assert lost.fault is not None
        assert lost.fault.kind in {FaultKind.CONNECT, FaultKind.PROTOCOL}
        server.lists[PODS] = [pod("web-3")]
        asked = server.asked.count("/version")
        await server.start()
        in_vain: list[int] = []

        def came(reading: Reading[Inventory]) -> bool:
            in_vain.append(server.asked.count("/version") if reading.fault else asked)
            return reading.value is not None

        back = await once(source, came)
        assert back.value is not None
        assert max(in_vain) == asked, "a look that found it back did not wait for what is there"


def written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.mark.parametrize("ahead", [0.0, 60.0, -60.0, 86_400.0])
async def test_times_are_this_machines_whatever_the_clusters_clock_says(
    ahead: float, tmp_path: Path
) -> None:
    """It started a minute ago, and ended five times in a row just before."""
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.ahead = ahead
        now = time.time()
        there = now + ahead
        end = {
            "exitCode": 1,
            "startedAt": written(there - 66),
            "finishedAt": written(there - 64),
        }
        container = {
            "name": "main",
            "state": {"running": {"startedAt": written(there - 60)}},
            "lastState": {"terminated": end},
            "restartCount": 5,
            "ready": True,
        }
        server.lists[PODS] = [pod("web-1", containers=[container])]
        found = await once(source, lambda each: each.value is not None)
    assert found.value is not None
    (copy,) = found.value.replicas
    assert copy.started_at == pytest.approx(now - 60, abs=3)
    assert copy.loop == 5


@pytest.mark.parametrize("ahead", [60.0, -60.0])
async def test_an_end_of_long_ago_is_no_loop_by_another_clock(ahead: float, tmp_path: Path) -> None:
    async with stand_in() as server, looking(server, tmp_path) as source:
        server.ahead = ahead
        there = time.time() + ahead
        end = {
            "exitCode": 1,
            "startedAt": written(there - RECENT - 45),
            "finishedAt": written(there - RECENT - 30),
        }
        container = {
            "name": "main",
            "state": {"running": {"startedAt": written(there - RECENT - 30)}},
            "lastState": {"terminated": end},
            "restartCount": 5,
            "ready": True,
        }
        server.lists[PODS] = [pod("web-1", containers=[container])]
        found = await once(source, lambda each: each.value is not None)
    assert found.value is not None
    assert [each.loop for each in found.value.replicas] == [0]
