"""The roles of ``sample_configs/kubernetes`` are enough, on a real cluster, and not more."""

from dataclasses import replace

import pytest

from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.rights import Right
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.cluster import ClusterAt
from tests.sources.kubernetes.roles import bind, rules

WATCHED = [
    ("apps", each)
    for each in ("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions")
] + [
    ("", "pods"),
    ("", "events"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
]
CHANGES = [
    Right("patch", "deployments", "apps"),
    Right("patch", "statefulsets", "apps"),
    Right("patch", "daemonsets", "apps"),
    Right("patch", "configmaps"),
    Right("delete", "pods"),
]


def client(cluster: ClusterAt) -> ClusterClient:
    asked = KubernetesCluster(kubeconfig=str(cluster.kubeconfig), context="nobody")
    return ClusterClient(access_of(asked, {}), timeout=30.0)


async def answers(
    asker: ClusterClient, sandbox: Namespace, rights: list[Right]
) -> dict[str, bool | None]:
    """What the cluster says to each right, in the sandbox."""
    return {
        f"{each.verb} {each.resource}/{each.subresource}": await asker.review(
            replace(each, namespace=sandbox.name)
        )
        for each in rights
    }


async def test_who_may_look_may_read_all_and_change_nothing(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    bind(cluster_sandbox, "opsconsole-look")
    asker = client(kubernetes_cluster)
    try:
        looks = [
            Right(verb, resource, group)
            for group, resource in WATCHED
            for verb in ("get", "list", "watch")
        ]
        looks.append(Right("get", "pods", subresource="log"))
        found = await answers(asker, cluster_sandbox, looks)
        assert [asked for asked, may in found.items() if may is not True] == []
        found = await answers(asker, cluster_sandbox, CHANGES)
        assert [asked for asked, may in found.items() if may is not False] == []
    finally:
        await asker.close()


async def test_who_may_act_may_make_each_change(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    bind(cluster_sandbox, "opsconsole-look")
    bind(cluster_sandbox, "opsconsole-act")
    asker = client(kubernetes_cluster)
    try:
        found = await answers(asker, cluster_sandbox, CHANGES)
        assert [asked for asked, may in found.items() if may is not True] == []
        secret = await answers(asker, cluster_sandbox, [Right("get", "secrets")])
        assert secret == {"get secrets/": False}
    finally:
        await asker.close()


@pytest.mark.parametrize(
    "name", ["opsconsole-look", "opsconsole-proxy", "opsconsole-act", "opsconsole-drain"]
)
def test_no_role_has_a_wildcard_or_reads_secrets(name: str) -> None:
    for rule in rules(name):
        for values in rule.values():
            assert "*" not in values
            assert "secrets" not in values
