"""Each pod at its own endpoint: what it says is its own, what keeps it from being asked is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.config.settings import Settings
from opsconsole.model.fault import FaultKind
from opsconsole.model.observations import PodLook
from opsconsole.model.running.workloads import Port, Replica
from opsconsole.model.state import State
from opsconsole.sources.health.factory import pods_of
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import unusable
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.asked_pods import AskedPods
from opsconsole.sources.kubernetes.pod_health import PodHealth
from opsconsole.sources.kubernetes.proxied import is_within
from opsconsole.sources.kubernetes.source import KubernetesSource
from tests.patience import soon
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.cluster import ClusterAt
from tests.sources.kubernetes.cluster_samples import BED, deployment, pod
from tests.sources.kubernetes.stand_in import StandIn, stand_in
from tests.workloads import replica

WEB = "shop/deployment/web"
PODS = "/api/v1/namespaces/shop/pods"
AT_POD = f"{PODS}/web-1:8080/proxy/health"
OK = (200, b'{"status": "ok"}')


def status(code: int, reason: str = "", **details: str) -> tuple[int, bytes]:
    """What an API server answers for itself."""
    said = {"kind": "Status", "apiVersion": "v1", "code": code, "message": "it says why"}
    return code, json.dumps({**said, "reason": reason, "details": details}).encode()


def settings(**health: Any) -> Settings:
    asked = {"path": "/health", "through": "proxy", "port": 8080, **health}
    service = {"kubernetes": {"workload": "deployment/web", "namespace": "shop"}, "health": asked}
    return Settings.model_validate(
        {
            "docker": [],
            "kubernetes": {"name": "bed"},
            "defaults": {"timeout": "2s"},
            "services": {"web": service},
        }
    )


class Known:
    """Pods that are there until the test takes them away."""

    def __init__(self, client: ClusterClient, *names: str, **more: Any) -> None:
        self.client, self.asked = client, 0
        self.pods = [
            replica(each, id=f"uid-{each}", place=BED, workload=WEB, namespace="shop", **more)
            for each in names
        ]
        self.gone_after = 99
        self.fails: Exception | None = None

    async def pods_of(
        self, workloads: tuple[str, ...], within: float
    ) -> tuple[tuple[Replica, ...], ClusterClient]:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        if self.asked > self.gone_after:
            return (), self.client
        return tuple(self.pods), self.client


@asynccontextmanager
async def asking(
    server: StandIn, folder: Path, *names: str, port: int | None = 8080, **more: Any
) -> AsyncIterator[tuple[PodHealth, Known]]:
    cluster = KubernetesCluster(name="bed", kubeconfig=server.kubeconfig(folder))
    client = ClusterClient(access_of(cluster, {}, base=folder), timeout=5)
    known = Known(client, *names, **more)
    (asked,) = pods_of(settings(port=port), "web")
    connector = Connector()
    made = PodHealth(asked, known, clock=SystemClock(), connector=connector, base=folder)
    try:
        yield made, known
    finally:
        await made.close()
        await client.close()
        await connector.close()


async def looks(source: PodHealth) -> tuple[PodLook, ...]:
    reading = await source.collect()
    assert reading.value is not None, reading.fault
    return reading.value.looks


@pytest.mark.parametrize(
    ("answer", "state", "kind", "blames"),
    [
        (OK, State.OK, None, False),
        ((200, b'{"status": "degraded"}'), State.DEGRADED, None, False),
        ((503, b'{"status": "down"}'), State.DOWN, None, False),
        ((500, b"broken"), State.DOWN, None, False),
        ((404, b'{"detail": "Not Found"}'), None, FaultKind.STATUS, True),
        # What the pod itself refuses is no refusal of the API server's.
        ((403, b"no"), None, FaultKind.AUTH, False),
        ((302, b""), None, FaultKind.STATUS, True),
        (status(403, "Forbidden"), None, FaultKind.PERMISSION, False),
        (status(500), None, FaultKind.LOCAL, False),
        (status(503, "ServiceUnavailable"), None, FaultKind.LOCAL, False),
        (status(429, "TooManyRequests"), None, FaultKind.OVERLOADED, False),
        (status(401, "Unauthorized"), None, FaultKind.AUTH, False),
    ],
)
async def test_the_pod_is_judged_by_what_it_says_itself(
    answer: tuple[int, bytes],
    state: State | None,
    kind: FaultKind | None,
    blames: bool,
    tmp_path: Path,
) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1") as (source, _):
        server.says[AT_POD] = answer
        (look,) = await looks(source)
    value, fault = look.reading.value, look.reading.fault
    assert (value.state if value else None, fault.kind if fault else None) == (state, kind)
    assert fault is None or fault.blames_target is blames
    assert server.asked.count(AT_POD) == 1
    assert (look.pod, look.name, look.url) == ("uid-web-1", "web-1", f"{server.address}{AT_POD}")


async def test_a_pod_that_the_server_no_longer_has_is_not_looked_at(tmp_path: Path) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1") as (source, known):
        server.says[AT_POD] = status(404, "NotFound", kind="pods", name="web-1")
        known.gone_after = 1
        assert not await looks(source)


async def test_a_pod_that_says_that_it_is_not_there_is_not_hidden(tmp_path: Path) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1", "web-2") as (source, _):
        server.says[AT_POD] = status(404, "NotFound", kind="pods", name="web-1")
        server.says[AT_POD.replace("web-1", "web-2")] = OK
        found = {each.name: each.reading.fault for each in await looks(source)}
    assert set(found) == {"web-1", "web-2"}
    assert found["web-1"] is not None


async def test_what_failed_while_its_pod_went_is_no_evidence(tmp_path: Path) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1") as (source, known):
        server.says[AT_POD] = (500, b"draining")
        known.gone_after = 1
        assert not await looks(source)


@pytest.mark.parametrize(("also", "kind"), [(False, FaultKind.TIMEOUT), (True, FaultKind.LOCAL)])
async def test_of_a_pod_that_hangs_the_server_decides_whose_fault_it_is(
    also: bool, kind: FaultKind, tmp_path: Path
) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1") as (source, _):
        server.hangs = {AT_POD, *(["/version"] if also else [])}
        (look,) = await looks(source)
    assert look.reading.fault is not None
    assert look.reading.fault.kind is kind


async def test_the_first_declared_port_is_asked_and_none_is_guessed(tmp_path: Path) -> None:
    ports = (Port(9100), Port(8080))
    async with (
        stand_in() as server,
        asking(server, tmp_path, "web-1", port=None, ports=ports) as (source, known),
    ):
        await looks(source)
        assert AT_POD.replace(":8080", ":9100") in server.asked
        known.pods = [replica("web-2", place=BED, namespace="shop")]
        (look,) = await looks(source)
    assert look.reading.fault is not None
    assert (look.reading.fault.kind, "port" in look.reading.fault.hint) == (FaultKind.LOCAL, True)


@pytest.mark.parametrize(
    ("path", "within"),
    [
        ("/health", True),
        ("/a..b/...", True),
        ("/health?next=/../x", True),
        ("/../../../secrets", False),
        ("/a/./b", False),
        ("/%2e%2e/x", False),
        ("/%252e%252e/x", False),
        ("/a%2f..%2fb", False),
        ("/a\\..\\b", False),
    ],
)
def test_a_path_leads_nowhere_but_below_the_pod(path: str, within: bool) -> None:
    assert is_within(path) is within


async def test_a_path_that_leads_elsewhere_is_not_sent(tmp_path: Path) -> None:
    async with stand_in() as server:
        cluster = KubernetesCluster(name="bed", kubeconfig=server.kubeconfig(tmp_path))
        client = ClusterClient(access_of(cluster, {}, base=tmp_path), timeout=5)
        connector = Connector()
        (asked,) = pods_of(settings(path="/../../../../secrets"), "web")
        known = Known(client, "web-1")
        made = PodHealth(asked, known, clock=SystemClock(), connector=connector, base=tmp_path)
        (look,) = await looks(made)
        await made.close()
        await client.close()
        await connector.close()
    assert look.reading.fault is not None
    assert (look.reading.fault.kind, server.asked) == (FaultKind.LOCAL, [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (unusable("no way", "", FaultKind.CONNECT), FaultKind.CONNECT),
        (TimeoutError(), FaultKind.LOCAL),
    ],
)
async def test_where_nobody_knows_the_pods_none_is_down(
    error: Exception, kind: FaultKind, tmp_path: Path
) -> None:
    async with stand_in() as server, asking(server, tmp_path, "web-1") as (source, known):
        known.fails = error
        reading = await source.collect()
    assert (reading.value, reading.fault.kind if reading.fault else None) == (None, kind)


async def test_who_follows_nothing_asks_which_pods_are_of_the_workload(tmp_path: Path) -> None:
    def labelled(name: str, **more: Any) -> dict[str, Any]:
        owner = {"kind": "ReplicaSet", "name": "web-5f", "uid": "rs", "controller": True}
        return pod(name, meta={"ownerReferences": [owner]}, **more)

    ending = labelled("web-3")
    ending["metadata"]["deletionTimestamp"] = "2026-11-30T23:00:00Z"
    foreign = pod("other", meta={"labels": {"app": "web"}})
    async with stand_in() as server:
        space = "/apis/apps/v1/namespaces/shop"
        server.says[f"{space}/deployments/web"] = (
            200,
            json.dumps(deployment(spec={"selector": {"matchLabels": {"app": "web"}}})).encode(),
        )
        above = {"kind": "Deployment", "name": "web", "uid": "uid-web", "controller": True}
        meta = {"name": "web-5f", "namespace": "shop", "uid": "rs", "ownerReferences": [above]}
        server.lists[f"{space}/replicasets"] = [{"metadata": meta, "spec": {"template": {}}}]
        server.lists[PODS] = [
            labelled("web-1"), labelled("web-2", phase="Pending", containers=[]), ending, foreign,
        ]  # fmt: skip
        cluster = KubernetesCluster(name="bed", kubeconfig=server.kubeconfig(tmp_path))
        asked = AskedPods(cluster, settings().services["web"].kubernetes, tmp_path)
        found, _ = await asked.pods_of((WEB,), 5)
        await asked.close()
    assert [each.name for each in found] == ["web-1"]


@pytest.mark.servers
@pytest.mark.parametrize("through", ["pods", "proxy"])
async def test_on_a_real_cluster_each_pod_answers_for_itself(
    through: str, kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace, tmp_path: Path
) -> None:
    cluster_sandbox.deploy("web", replicas=2)
    space = cluster_sandbox.name
    health = {"path": "/", "through": through, "expect": {"contains": "version 1"}}
    made = Settings.model_validate(
        {
            "docker": [],
            "kubernetes": {
                "name": "bed",
                "kubeconfig": str(kubernetes_cluster.kubeconfig),
                "context": "admin",
                "namespaces": space,
            },
            "services": {"web": {"kubernetes": "deployment/web", "health": health}},
        }
    )
    await soon(lambda: cluster_sandbox.is_rolled_out("web"))
    (asked,) = pods_of(made, "web")
    connector = Connector()
    source = KubernetesSource(made.kubernetes[0], SystemClock(), lambda _: None, environ={})
    followed = PodHealth(asked, source, clock=SystemClock(), connector=connector, base=tmp_path)
    other = AskedPods(made.kubernetes[0], made.services["web"].kubernetes, tmp_path)
    anew = PodHealth(asked, other, clock=SystemClock(), connector=connector, base=tmp_path)
    try:
        _, seen = await asyncio.gather(source.collect(), looks(followed))
        assert [each.reading.value and each.reading.value.state for each in seen] == [State.OK] * 2
        assert {each.pod for each in await looks(anew)} == {each.pod for each in seen}
        for each in cluster_sandbox.list("Pod"):
            cluster_sandbox.delete("Pod", each["metadata"]["name"], grace=0)
        before = {each.pod for each in seen}

        async def replaced() -> None:
            while True:
                await asyncio.sleep(0.05)
                await source.collect()
                now = await looks(followed)
                assert all(each.reading.fault is None for each in now if each.pod in before)
                if len(now) == 2 and not before & {each.pod for each in now}:
                    return

        task = asyncio.create_task(replaced())
        await soon(task.done)
        await task
    finally:
        await followed.close()
        await anew.close()
        await other.close()
        await source.close()
        await connector.close()
