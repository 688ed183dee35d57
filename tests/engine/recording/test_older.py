"""A recording that an older console wrote is read, and shows what that console showed.

``data/recording-before-workloads.db`` was written by the last version that told of one host and of
one Docker Engine: half a minute in which a container was killed for memory.
"""

import shutil
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.past.replay import Span
from opsconsole.model.running.workloads import Phase, Place, PlaceKind, Port, Update
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.engine.recording.conftest import Opened

START = 1_700_000_000.0
WRITTEN = Path(__file__).parent / "data" / "recording-before-workloads.db"
DOCKER = Place(PlaceKind.ENGINE, "docker")


@pytest.fixture
def archive(tmp_path: Path, opened: Opened) -> Archive:
    path = tmp_path / "recording.db"
    shutil.copy(WRITTEN, path)
    if opened is not Archive:
        # Only a console that records into it sends it.
        Writer(path).close()
    return opened(path)


def at(archive: Archive, second: float) -> Snapshot:
    found = archive.at(START + second)
    assert found is not None
    return found


def test_all_of_it_is_there(archive: Archive) -> None:
    assert archive.span() == Span(START + 2, START + 30)
    snapshot = at(archive, 30)
    assert [each.name for each in snapshot.services] == ["service-0", "service-1"]
    assert snapshot.events
    assert len(list(archive.services(START, START + 30))) == 15


def test_before_anything_was_read_no_place_is_told(archive: Archive) -> None:
    assert (at(archive, 2).hosts, at(archive, 2).engines) == ((), ())


def test_its_host_is_the_one_host(archive: Archive) -> None:
    (seen,) = at(archive, 15).hosts
    assert (seen.host.name, seen.taken_at) == ("bastion", START + 10)
    assert seen.host.disks[0].share == 0.5
    assert not seen.stale(START + 15)
    assert seen.stale(START + 22)


def test_its_containers_are_replicas(archive: Archive) -> None:
    (engine,) = at(archive, 15).engines
    told = engine.inventory
    assert (told.place, told.endpoint, told.version) == (DOCKER, "unix:///run/docker.sock", "26.0")
    assert (engine.taken_at, engine.interval) == (START + 10, 5.0)
    worker, task = told.replicas
    assert (worker.name, worker.phase, worker.state) == ("worker", Phase.RUNNING, State.OK)
    assert (worker.place, worker.ports, worker.restarts) == (DOCKER, (Port(8000, 80),), 2)
    assert (worker.cpu, worker.memory, worker.memory_limit) == (0.25, 1000, 4000)
    assert task.name == "web.1.xyz"


def test_its_swarm_services_are_workloads(archive: Archive) -> None:
    (engine,) = at(archive, 15).engines
    (workload,) = engine.inventory.workloads
    assert (workload.name, workload.wanted, workload.running) == ("stack_web", 3, 1)
    assert (workload.completed, workload.update) == (0, Update.NONE)


def test_an_end_is_shown_as_it_was(archive: Archive) -> None:
    snapshot = at(archive, 25)
    service = snapshot.services[0]
    assert list(snapshot.replicas_of(service)) == ["c0ffee"]
    ((worker, _),) = snapshot.replicas_of(service).values()
    assert (worker.phase, worker.exit_code, worker.oom_killed) == (Phase.ENDED, 137, True)
    assert worker.finished_at == START + 20
    (instance,) = service.instances
    assert (instance.runs_as, instance.replicas) == ("worker", ("c0ffee",))
