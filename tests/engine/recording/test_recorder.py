"""The recorder at work: one writes, others read and take over; trouble is told and tried again."""

import os
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.database import VERSION
from opsconsole.engine.recording.place import RecordingPlace, place_of
from opsconsole.engine.recording.recorder import Recorder
from opsconsole.engine.recording.upkeep import Bounds
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.model.fault import FaultKind
from opsconsole.model.past.recording import RecordingState
from opsconsole.model.past.replay import Span
from tests.engine.conftest import fleet as settings_of
from tests.engine.recording.fleet import START, SimulatedFleet
from tests.fakes import FakeClock
from tests.operations.backups.trees import IS_ROOT
from tests.patience import until

BOUNDS = Bounds(keep=604_800.0, size=512_000_000)
WITHIN = 120.0
MIB = 1 << 20


@pytest.fixture
def place(tmp_path: Path) -> RecordingPlace:
    return RecordingPlace(tmp_path / "state", "fleet")


@contextmanager
def recording(place: RecordingPlace) -> Iterator[Recorder]:
    recorder = Recorder(place, BOUNDS, clock=FakeClock(START), every=0.01, retry=0.05)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close(WITHIN)


def recorded(place: RecordingPlace) -> Span | None:
    """How far the recording reaches; nothing is left open, so that a disk can be taken away."""
    archive = Archive(place.database)
    try:
        return archive.span()
    finally:
        archive.close()


def is_in(recorder: Recorder, state: RecordingState) -> Callable[[], bool]:
    return lambda: recorder.view.state is state


