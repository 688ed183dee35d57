"""What records are judged by: probes, copies and workloads. Pure.

Invariant: what an engine said too long ago is no ground for a judgement.
"""

from opsconsole.engine.judge.health import NOT_LOOKED
from opsconsole.engine.judge.service import (
    Judgement,
    judge_instance,
    judge_service,
    judge_workload,
)
from opsconsole.engine.records.fleet import InstanceRecord, ServiceRecord
from opsconsole.engine.records.replica_book import ReplicaBook
from opsconsole.engine.state.views import judgement_of, replica_instances
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State


def of_probes(instance: InstanceRecord) -> Judgement:
    """What the probes of an instance say together."""
    return judge_instance([(each.kind, each.judged) for each in instance.probes])


def of_instance(instance: InstanceRecord, replicas: ReplicaBook) -> Judgement:
    """What is known of an instance, or of a pod that is asked itself."""
    if instance.pod:
        return of_pod(instance)
    if instance.runs_as and not instance.probes:
        return of_replicas(instance, replicas)
    return not_better_than_what_runs(of_probes(instance), instance)


def of_pod(instance: InstanceRecord) -> Judgement:
    """What the probes of a pod say; where its cluster calls it other than well, that."""
    copies = instance.service.copies
    if copies is not None:
        for each in instance.replicas:
            said = judgement_of(copies, each)
            if said.state is not State.OK:
                return said
    return of_probes(instance)


def of_replicas(instance: InstanceRecord, replicas: ReplicaBook) -> Judgement:
    """What engines say of an instance that nothing else looks at."""
    copies = instance.service.copies
    if copies is None:
        return Judgement(State.UNKNOWN, NOT_LOOKED)
    if not instance.replicas:
        wanted = (instance.runs_as, instance.engine)
        return replicas.lack(wanted, meant=instance.service.meant).judgement
    return max(
        (judgement_of(copies, each) for each in instance.replicas),
        key=lambda judgement: judgement.state.urgency,
    )


def not_better_than_what_runs(judgement: Judgement, instance: InstanceRecord) -> Judgement:
    """``judgement``, unless it is ok while what runs ends again and again, or its engine calls it
    ill."""
    if judgement.state is not State.OK:
        return judgement
    copies = instance.service.copies
    for each in instance.replicas:
        if each.loop:
            said = f"restarts in a loop, {each.loop} times so far"
        elif each.runs and each.state is State.DOWN and copies and not copies.is_stale(each.place):
            said = each.detail
        else:
            continue
        called = f"{each.kind} {each.name} {said}"
        return Judgement(State.DEGRADED, called, judgement.flapping)
    return judgement


def of_service(
    record: ServiceRecord, targets: tuple[InstanceView, ...]
) -> tuple[tuple[InstanceView, ...], Judgement]:
    """The copies of a service and what they say together; ``targets`` are those of its job, or
    its nodes."""
    others = beside(record)
    if not record.instances and not record.wanted:
        if record.nodes:
            # That a node is cordoned is to be seen although it is well.
            others = [Judgement(each.state, each.reason) for each in targets]
        return targets, judge_service(targets, others)
    views = tuple(each.view for each in record.instances if each.view is not None)
    views = views if record.instances else replica_instances(record)
    # Its targets are the same copies once more, seen from elsewhere.
    others += [Judgement(each.state, each.reason) for each in targets]
    return views, judge_service(views, others)


def beside(record: ServiceRecord) -> list[Judgement]:
    """What engines report of the service beyond its instances."""
    copies = record.copies
    if copies is None:
        return []
    found = [judge_workload(each) for each in copies.workloads if not copies.is_stale(each.place)]
    found += [each.judgement for each in copies.lacking if each.ambiguous]
    if record.instances:
        # If one instance has several replicas, any of them may be failing behind its address.
        alone = [each.replicas[0].id for each in record.instances if len(each.replicas) == 1]
        others = [each for each in copies.replicas if each.id not in alone]
        found += [judgement_of(copies, each) for each in others if not copies.is_stale(each.place)]
    return found
