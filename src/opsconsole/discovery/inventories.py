"""What a place says it runs, as services, by what kind of place it is. Pure."""

from opsconsole.config.settings import Settings
from opsconsole.discovery import docker, kubernetes, systemd
from opsconsole.discovery.finding import Finding
from opsconsole.model.running.workloads import Inventory, PlaceKind


def read(declared: Settings, inventory: Inventory, now: float | None) -> tuple[Finding, ...]:
    """The services of ``inventory`` that ``declared`` wants found, by name.

    ``now`` is by the clock of the replicas' times; None where these are not known.
    """
    if inventory.place.kind is PlaceKind.HOST:
        return systemd.read(declared, inventory)
    if inventory.place.kind is PlaceKind.CLUSTER:
        return kubernetes.read(declared, inventory)
    return docker.read(declared, inventory, now)
