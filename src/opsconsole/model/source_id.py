"""Which place was read: its kind and its name.

Invariant: the kind is set where the source is made, and what a source is for is judged by its
kind alone. A name is free text of the configuration, and is for people.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass


class SourceKind(StrEnum):
    """What is read. ``unknown`` is of a recording whose writer did not say."""

    PROBE = "probe"
    SCRAPE = "scrape"
    HOST = "host"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    SYSTEMD = "systemd"
    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    BUDGETS = "budgets"
    LOCAL = "local"
    UNKNOWN = "unknown"

    @property
    def knows_alerts(self) -> bool:
        """Whether alerts may be missing while it is not read."""
        return self in _KNOW_ALERTS

    @property
    def shows_resources(self) -> bool:
        """Whether the use of processors, memory and disks may be missing while it is not read."""
        return self in _SHOW_RESOURCES

    @property
    def tells_replicas(self) -> bool:
        """Whether what runs may be missing while it is not read."""
        return self in _TELL_REPLICAS


_KNOW_ALERTS = frozenset({SourceKind.PROMETHEUS, SourceKind.ALERTMANAGER, SourceKind.UNKNOWN})
_TELL_REPLICAS = frozenset({SourceKind.DOCKER, SourceKind.KUBERNETES, SourceKind.SYSTEMD})
_ENGINES = {SourceKind.DOCKER, SourceKind.KUBERNETES}
_SHOW_RESOURCES = frozenset({SourceKind.HOST, *_ENGINES, SourceKind.UNKNOWN})


@dataclass(frozen=True, slots=True)
class SourceId:
    """Names one source for as long as the configuration has it; unique in one engine.

    ``name`` is the configured name; of a probe ``service/instance:kind``, of a scrape
    ``service/instance``. Without a name it stands for all of its kind together.
    """

    kind: SourceKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind.value

    @property
    def label(self) -> str:
        """What a person calls it."""
        if self.kind is SourceKind.BUDGETS:
            return f"{self.name} history"
        if self == THIS_HOST:
            return "host"
        if self.kind is SourceKind.SYSTEMD and self != UNITS_HERE:
            return f"units of {self.name}"
        return self.name or f"{self.kind}s"


THIS_HOST = SourceId(SourceKind.HOST, "local")
"""Reads the host that the console runs on."""

UNITS_HERE = SourceId(SourceKind.SYSTEMD, "this host")
"""Reads the systemd units of that host; what runs them has its name, which no engine can have."""

LOCAL = SourceId(SourceKind.LOCAL)
"""The source of alerts of rules that the console evaluates itself."""

NOBODY = SourceId(SourceKind.UNKNOWN)