def test_what_is_offered_last_is_committed_at_the_end(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(2)
    with recording(place) as recorder:
        for _ in range(50):
            recorder.offer(fleet.tick())
        last = fleet.tick()
        recorder.offer(last)
    assert recorder.view.state is RecordingState.OFF
    archive = Archive(place.database)
    replayed = archive.at(9e9)
    assert replayed is not None
    assert replayed.services == last.services


def test_it_records_at_its_pace_and_the_latest_wins(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(1)
    recorder = Recorder(place, BOUNDS, clock=FakeClock(START), every=0.3)
    recorder.start()
    until(is_in(recorder, RecordingState.RECORDING))
    began = time.monotonic()
    for _ in range(100):
        recorder.offer(fleet.tick())
        time.sleep(0.01)
    recorder.close(WITHIN)
    slots = (time.monotonic() - began) / 0.3
    moments = list(Archive(place.database).services(0.0, 9e9))
    assert 2 <= len(moments) <= slots + 3
    assert moments[-1].at == fleet.clock.now()


def test_an_offer_never_waits_for_the_disk(
    place: RecordingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.engine.recording.database.BUSY", 1000.0)
    fleet = SimulatedFleet(1)
    snapshots = [fleet.tick() for _ in range(100)]
    with recording(place) as recorder:
        recorder.offer(snapshots[0])
        until(is_in(recorder, RecordingState.RECORDING))
        with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for each in snapshots:
                recorder.offer(each)
            other.execute("ROLLBACK")


def test_the_view_says_where_and_how_much(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(2)
    first = fleet.tick()
    with recording(place) as recorder:
        recorder.offer(first)
        until(lambda: recorder.view.state is RecordingState.RECORDING)
        view = recorder.view
    assert view.path == str(place.database)
    assert view.size > 0
    assert view.by == ""
    assert view.fault is None
    assert view.notice == ""


def test_its_files_are_its_user_s_alone(place: RecordingPlace) -> None:
    os.umask(0)
    try:
        with recording(place) as recorder:
            recorder.offer(SimulatedFleet(1).tick())
            until(is_in(recorder, RecordingState.RECORDING))
            assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
            for each in place.folder.iterdir():
                assert stat.S_IMODE(each.stat().st_mode) == 0o600, each.name
    finally:
        os.umask(0o022)


def test_one_records_and_the_other_takes_over(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(2)
    with recording(place) as first:
        first.offer(fleet.tick())
        until(is_in(first, RecordingState.RECORDING))
        with recording(place) as second:
            until(is_in(second, RecordingState.READING))
            assert f"process {os.getpid()}" in second.view.by
            second.offer(fleet.tick())
            time.sleep(0.1)
            assert second.view.state is RecordingState.READING
            first.close(WITHIN)
            until(is_in(second, RecordingState.RECORDING))
            later = fleet.tick()
            second.offer(later)
    span = recorded(place)
    assert span is not None
    assert span.end == later.taken_at


def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(2)
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
    place.database.write_bytes(b"this is no database at all" * 1000)
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
        until(lambda: recorder.view.note != "")
        assert "was damaged; it is kept as fleet.db.damaged-" in recorder.view.notice
    (aside,) = place.folder.glob("fleet.db.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    assert recorded(place) is not None


def test_pages_that_are_damaged_in_the_midst_are_found_out(place: RecordingPlace) -> None:
    fleet = SimulatedFleet(20)
    with recording(place) as recorder:
        for _ in range(10):
            recorder.offer(fleet.tick())
            time.sleep(0.02)
    content = bytearray(place.database.read_bytes())
    for start in range(8192, len(content), 8192):
        content[start : start + 64] = os.urandom(64)
    place.database.write_bytes(content)
    with pytest.raises(StateError, match="cannot use the recording"):
        Archive(place.database).at(9e9)
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
        until(lambda: recorder.view.note != "")
    assert Archive(place.database).at(9e9) is not None


def test_a_file_of_a_later_version_is_left_alone(place: RecordingPlace) -> None:
    with recording(place):
        until(place.database.exists)
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with recording(place) as recorder:
        until(is_in(recorder, RecordingState.STOPPED))
        assert recorder.view.fault is not None
        assert f"has version {VERSION + 1}, this console knows {VERSION}" in recorder.view.notice
    assert not list(place.folder.glob("*damaged*"))
    with pytest.raises(StateError, match="use the version of the console"):
        recorded(place)


def test_a_defect_is_told_and_ends_nothing(
    place: RecordingPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    fleet = SimulatedFleet(1)
    with monkeypatch.context() as patched:
        patched.setattr(Writer, "write", broken)
        recorder = Recorder(place, BOUNDS, clock=FakeClock(START), every=0.01, retry=0.05)
        recorder.start()
        recorder.offer(fleet.tick())
        until(is_in(recorder, RecordingState.STOPPED))
        assert recorder.view.fault is not None
        assert recorder.view.fault.kind is FaultKind.INTERNAL
    recorder.offer(fleet.tick())
    until(is_in(recorder, RecordingState.RECORDING))
    recorder.close(WITHIN)
    assert recorded(place) is not None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={3 * MIB}", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(not IS_ROOT, reason="mounting a small tmpfs takes root")
def test_a_full_disk_stops_it_until_there_is_room(small_disk: Path) -> None:
    place = RecordingPlace(small_disk / "state", "fleet")
    fleet = SimulatedFleet(10)
    filler = small_disk / "filler"
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
        until(lambda: recorded(place) is not None)
        free = os.statvfs(small_disk)
        with filler.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, free.f_bavail * free.f_frsize)

        def stopped() -> bool:
            recorder.offer(fleet.tick())
            return recorder.view.state is RecordingState.STOPPED

        until(stopped)
        assert "recording has stopped" in recorder.view.notice
        assert "full" in recorder.view.notice or "I/O" in recorder.view.notice
        kept = recorded(place)
        filler.unlink()

        def recorded_again() -> bool:
            recorder.offer(fleet.tick())
            return recorder.view.state is RecordingState.RECORDING

        until(recorded_again)
        assert recorder.view.notice == ""
    span = recorded(place)
    assert kept is not None
    assert span is not None
    assert span.begin == kept.begin
    assert span.end > kept.end
    assert not list(place.folder.glob("*damaged*"))
    with closing(sqlite3.connect(place.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(not IS_ROOT, reason="mounting a small tmpfs takes root")
def test_a_disk_that_turns_read_only_stops_it(small_disk: Path) -> None:
    place = RecordingPlace(small_disk / "state", "fleet")
    fleet = SimulatedFleet(2)
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with recording(place) as recorder:
        recorder.offer(fleet.tick())
        until(is_in(recorder, RecordingState.STOPPED))
        assert "Read-only file system" in recorder.view.notice or "write" in recorder.view.notice
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        until(is_in(recorder, RecordingState.RECORDING))


def test_a_state_folder_that_is_no_folder_stops_it(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with recording(RecordingPlace(tmp_path / "state", "fleet")) as recorder:
        until(is_in(recorder, RecordingState.STOPPED))
        assert "is not a folder" in recorder.view.notice


def test_each_configuration_and_environment_has_its_own_file(tmp_path: Path) -> None:
    here = settings_of({}, state_dir=str(tmp_path), environment={"name": "../../prod eu"})
    there = settings_of({}, state_dir=str(tmp_path), environment={"name": "staging"})
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    names = {place_of(each, path).name for each in (here, there) for path in (one, other, None)}
    assert len(names) == 6
    assert all(name.replace("-", "").replace(".", "").isalnum() for name in names)
    assert place_of(here, one).database.parent == tmp_path / "recordings"
    assert place_of(here, one) == place_of(here, one)


def test_it_is_started_once(place: RecordingPlace) -> None:
    with recording(place) as recorder, pytest.raises(RuntimeError, match="once"):
        recorder.start()
    assert not [each for each in threading.enumerate() if each.name == "recorder"]
