"""What `check` says of a real cluster: reached, rights to look, rights that actions take."""

from pathlib import Path
from typing import Any

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.inspection.inspection import inspect
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.cluster import ClusterAt
from tests.sources.kubernetes.roles import bind


def look(
    cluster: ClusterAt, context: str, sandbox: Namespace, actions: dict[str, Any], **more: Any
) -> list[Finding]:
    """What is said of the cluster and of the actions of one service."""
    named = {
        "kubeconfig": str(cluster.kubeconfig),
        "context": context,
        "namespaces": sandbox.name,
        **more,
    }
    services = {"web": {"health": None, "kubernetes": "deployment/web", "actions": actions}}
    settings = Settings.model_validate(
        {"docker": [], "host": {"enabled": False}, "kubernetes": named, "services": services}
    )
    return list(inspect(settings, base=Path(), clock=SystemClock(), environ={}))


ACTIONS = {
    "restart": {"kubernetes": "deployment/web"},
    "degrade": {"kubernetes": {"config_map": "flags", "set": {"costly": "off"}}},
    "call": {
        "drain": {"kubernetes": {"node": "node-1", "do": "drain"}},
        "free": {"kubernetes": {"workload": "statefulset/db", "do": "delete-stuck-pod"}},
    },
}


def test_who_may_all_has_nothing_to_mend(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web")
    assert look(kubernetes_cluster, "admin", cluster_sandbox, ACTIONS) == []


def test_every_right_that_is_missing_is_named_where_it_is_needed(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web")
    bind(cluster_sandbox, "opsconsole-look")
    found = look(kubernetes_cluster, "nobody", cluster_sandbox, ACTIONS)
    at = {each.path[2:]: each.message for each in found if each.path[0] == "services"}
    space = cluster_sandbox.name
    assert at["actions", "restart", "kubernetes"].endswith(
        f"may not patch deployments 'web' in namespace {space}"
    )
    assert "patch configmaps 'flags'" in at["actions", "degrade", "kubernetes"]
    assert "delete pods" in at["actions", "call", "free", "kubernetes"]
    assert ("actions", "call", "drain", "kubernetes") in at
    cluster = [each for each in found if each.path[0] == "kubernetes"]
    assert [(each.weight, each.message) for each in cluster] == [
        (Weight.NOTE, "this user may not watch nodes: they stay unknown")
    ]


def test_who_may_not_look_is_warned(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    found = look(kubernetes_cluster, "nobody", cluster_sandbox, {})
    [pods] = [each for each in found if "deployments" in each.message]
    assert pods.weight is Weight.WARNING
    assert f"in namespace {cluster_sandbox.name}" in pods.message


def test_a_context_that_is_not_there_is_an_error(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    found = look(kubernetes_cluster, "no-such-context", cluster_sandbox, {})
    [error] = [each for each in found if each.path == ("kubernetes", 0)]
    assert error.weight is Weight.ERROR
    assert "no-such-context" in error.message
