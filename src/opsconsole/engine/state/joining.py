"""Which of what engines report is a service's, and which an instance's.

Invariant: where an engine has not answered recently, no instance is said to have ended.
"""

from collections.abc import Iterable

from opsconsole.engine.judge.service import NOT_RUNNING
from opsconsole.engine.records.fleet import InstanceRecord, ServiceRecord
from opsconsole.engine.records.replica_book import Copies, ReplicaBook


def join(record: ServiceRecord, replicas: ReplicaBook) -> list[InstanceRecord] | None:
    """Give ``record`` what engines report of it. Returns its instances that this may concern.

    None where it changes nothing.
    """
    if not (record.wanted and replicas.answered):
        return _part(record)
    copies = replicas.copies(record.wanted, meant=record.meant)
    if copies == record.copies:
        return None
    record.copies = copies
    concerned = [each for each in record.instances if each.runs_as]
    for instance in concerned:
        found = replicas.find((instance.runs_as, instance.engine)).replicas
        instance.replicas = found
        if any(copies.is_stale(each.place) for each in found):
            instance.ended = False
        elif found:
            # A removed replica stays as it was last seen.
            instance.ended = all(each.phase in NOT_RUNNING for each in found)
    return [*concerned, *_pods(record, copies)]


def _pods(record: ServiceRecord, copies: Copies) -> Iterable[InstanceRecord]:
    """Give the pods that are asked what their cluster says of them."""
    if record.pods:
        known = {each.id: each for each in copies.replicas}
        for instance in record.pods.values():
            found = known.get(instance.pod)
            instance.replicas = () if found is None else (found,)
    return record.pods.values()


def _part(record: ServiceRecord) -> list[InstanceRecord] | None:
    """No source reports any more what runs of it."""
    if record.copies is None:
        return None
    record.copies = None
    for instance in record.instances:
        instance.replicas, instance.ended = (), False
    return record.instances
