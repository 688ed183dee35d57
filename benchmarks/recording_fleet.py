"""A fleet to record: the real store and builder, on readings made up and a clock of its own."""

import json
import random
from dataclasses import dataclass

from opsconsole.config.settings import Settings
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.events import Event, EventCode
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.observations import Observation
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Disk, Host, Process
from opsconsole.model.running.workloads import Inventory, Phase, Place, PlaceKind, Replica
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State

START = 1_700_000_000.0
INTERVAL = 5.0
HOST_EVERY = 2.0
DOCKER, HOST = SourceId(SourceKind.DOCKER, "docker"), SourceId(SourceKind.HOST, "local")
PARTS = ("database", "cache", "llm", "queue")
MEMORY = 32 << 30


@dataclass(frozen=True, slots=True)
class Source:
    """A place that is read, as the store keeps account of it."""

    id: SourceId
    interval: float = INTERVAL
    endpoint: str = ""

    async def collect(self) -> Reading[Observation]:
        """Never asked: readings are made up."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is held."""


class RecordedFleet:
    """``tick`` passes some seconds and gives the snapshot; one container for each service."""

    def __init__(self, services: int) -> None:
        self._random = random.Random(services)
        self.now = START
        settings = Settings.model_validate(
            {
                "services": {
                    f"service-{number}": {
                        "instances": [f"http://10.0.0.{number}:8000"],
                        "containers": [f"container-{number}"],
                        "objectives": ["p95(latency) < 100ms", "availability 99.9% over 30d"],
                    }
                    for number in range(services)
                }
            }
        )
        self._store = Store(settings, self.now)
        self._store.watch([Source(DOCKER), Source(HOST, HOST_EVERY)], self.now)
        self._builder = SnapshotBuilder(settings, self._store, read_only=False)
        self._probes = [
            probe.id
            for record in self._store.services.values()
            for instance in record.instances
            for probe in instance.probes
        ]
        self._due = [START + INTERVAL * n / services for n in range(services)]
        self._host_due = self._docker_due = START

    def tick(self, seconds: float) -> Snapshot:
        """Read what became due, and publish."""
        self.now += seconds
        for number, key in enumerate(self._probes):
            if self._due[number] <= self.now:
                at = self._due[number] + self._random.random() / 10
                took = self._random.lognormvariate(-3.5, 0.5)
                self._store.apply(Reading(key, at, took, value=self._report(at)))
                self._due[number] += INTERVAL
        if self._host_due <= self.now:
            self._store.apply(Reading(HOST, self.now, 0.01, value=self._host()))
            self._host_due += HOST_EVERY
        if self._docker_due <= self.now:
            self._store.apply(Reading(DOCKER, self.now, 0.02, value=self._docker()))
            self._docker_due += INTERVAL
        if self._random.random() < seconds / 60:
            said = f"container-{self._random.randrange(10)} restarted"
            self._store.events.add(Event(self.now, EventCode.RESTART, said))
        self._store.settle(self.now)
        return self._builder.build(self.now, (), ())

    def _report(self, at: float) -> HealthReport:
        """A detailed health body of about a kilobyte, of which a third changes."""
        parts = {name: round(self._random.expovariate(200), 5) for name in PARTS}
        figures = {"uptime": round(at - START, 1), "requests": float(self._random.randrange(10**6))}
        body = {
            "status": "healthy",
            "version": "1.4.2",
            "environment": "production",
            "timestamp": at,
            **figures,
            "checks": {
                name: {"status": "ok", "message": "connection established", "latency": latency}
                for name, latency in parts.items()
            },
        }
        return HealthReport(
            State.OK,
            "checks",
            tuple(
                Component(name, State.OK, "connection established", latency)
                for name, latency in parts.items()
            ),
            "1.4.2",
            figures=figures,
            headers={"server": "uvicorn"},
            raw=json.dumps(body, indent=2),
            content_type="application/json",
        )

    def _docker(self) -> Inventory:
        place = Place(PlaceKind.ENGINE, "docker")
        return Inventory(
            place,
            "unix:///var/run/docker.sock",
            "26.1",
            tuple(
                Replica(
                    f"{number:064x}",
                    f"container-{number}",
                    "container",
                    place,
                    "running",
                    Phase.RUNNING,
                    State.OK,
                    image="registry.example/service:1.4.2",
                    image_id=f"sha256:{number:064x}",
                    health="healthy",
                    started_at=START,
                    labels={"com.docker.compose.project": "fleet"},
                    cpu=self._random.random(),
                    memory=self._random.randrange(MEMORY),
                    memory_limit=MEMORY,
                )
                for number in range(len(self._probes))
            ),
        )

    def _host(self) -> Host:
        cores = tuple(round(self._random.random(), 3) for _ in range(8))
        return Host(
            name="bastion",
            cpu=sum(cores) / len(cores),
            cores=cores,
            load=(1.5, 1.25, 1.0),
            memory_used=self._random.randrange(MEMORY),
            memory_total=MEMORY,
            swap_used=0,
            swap_total=0,
            disks=(Disk("/", 10**10, 10**11),),
            received=self._random.random() * 10**6,
            sent=self._random.random() * 10**6,
            uptime=self.now - START,
            processes=tuple(
                Process(number, f"process-{number}", self._random.random(), 10**8)
                for number in range(5)
            ),
            platform="Debian 12",
        )
