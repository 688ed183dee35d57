"""Which probes settings ask for, written down once for everyone who looks.

Invariant: the panels, ``check`` and the verification of an operation look with equal ``Asked``
values, so that none of them can see another health than the rest. Nothing of HTTP is imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Health, Service
from opsconsole.config.settings import Settings
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
