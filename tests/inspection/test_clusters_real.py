"""What `check` says of a real cluster: reached, rights to look, rights that actions take."""

from pathlib import Path
from typing import Any

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.inspection.inspection import inspect
from tests.servers.kubernetes.api import Namespace, template
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
    there(cluster_sandbox)
    assert look(kubernetes_cluster, "admin", cluster_sandbox, ACTIONS) == []


def there(sandbox: Namespace) -> None:
    """What the actions name, and nothing that runs."""
    sandbox.deploy("web", replicas=0)
    sandbox.create("ConfigMap", "flags", {}, data={"costly": "on"})
    spec = {
        "replicas": 0,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": template("db"),
    }
    sandbox.create("StatefulSet", "db", spec)


def test_what_actions_name_and_is_not_there_is_said_where_it_is_named(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    there(cluster_sandbox)
    actions = {
        "restart": {"kubernetes": "deployment/webb"},
        "scale": {"kubernetes": {"workload": "deployment/web", "namespace": "nowhere-at-all"}},
        "degrade": {"kubernetes": {"config_map": "flag", "set": {"costly": "off"}}},
        "call": {"drain": {"kubernetes": {"node": "node-7", "do": "drain"}}},
    }
    found = look(kubernetes_cluster, "admin", cluster_sandbox, actions)
    space = cluster_sandbox.name
    assert {each.path[3:]: (each.message, each.remedy) for each in found} == {
        ("restart", "kubernetes", "workload"): (
            f"there is no deployment/webb in namespace {space}",
            "did you mean 'web'?",
        ),
        ("scale", "kubernetes", "workload"): (
            "there is no deployment/web in namespace nowhere-at-all",
            "",
        ),
        ("degrade", "kubernetes", "config_map"): (
            f"there is no ConfigMap flag in namespace {space}",
            "did you mean 'flags'?",
        ),
        ("call", "drain", "kubernetes", "node"): (
            "there is no node node-7",
            "did you mean 'node-1'?",
        ),
    }
    assert {each.weight for each in found} == {Weight.WARNING}
    (gone,) = [
        each
        for each in look(kubernetes_cluster, "admin", cluster_sandbox, {}, namespaces="nowhere")
        if each.path == ("kubernetes", 0, "namespaces", 0)
    ]
    assert gone.message == "there is no namespace nowhere"


def test_every_right_that_is_missing_is_named_where_it_is_needed(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    there(cluster_sandbox)
    bind(cluster_sandbox, "opsconsole-look")
    found = look(kubernetes_cluster, "nobody", cluster_sandbox, ACTIONS)
    mine = [each for each in found if each.path[0] == "services"]
    at = {each.path[2:]: each.message for each in mine if each.weight is Weight.WARNING}
    add = {each.path[2:]: each.remedy for each in mine if each.weight is Weight.WARNING}
    space = cluster_sandbox.name
    assert at["actions", "restart", "kubernetes"].endswith(
        f"may not patch deployments 'web' in namespace {space}"
    )
    assert "patch configmaps 'flags'" in at["actions", "degrade", "kubernetes"]
    assert "delete pods" in at["actions", "call", "free", "kubernetes"]
    assert add["actions", "restart", "kubernetes"] == (
        f"add to a Role of namespace {space}: "
        "- {apiGroups: [apps], resources: [deployments], verbs: [patch]}"
    )
    assert add["actions", "call", "drain", "kubernetes"] == (
        'add to a ClusterRole: - {apiGroups: [""], resources: [nodes], verbs: [get]} '
        '- {apiGroups: [""], resources: [nodes], verbs: [patch]} '
        '- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}'
    )
    notes = [each.message for each in mine if each.weight is Weight.NOTE]
    assert any("whether there is ConfigMap flags" in each for each in notes)
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
