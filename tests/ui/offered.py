"""What a tray holds: two services, a job and a server; without a configuration two servers."""

from opsconsole.config.effective import FoundService
from opsconsole.config.offers import Offer, ServerAround
from opsconsole.config.services import Service
from opsconsole.model.running.workloads import Port
from opsconsole.model.source_id import SourceId, SourceKind
from tests.workloads import replica

DOCKER = SourceId(SourceKind.DOCKER, "docker")
PROMETHEUS = SourceId(SourceKind.PROMETHEUS, "prometheus")


def _container(project: str, name: str, port: int) -> Offer:
    reference = f"{project}/{name}"
    target = {"containers": [reference], "engine": "docker"}
    document = {
        "containers": [reference], "engine": "docker", "group": project,
        "logs": [{"docker": f"{project}-{name}-1", "engine": "docker"}],
        "actions": {"restart": {"docker": target},
                    "rollback": {"docker": {**target, "image": "previous"}}},
    }  # fmt: skip
    found = FoundService(
        f"{project}-{name}", Service.model_validate(document), DOCKER,
        f"service {name} of Compose project {project}",
    )  # fmt: skip
    copies = (replica(f"{project}-{name}-1", ports=(Port(8000, port),)),)
    return Offer(f"docker docker {found.name}", found, "docker", copies)


def _job(name: str) -> Offer:
    document = {"job": name, "labels": {"job": name}, "prometheus": "prometheus"}
    found = FoundService(
        name, Service.model_validate(document), PROMETHEUS, f"job {name} of prometheus"
    )
    return Offer(f"prometheus prometheus {name}", found, "prometheus")


def _server(kind: SourceKind, port: int) -> Offer:
    url = f"http://127.0.0.1:{port}"
    around = ServerAround(kind, url, f"answers at its usual port {port}")
    return Offer(f"{kind} {url}", around, "this host")


SERVERS = (_server(SourceKind.PROMETHEUS, 9090), _server(SourceKind.ALERTMANAGER, 9093))
OFFERS = (_container("blog", "web", 8080), _container("blog", "worker", 8081), _job("node"),
          SERVERS[1])  # fmt: skip


class FoundThings:
    """A finder that always finds the same, and takes nothing over."""

    def __init__(self, offers: tuple[Offer, ...], *, is_first: bool) -> None:
        self._offers = offers
        self.is_first = is_first

    def look(self) -> tuple[Offer, ...]:
        return self._offers

    def file_of(self, offer: Offer) -> str:
        folder = "~/.config/opsconsole"
        return f"{folder}/config.yaml" if self.is_first else f"opsconsole.found/{offer.name}.yaml"

    def take(self, offer: Offer) -> str:
        return f"{offer.name} is taken over"
