"""The pods of services that are asked themselves: they come and go from look to look.

Invariant: a pod is known by the id of its replica, so that one of the same name is another one and
begins without a past.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.engine.judge.health import Judged
from opsconsole.engine.records.fleet import InstanceRecord, PodTerms, ProbeRecord, ServiceRecord
from opsconsole.model.observations import Observation, PodLook, PodsSeen
from opsconsole.model.reading import Reading
from opsconsole.model.source_id import SourceId

Index = dict[SourceId, tuple[InstanceRecord, ProbeRecord]]

_NOTHING: Final[tuple[None, tuple[Reading[Observation], ...]]] = (None, ())


class PodBook:
    """Which readings are of the pods of which of ``services``."""

    def __init__(self, services: Iterable[ServiceRecord]) -> None:
        self._asked = {
            source: (record, record.pod_terms)
            for record in services
            if record.pod_terms is not None
            for source in record.pod_terms.sources
        }

    def take(
        self, reading: Reading[Observation], index: Index
    ) -> tuple[ServiceRecord | None, tuple[Reading[Observation], ...]]:
        """The service whose pods ``reading`` is of, and a reading for each of their probes.

        ``index`` has afterwards the probes of the pods that there are. Those that were not looked
        at have gone; where none could be asked they are as they were.
        """
        found = self._asked.get(reading.source)
        if found is None:
            return _NOTHING
        record, terms = found
        cluster = reading.source.name.rpartition("/")[2]
        seen = reading.value
        if not isinstance(seen, PodsSeen):
            if reading.fault is not None:
                record.unasked[cluster] = reading.fault
            return record, ()
        record.unasked.pop(cluster, None)
        there = {each.pod for each in seen.looks}
        for gone in [each for each in record.pods.values() if each.engine == cluster]:
            if gone.pod not in there:
                del record.pods[gone.pod]
                for probe in gone.probes:
                    index.pop(probe.id, None)
        for look in seen.looks:
            instance, probe = _of(record, terms, cluster, look, reading.taken_at)
            index[probe.id] = instance, probe
        return record, tuple(each.reading for each in seen.looks)


def _of(
    record: ServiceRecord, terms: PodTerms, cluster: str, look: PodLook, now: float
) -> tuple[InstanceRecord, ProbeRecord]:
    """The pod and the probe that ``look`` is of; made where they are new."""
    instance = record.pods.get(look.pod)
    if instance is None:
        instance = InstanceRecord(record, look.name, look.url, look.name, cluster, since=now)
        instance.pod, instance.origin = look.pod, record.config.origin
        instance.replicas = tuple(each for each in record.replicas if each.id == look.pod)
        record.pods[look.pod] = instance
    for probe in instance.probes:
        if probe.id == look.reading.source:
            return instance, probe
    made = ProbeRecord(
        id=look.reading.source,
        kind=look.kind,
        url=look.url,
        interval=terms.interval,
        timeout=terms.timeout,
        limits=terms.limits,
        primary=look.primary,
        judged=Judged(since=now),
    )
    instance.probes.append(made)
    return instance, made
