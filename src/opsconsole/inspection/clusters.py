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
from opsconsole.config.settings import Settings
from opsconsole.config.types import Model
from opsconsole.inspection.finding import Finding, Weight, listed, of_fault, shown
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.rights import Right
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
        found += await _changes(cluster, settings, client, turns)
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


async def _changes(
    cluster: KubernetesCluster, settings: Settings, client: ClusterClient, turns: asyncio.Semaphore
) -> list[Finding]:
    """Declared actions that the cluster would refuse to this user."""
    wanted = [
        (where, right)
        for name, service in settings.services.items()
        for where, action in _actions(("services", name, "actions"), service.actions)
        if settings.cluster_of(action) is cluster
        for right in rights_of(action, cluster)
    ]
    rights = list(dict.fromkeys(right for _, right in wanted))
    answers = await asyncio.gather(*(_asked(client, each, turns) for each in rights))
    may = dict(zip(rights, answers, strict=True))
    return [
        Finding(where, Weight.WARNING, f"the cluster would refuse it: {_missing(right)}", _ROLES)
        for where, right in wanted
        if may[right] is False
    ]


def rights_of(action: KubernetesAction, cluster: KubernetesCluster) -> tuple[Right, ...]:
    """What ``action`` takes."""
    space = action.namespace_in(cluster)
    if action.node is not None:
        cordon = Right("patch", "nodes", name=action.node)
        evict = Right("create", "pods", subresource="eviction")
        return (cordon, evict) if action.do == "drain" else (cordon,)
    if action.config_map is not None:
        return (Right("patch", "configmaps", "", space, action.config_map),)
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
