"""The nodes of clusters that a service is about, as its copies.

Invariant: only of a service that nothing else is known of; a node is down where its cluster says
so, and unknown where the cluster has not answered or does not show its nodes.
"""

from opsconsole.engine.judge.service import Judgement, judge_node
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.engine.records.replica_book import UNREAD
from opsconsole.model.running.workloads import EngineView
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State

_WHAT = "nodes"


def node_views(
    record: ServiceRecord, clusters: tuple[EngineView, ...], now: float
) -> tuple[InstanceView, ...]:
    """Each node of ``record``, as ``clusters`` have it."""
    known = {each.inventory.place.name: each for each in clusters}
    return tuple(_view(record, known.get(place), place, node, now) for place, node in record.nodes)


def _view(
    record: ServiceRecord, cluster: EngineView | None, place: str, name: str, now: float
) -> InstanceView:
    judgement = _judged(cluster, place, name, now)
    return InstanceView(
        service=record.name,
        name=name,
        url="",
        state=judgement.state,
        since=record.since,
        taken_at=cluster.taken_at if cluster is not None else None,
        stale=cluster is not None and cluster.stale(now),
        reason=judgement.reason,
        origin=record.config.origin,
    )


def _judged(cluster: EngineView | None, place: str, name: str, now: float) -> Judgement:
    if cluster is None or cluster.stale(now):
        return Judgement(State.UNKNOWN, f"{place} {UNREAD}")
    for each in cluster.inventory.nodes:
        if each.name == name:
            return judge_node(each)
    for unread in cluster.inventory.unread:
        if unread.what == _WHAT:
            said = f"{place} does not show its nodes: {unread.fault.kind}"
            return Judgement(State.UNKNOWN, said)
    return Judgement(State.DOWN, f"{place} has no node {name}")
