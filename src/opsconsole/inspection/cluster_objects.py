"""Whether what actions name in a cluster is there: workloads, ConfigMaps, nodes, namespaces.

Invariant: nothing is changed. What may not be looked at is a note, never a thing that is missing.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.kubernetes import KubernetesAction, KubernetesCluster
from opsconsole.dataclass import dataclass
from opsconsole.inspection.finding import Finding, Weight, listed, nearest
from opsconsole.model.fault import FaultKind
from opsconsole.sources.json_fields import mapping, text
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError

_NAMESPACES: Final = "/api/v1/namespaces"
_LONGEST: Final = 253
_NAMES: Final = 200


@dataclass(frozen=True, slots=True)
class _Named:
    """One object: ``said`` as a person calls it, ``within`` the path of all of its kind there."""

    path: KeyPath
    said: str
    within: str
    name: str


async def check_objects(
    path: KeyPath,
    cluster: KubernetesCluster,
    actions: list[tuple[KeyPath, KubernetesAction]],
    client: ClusterClient,
    turns: asyncio.Semaphore,
) -> list[Finding]:
    """What ``cluster`` and ``actions`` at it name, and is not there."""
    named = [
        _Named((*path, "namespaces", index), f"namespace {each}", _NAMESPACES, each)
        for index, each in enumerate(cluster.namespaces)
    ]
    for where, action in actions:
        named += _of(where, action, cluster)
    # The same object is asked for once, and named where it stands first.
    asked: dict[tuple[str, str], _Named] = {}
    for one in named:
        asked.setdefault((one.within, one.name), one)

    async def look(each: _Named) -> Finding | None:
        async with turns:
            return await _missing(client, each)

    found = await asyncio.gather(*(look(each) for each in asked.values()))
    return [each for each in found if each is not None]


def _of(path: KeyPath, action: KubernetesAction, cluster: KubernetesCluster) -> Iterator[_Named]:
    space = action.namespace_in(cluster)
    if action.node is not None:
        yield _Named((*path, "node"), f"node {action.node}", "/api/v1/nodes", action.node)
    if action.config_map is not None:
        within = f"/api/v1/namespaces/{space}/configmaps"
        said = f"ConfigMap {action.config_map} in namespace {space}"
        yield _Named((*path, "config_map"), said, within, action.config_map)
    if action.workload is not None:
        kind, _, name = action.workload.partition("/")
        within = f"/apis/apps/v1/namespaces/{space}/{kind}s"
        yield _Named((*path, "workload"), f"{action.workload} in namespace {space}", within, name)


async def _missing(client: ClusterClient, named: _Named) -> Finding | None:
    try:
        await client.get(f"{named.within}/{named.name}")
    except ClusterError as error:
        if error.fault.kind is not FaultKind.ABSENT:
            if named.within == _NAMESPACES:
                # Few may see it, and what is in it shows as much.
                return None
            message = f"whether there is {named.said} could not be seen: {error.fault.kind}"
            return Finding(named.path, Weight.NOTE, message)
        known = await _names(client, named.within)
        near = nearest(named.name, known)
        remedy = f"did you mean {near!r}?" if near else ""
        if not remedy and known:
            remedy = f"there is {listed(known)}"
        return Finding(named.path, Weight.WARNING, f"there is no {named.said}", remedy)
    return None


async def _names(client: ClusterClient, within: str) -> list[str]:
    """What there is instead, as far as it may be seen."""
    try:
        page = await client.get(within, {"limit": str(_NAMES)})
    except ClusterError:
        return []
    items = page.get("items")
    found = [
        text(mapping(mapping(each).get("metadata")).get("name"), _LONGEST)
        for each in (items if isinstance(items, list) else ())
    ]
    return [each for each in found if each]
