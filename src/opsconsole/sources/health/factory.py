"""Which probes settings ask for, written down once for everyone who looks.

Invariant: the panels, ``check`` and the verification of an operation look with equal ``Asked``
values, so that none of them can see another health than the rest. Nothing of HTTP is imported.
"""

from collections.abc import Iterator
from typing import Literal

from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Health, Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.model.health import ProbeKind
from opsconsole.model.source_id import SourceId, SourceKind


@dataclass(frozen=True, slots=True)
class Asked:
    """All that decides what one probe of one instance sees.

    ``instance`` is its name, ``number`` its place in the configuration. ``primary`` is the probe
    whose latency and errors are counted. ``interval`` and ``timeout`` are in seconds.
    """

    id: SourceId
    instance: str
    number: int
    kind: ProbeKind
    primary: bool
    url: str
    health: Health
    http: HttpConfig
    interval: float
    timeout: float


@dataclass(frozen=True, slots=True)
class PodsAsked:
    """All that decides what the probes of a service's pods in one cluster see.

    ``workloads`` are full names; ``port`` None is the first that a pod declares.
    """

    id: SourceId
    service: str
    cluster: str
    workloads: tuple[str, ...]
    through: Literal["pods", "proxy"]
    port: int | None
    healths: tuple[tuple[ProbeKind, Health], ...]
    http: HttpConfig
    interval: float
    timeout: float


def pods_of(settings: Settings, name: str) -> Iterator[PodsAsked]:
    """The clusters in which the pods of the service ``name`` are to be asked."""
    service = settings.services[name]
    health = service.health
    if health is None or health.through is None or service.instances:
        return
    workloads: dict[str, list[str]] = {}
    for target in service.kubernetes:
        cluster = settings.cluster_of(target)
        if cluster is not None and cluster.enabled:
            workloads.setdefault(cluster.name, []).append(target.full_name(cluster))
    for cluster_name, wanted in workloads.items():
        yield PodsAsked(
            id=SourceId(SourceKind.PROBE, f"{name}/{cluster_name}"),
            service=name,
            cluster=cluster_name,
            workloads=tuple(wanted),
            through=health.through,
            port=health.port,
            healths=tuple(_healths(service)),
            http=service.http,
            interval=interval_of(settings, service),
            timeout=timeout_of(settings, service),
        )


def probe_of_pod(asked: PodsAsked, kind: ProbeKind, health: Health, pod: str, base: str) -> Asked:
    """One probe of the pod called ``pod``, whose server is at ``base``."""
    return Asked(
        id=probe_id(asked.service, pod, kind),
        instance=pod,
        number=0,
        kind=kind,
        primary=kind is asked.healths[0][0],
        url=join_url(base, health.path),
        health=health,
        http=asked.http,
        interval=asked.interval,
        timeout=asked.timeout,
    )


def probes_of(settings: Settings, name: str) -> Iterator[Asked]:
    """The probes of every instance of the service ``name``, of each the primary one first."""
    service = settings.services[name]
    names = settings.instance_names(name)
    for number, (called, instance) in enumerate(zip(names, service.instances, strict=True)):
        for order, (kind, health) in enumerate(_healths(service)):
            yield Asked(
                id=probe_id(name, called, kind),
                instance=called,
                number=number,
                kind=kind,
                primary=order == 0,
                url=join_url(instance.url, health.path),
                health=health,
                http=service.http,
                interval=interval_of(settings, service),
                timeout=timeout_of(settings, service),
            )


def _healths(service: Service) -> Iterator[tuple[ProbeKind, Health]]:
    if service.health is not None:
        yield ProbeKind.HEALTH, service.health
    for kind, path in (
        (ProbeKind.LIVE, service.probes.live),
        (ProbeKind.READY, service.probes.ready),
        (ProbeKind.STARTUP, service.probes.startup),
    ):
        if path is not None:
            yield kind, Health(path=path)


def probe_id(service: str, instance: str, kind: ProbeKind) -> SourceId:
    """The id of one probe of one instance; names hold neither slash nor colon."""
    return SourceId(SourceKind.PROBE, f"{service}/{instance}:{kind}")


def join_url(base: str, path: str) -> str:
    """``path`` taken at an instance's URL, which may have a path of its own."""
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def interval_of(settings: Settings, service: Service) -> float:
    """Seconds between looks at ``service``."""
    return service.interval or settings.defaults.interval


def timeout_of(settings: Settings, service: Service) -> float:
    """Seconds that a look at ``service`` may take."""
    return service.timeout or settings.defaults.timeout
