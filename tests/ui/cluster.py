"""A cluster in which one thing of each kind is wrong, as the engine would show it."""

from dataclasses import replace

from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.troubles import Trouble, TroubleCode
from opsconsole.model.running.workloads import (
    EngineView,
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Update,
)
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from tests.ui import fleet
from tests.ui.fleet import BAD, DOWN, NOW, OK
from tests.workloads import replica, workload

BED = Place(PlaceKind.CLUSTER, "production-eu")
READ = SourceView(
    SourceId(SourceKind.KUBERNETES, BED.name), "https://10.0.4.1:6443", 5.0, NOW - 2, NOW - 86_400
)
_GIB = 1 << 30
_WAITS = Trouble(TroubleCode.UNSCHEDULABLE, "insufficient cpu", count=0, of=5, at=NOW - 240)
_CRASHES = Trouble(TroubleCode.NOT_READY, "HTTP 503", at=NOW - 190)


def in_trouble() -> Snapshot:
    """A node that is lost, a rollout that stands, pods that wait; three services on it."""
    pods = [
        replica(f"{name}-{number}", place=BED, namespace="shop", kind="pod", cpu=0.35 * number,
                memory=number * _GIB // 2, workload=f"shop/deployment/{name}")
        for name in ("ai-backend", "checkout")
        for number in (1, 2)
    ]  # fmt: skip
    pods += [
        replica("ai-backend-7f9-new", Phase.PENDING, place=BED, namespace="shop", kind="pod",
                workload="shop/deployment/ai-backend", trouble=_WAITS),
        replica("orders-5c-x2", state=DOWN, place=BED, namespace="shop", kind="pod",
                workload="shop/deployment/orders", trouble=_CRASHES),
    ]  # fmt: skip
    rolling = workload(
        "shop/deployment/ai-backend", 2, 3, place=BED, update=Update.RUNNING, updated=1
    )
    nodes = [
        ClusterNode(f"node-{number}", True, cpu=8.0, memory=32 * _GIB) for number in range(1, 6)
    ]
    nodes[2] = replace(nodes[2], ready=None, said="Kubelet stopped posting node status.")
    nodes[4] = replace(nodes[4], cordoned=True)
    inventory = Inventory(
        BED,
        READ.endpoint,
        "v1.36.0",
        tuple(pods),
        tuple(
            replace(each, kind="Deployment")
            for each in (
                rolling,
                workload("shop/deployment/checkout", 2, 2, place=BED),
                workload("shop/deployment/orders", 0, 1, place=BED),
            )
        ),
        (),
        tuple(nodes),
    )
    services = (
        fleet.service("orders", (DOWN,), 0.03, reason="readiness fails: HTTP 503"),
        fleet.service("ai-backend", (OK, BAD), 0.08, reason="0 of 5 nodes fit: insufficient cpu"),
        fleet.service("checkout", (OK, OK), 0.05),
    )
    base = fleet.calm()
    return replace(
        base,
        services=tuple(replace(each, places=(BED.name,)) for each in services),
        engines=(EngineView(inventory, NOW - 2, 5.0),),
        hosts=(),
        sources=(READ,),
    )
