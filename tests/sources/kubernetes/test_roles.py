"""The roles of ``sample_configs/kubernetes`` are enough, on a real cluster, and not more.

That who may act can make each change is shown where each is made, in
``tests/operations/drivers/kubernetes/test_real.py``.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from opsconsole.config.kubernetes import KubernetesAction, KubernetesCluster
from opsconsole.inspection.clusters import rights_of
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.cluster import ClusterAt
from tests.sources.kubernetes.roles import (
    ACT,
    ALL,
    DRAIN,
    LOOK,
    PROXY,
    allowed,
    documents,
    may,
    on_call,
)
from tests.sources.kubernetes.test_source import looking, once

WATCHED: Final = (
    *(("apps", each) for each in ("deployments", "statefulsets", "daemonsets")),
    *(("apps", each) for each in ("replicasets", "controllerrevisions")),
    *(("", each) for each in ("pods", "events", "nodes")),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
)

# A call to a pod takes another verb of pods/proxy for each method: who declares it adds that.
ACTIONS: Final[tuple[dict[str, Any], ...]] = (
    *({"workload": f"{each}/web"} for each in ("deployment", "statefulset", "daemonset")),
    {"workload": "deployment/web", "do": "pause"},
    {"workload": "statefulset/db", "do": "delete-stuck-pod"},
    {"config_map": "flags", "set": {"MODE": "low"}},
    {"node": "node-1", "do": "cordon"},
    {"node": "node-1", "do": "drain"},
)


async def test_who_may_look_reads_all_that_is_read(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace, tmp_path: Path
) -> None:
    cluster_sandbox.deploy("web", replicas=0)
    name = f"{cluster_sandbox.name}/deployment/web"
    with on_call(kubernetes_cluster, cluster_sandbox, tmp_path, LOOK) as kubeconfig:
        async with looking(KubernetesCluster(kubeconfig=str(kubeconfig))) as (source, _):
            await once(source, lambda seen: name in {each.name for each in seen.workloads})
            found = await once(source, lambda seen: bool(seen.nodes))
    assert found.unread == ()


@pytest.mark.parametrize("roles", [(), (LOOK,), ALL])
def test_nothing_is_given_but_what_the_files_say(
    roles: tuple[str, ...],
    kubernetes_cluster: ClusterAt,
    cluster_sandbox: Namespace,
    tmp_path: Path,
) -> None:
    """Beside what every account may ask about itself."""
    with on_call(kubernetes_cluster, cluster_sandbox, tmp_path, *roles):
        given = {
            each
            for each in may(kubernetes_cluster, cluster_sandbox)
            if each[0] != "authorization.k8s.io"
        }
    about_itself = {each for each in given if each[0] == "authorization.k8s.io"}
    assert given - about_itself == allowed(*roles)


def test_who_may_look_may_read_what_is_watched_with_logs_and_use() -> None:
    watched = {(*each, verb) for each in WATCHED for verb in ("get", "list", "watch")}
    assert allowed(LOOK) == {
        *watched,
        ("", "pods/log", "get"),
        ("metrics.k8s.io", "pods", "list"),
    }
    assert allowed(PROXY) == {("", "pods/proxy", "get")}


def test_who_may_act_may_do_what_some_action_takes_and_nothing_else() -> None:
    cluster = KubernetesCluster()
    asked = [
        right
        for each in ACTIONS
        for right in rights_of(KubernetesAction.model_validate(each), cluster)
    ]
    taken = {
        (each.group, "/".join(filter(None, (each.resource, each.subresource))), each.verb)
        for each in asked
    }
    # Who will undo it is asked for a warning alone.
    assert allowed(ACT, DRAIN) == taken | {("keda.sh", "scaledobjects", "list")}


def test_each_role_is_tried() -> None:
    assert {each["metadata"]["name"] for each in documents()} == set(ALL)
