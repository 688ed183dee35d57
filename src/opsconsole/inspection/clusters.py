"""Whether each cluster answers, and lets this user look, and make the changes that are declared.

Invariant: nothing is changed; rights are asked for by access reviews. A right that could not be
asked for is a note, never a missing one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.kubernetes import KubernetesAction, KubernetesCluster
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.config.types import Model
from opsconsole.inspection.cluster_objects import check_objects
from opsconsole.inspection.finding import Finding, Weight, listed, of_fault, shown
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.sources.kubernetes.proxied import VERBS
from opsconsole.threads import BoundedExecutor, fault_of

_LOOKS: Final = (
    ("deployments", "apps"),
    ("statefulsets", "apps"),
    ("daemonsets", "apps"),
    ("replicasets", "apps"),
    ("controllerrevisions", "apps"),
    ("pods", ""),
    ("events", ""),
    ("horizontalpodautoscalers", "autoscaling"),
    ("poddisruptionbudgets", "policy"),
)
"""What is watched of each namespace, and its group."""

_AT_ONCE: Final = 8
_ROLES: Final = "see docs/kubernetes.md for the roles that it takes"


async def check_cluster(
    path: KeyPath,
    cluster: KubernetesCluster,
    settings: Settings,
    base: Path,
    environ: Mapping[str, str],
) -> list[Finding]:
    """What is wrong with one cluster, as this user sees it."""
    disk = BoundedExecutor("kubeconfig", 1)
    try:
        read = partial(access_of, cluster, environ, base=base)
        access = await disk.run(read, deadline=cluster.timeout)
    except ClusterError as error:
        return [of_fault(path, error.fault, Weight.ERROR)]
    except TimeoutError as error:
        where = "its kubeconfig"
        return [of_fault(path, fault_of(error, where, cluster.timeout), Weight.ERROR)]
    finally:
        disk.close()
    found = [Finding(path, Weight.NOTE, note) for note in access.notes]
    client = ClusterClient(access, timeout=cluster.timeout)
    try:
        await client.get("/version")
        turns = asyncio.Semaphore(_AT_ONCE)
        found += await _looks(path, cluster, client, turns)
        actions = list(_at(cluster, settings))
        found += await check_objects(path, cluster, actions, client, turns)
        found += await _rights(cluster, settings, actions, client, turns)
    except ClusterError as error:
        what = f"context {shown(access.context)}" if access.context else ""
        found.append(of_fault(path, error.fault, Weight.ERROR, what))
    finally:
        await client.close()
    return found


async def _looks(
    path: KeyPath, cluster: KubernetesCluster, client: ClusterClient, turns: asyncio.Semaphore
) -> list[Finding]:
    """What this user may not watch."""
    rights = [
        Right("watch", resource, group, namespace)
        for namespace in cluster.namespaces or ("",)
        for resource, group in _LOOKS
    ]
    rights.append(Right("watch", "nodes"))
    answers = await asyncio.gather(*(_asked(client, each, turns) for each in rights))
    denied = [each for each, may in zip(rights, answers, strict=True) if may is False]
    unasked = sum(may is None for may in answers)
    found = []
    for namespace in dict.fromkeys(each.namespace for each in denied):
        kinds = [each.resource for each in denied if each.namespace == namespace]
        where = f"in namespace {namespace}" if namespace else "in all namespaces"
        needed = {"pods", "deployments", "statefulsets", "daemonsets"} & set(kinds)
        weight = Weight.WARNING if needed else Weight.NOTE
        what = "nodes" if kinds == ["nodes"] else f"{listed(kinds)} {where}"
        message = f"this user may not watch {what}: they stay unknown"
        found.append(Finding(path, weight, message, _ROLES))
    if unasked:
        message = f"{unasked} rights could not be asked for"
        found.append(Finding(path, Weight.NOTE, message))
    return found


def _at(
    cluster: KubernetesCluster, settings: Settings
) -> Iterator[tuple[KeyPath, KubernetesAction]]:
    """The declared actions at ``cluster``, and where they are written."""
    for name, service in settings.services.items():
        for where, action in _actions(("services", name, "actions"), service.actions):
            if settings.cluster_of(action) is cluster:
                yield where, action


async def _rights(
    cluster: KubernetesCluster,
    settings: Settings,
    actions: list[tuple[KeyPath, KubernetesAction]],
    client: ClusterClient,
    turns: asyncio.Semaphore,
) -> list[Finding]:
    """What is declared and the cluster would refuse to this user, with what to add to a role."""
    wanted = [(where, right) for where, each in actions for right in rights_of(each, cluster)]
    for name, service in settings.services.items():
        wanted += rights_at_pods(("services", name), service, settings, cluster)
    rights = list(dict.fromkeys(right for _, right in wanted))
    answers = await asyncio.gather(*(_asked(client, each, turns) for each in rights))
    may = dict(zip(rights, answers, strict=True))
    denied: dict[KeyPath, list[Right]] = {}
    for where, right in wanted:
        if may[right] is False:
            denied.setdefault(where, []).append(right)
    return [
        Finding(
            where,
            Weight.WARNING,
            f"the cluster would refuse it: {'; '.join(map(_missing, each))}",
            f"add to {_role(each)}: {' '.join(map(rule_for, each))}",
        )
        for where, each in denied.items()
    ]


def rights_at_pods(
    path: KeyPath, service: Service, settings: Settings, cluster: KubernetesCluster
) -> Iterator[tuple[KeyPath, Right]]:
    """What asking and calling the pods of ``service`` in ``cluster`` takes, and where it stands."""
    mine = [each for each in service.kubernetes if settings.cluster_of(each) is cluster]
    spaces = dict.fromkeys(each.namespace_in(cluster) for each in mine)
    if service.health is not None and service.health.through == "proxy":
        for space in spaces:
            yield (*path, "health", "through"), Right("get", "pods", "", space, "", "proxy")
    for kind, named in (("test", service.actions.test), ("call", service.actions.call)):
        for name, action in named.items():
            if action.http is None or action.http.through != "proxy":
                continue
            for space in spaces:
                right = Right(VERBS[action.http.method], "pods", "", space, "", "proxy")
                yield (*path, "actions", kind, name, "http", "through"), right


def rule_for(right: Right) -> str:
    """The rule of a role that gives ``right``, as it is written in one line."""
    what = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
    group = right.group or '""'
    return f"- {{apiGroups: [{group}], resources: [{what}], verbs: [{right.verb}]}}"


def _role(rights: list[Right]) -> str:
    spaces = {each.namespace for each in rights}
    (space,) = spaces if len(spaces) == 1 else {""}
    return f"a Role of namespace {space}" if space else "a ClusterRole"


def rights_of(action: KubernetesAction, cluster: KubernetesCluster) -> tuple[Right, ...]:
    """What ``action`` takes."""
    space = action.namespace_in(cluster)
    if action.node is not None:
        cordon = Right("get", "nodes", name=action.node), Right("patch", "nodes", name=action.node)
        evict = Right("create", "pods", subresource="eviction")
        return (*cordon, evict) if action.do == "drain" else cordon
    if action.config_map is not None:
        return tuple(
            Right(verb, "configmaps", "", space, action.config_map) for verb in ("get", "patch")
        )
    if action.do == "delete-stuck-pod":
        return (Right("delete", "pods", "", space),)
    kind, _, name = (action.workload or "").partition("/")
    return (Right("patch", f"{kind}s", "apps", space, name),)


async def _asked(client: ClusterClient, right: Right, turns: asyncio.Semaphore) -> bool | None:
    async with turns:
        return await client.review(right)


def _missing(right: Right) -> str:
    what = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
    named = f" {right.name!r}" if right.name else ""
    where = f" in namespace {right.namespace}" if right.namespace else ""
    return f"this user may not {right.verb} {what}{named}{where}"


def _actions(
    path: KeyPath, part: Model | Mapping[str, Model]
) -> Iterator[tuple[KeyPath, KubernetesAction]]:
    """Every action at a cluster, and those within actions."""
    for name, value in part.items() if isinstance(part, Mapping) else part:
        if isinstance(value, KubernetesAction):
            yield (*path, name), value
        elif isinstance(value, (Model, Mapping)):
            yield from _actions((*path, name), value)
