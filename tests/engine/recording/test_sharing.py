"""What is recorded is sent: all of it, some seconds later, whatever the server does meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from psycopg import sql

from opsconsole.engine.recording import sharing
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.place import RecordingPlace
from opsconsole.engine.recording.recorder import Recorder
from opsconsole.engine.recording.sharing import Sharing
from opsconsole.engine.recording.upkeep import Bounds, Tier, Upkeep
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.model.past.recording import RecordingState
from opsconsole.operations.postgresql import schema
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.postgresql.link import connect
from opsconsole.operations.shared_recordings import PieceKind
from tests.engine.recording.conftest import (
    ENVIRONMENT,
    KEPT,
    only,
    others_of,
    recordings,
    share,
)
from tests.engine.recording.fleet import START, SimulatedFleet
from tests.engine.recording.test_archive import assert_same
from tests.fakes import FakeClock
from tests.patience import until
from tests.servers.postgresql import Postgresql

QUICK = (Tier(age=120.0, step=15.0, block=60.0, share=1.0),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    with closing(Writer(path)) as made:
        yield made


def sent(where: str) -> list[tuple[str, int, float, float]]:
    """The pieces that the server has, but for their data."""
    with closing(PostgresqlDatabase(where)) as database:
        query = "SELECT kind, number, starts_at, ends_at FROM recorded ORDER BY 1, 2, 4"
        return [(kind, number, begin, end) for kind, number, begin, end in database.read(query)]


def segments(path: Path) -> list[float]:
    """When what is kept in the file began."""
    with closing(Archive(path)) as archive:
        return [fleet.at for fleet in archive.services(0.0, 9e12)]


def test_the_server_has_what_the_file_has_and_no_more(
    postgresql_database: str, path: Path, writer: Writer
) -> None:
    fleet = SimulatedFleet(1)
    sender = Sharing(path, recordings(postgresql_database), ENVIRONMENT, KEPT)
    for _ in range(10):
        for _ in range(30):
            writer.write(fleet.tick())
            writer.watching(fleet.clock.now())
        sender.round()
    whole = sent(postgresql_database)
    assert len([each for each in whole if each[0] == PieceKind.SEGMENT]) >= 9
    assert len([each for each in whole if each[0] == PieceKind.WATCH]) == 1, "as it is by now"
    before = len(segments(path))
    Upkeep(writer, Bounds(KEPT, 10**9, QUICK)).finish(fleet.clock.now())
    assert len(segments(path)) < before, "it was thinned"
    sender.round()
    sender.round()
    rows = writer.connection.execute("SELECT id, start, end FROM segments WHERE data IS NOT NULL")
    kept = [("segment", *row) for row in sorted(rows.fetchall())]
    assert [each for each in sent(postgresql_database) if each[0] == "segment"] == kept
    with closing(others_of(postgresql_database, path.with_name("none.db"))) as others:
        theirs = [each.at for each in only(others).services(0.0, 9e12)]
    assert theirs == [at for at in segments(path) if at <= max(end for *_, end in kept)]


def test_who_begins_anew_sends_nothing_twice_and_goes_on(
    postgresql_database: str, path: Path, writer: Writer
) -> None:
    fleet = SimulatedFleet(1)
    for _ in range(3):
        for _ in range(40):
            writer.write(fleet.tick())
        share(postgresql_database, path)
        share(postgresql_database, path)
    found = sent(postgresql_database)
    assert len(found) == len(set(found))
    assert len([each for each in found if each[0] == PieceKind.SEGMENT]) == 4


def test_a_large_backlog_goes_the_newest_first_in_several_rounds(
    postgresql_database: str, path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = SimulatedFleet(1)
    for _ in range(200):
        writer.write(fleet.tick())
    monkeypatch.setattr(sharing, "AT_ONCE", 1)
    sender = Sharing(path, recordings(postgresql_database), ENVIRONMENT, KEPT)
    firsts: list[float] = []
    for _ in range(8):
        sender.round()
        firsts.append(min([s for kind, _, s, _ in sent(postgresql_database) if kind == "segment"],
                          default=9e12))  # fmt: skip
    assert firsts == sorted(firsts, reverse=True)
    assert len(set(firsts)) > 4
    assert firsts[-1] == START + 1


def test_a_server_that_is_away_costs_nothing_and_has_all_of_it_afterwards(
    private_postgresql: Postgresql, tmp_path: Path
) -> None:
    where = private_postgresql.database()
    place = RecordingPlace(tmp_path / "state", "fleet")

    def made() -> Sharing:
        return Sharing(place.database, recordings(where), ENVIRONMENT, KEPT, every=0.05)

    fleet = SimulatedFleet(1)
    recorder = Recorder(place, Bounds(KEPT, 10**9), clock=FakeClock(START), every=0.001, share=made)
    recorder.start()

    def record(seconds: int) -> None:
        for _ in range(seconds):
            recorder.offer(fleet.tick())
            until(lambda: end_of(place) == fleet.clock.now())

    try:
        record(40)
        until(lambda: len(sent(where)) > 2)
        private_postgresql.stop(at_once=True)
        until(lambda: "cannot use the state in PostgreSQL" in sharing_fault(recorder))
        record(65)
        assert recorder.view.state is RecordingState.RECORDING, "the file is written as before"
        private_postgresql.start()
        until(lambda: not sharing_fault(recorder))
        record(5)
    finally:
        recorder.close(60.0)
    until(lambda: end_at(where) == fleet.clock.now())
    with (
        closing(others_of(where, tmp_path / "none.db")) as others,
        closing(Archive(place.database)) as own,
    ):
        theirs = only(others)
        moments = [each.at for each in theirs.services(0.0, 9e12)]
        assert moments == [each.at for each in own.services(0.0, 9e12)]
        live = own.at(9e12)
        assert live is not None
        assert_same(live, theirs.at(9e12))


def end_of(place: RecordingPlace) -> float:
    """The last moment in the file."""
    with closing(Archive(place.database)) as archive:
        span = archive.span()
    return 0.0 if span is None else span.end


def end_at(where: str) -> float:
    """The last moment at the server: what was open at the end was sealed and sent."""
    return max((each[3] for each in sent(where) if each[0] == "segment"), default=0.0)


def sharing_fault(recorder: Recorder) -> str:
    """Why others do not see it, at this moment."""
    made = recorder._sharing
    return "" if made is None else made.fault


def role_of(server: Postgresql, where: str, *, acting: bool) -> str:
    """What leads a role to the database that may look there, or act."""
    database = where.split("dbname=")[1].split()[0]
    role = f"r{database}"
    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    with connect(where) as owner:
        schema.grant(owner, role, acting=acting)
    return server.conninfo(database, user=role)


def test_who_may_look_sends_nothing_complains_of_nothing_and_sees_the_others(
    postgresql_server: Postgresql, path: Path, writer: Writer
) -> None:
    where = postgresql_server.database()
    fleet = SimulatedFleet(1)
    for _ in range(40):
        writer.write(fleet.tick())
    share(where, path)
    wall = role_of(postgresql_server, where, acting=False)
    own = path.with_name("wall.db")
    with closing(Writer(own)) as theirs:
        for _ in range(40):
            theirs.write(fleet.tick())
        before = sent(where)
        share(wall, own)
    assert sent(where) == before
    with closing(others_of(wall, own)) as others:
        assert only(others).at(9e12) is not None


def test_who_may_act_sends_and_changes_nothing_that_was_sent(
    postgresql_server: Postgresql, path: Path, writer: Writer
) -> None:
    where = postgresql_server.database()
    with connect(where) as owner:
        schema.prepare(owner)
    mine = role_of(postgresql_server, where, acting=True)
    fleet = SimulatedFleet(1)
    for _ in range(40):
        writer.write(fleet.tick())
    share(mine, path)
    assert sent(where)
    with closing(PostgresqlDatabase(mine)) as database:
        for forbidden in ("UPDATE recorded SET data = ''", "UPDATE recordings SET seen_by = ''"):
            with pytest.raises(StateError, match="state grant"):
                database.once(forbidden)


def test_what_is_left_of_who_has_gone_goes_by_its_age(
    postgresql_database: str, path: Path, writer: Writer
) -> None:
    fleet = SimulatedFleet(1)
    for _ in range(40):
        writer.write(fleet.tick())
    share(postgresql_database, path, keep=60.0)
    assert sent(postgresql_database)
    own = path.with_name("own.db")
    with closing(Writer(own)) as other:
        for _ in range(40):
            other.write(fleet.tick())
        share(postgresql_database, own)
    left = [each for each in sent(postgresql_database) if each[0] == "segment"]
    assert [begin for _, _, begin, _ in left] == [START + 41], "of the one that keeps it longer"


def test_a_file_that_was_copied_to_another_host_is_another_recording(
    postgresql_database: str, path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = SimulatedFleet(1)
    for _ in range(40):
        writer.write(fleet.tick())
    share(postgresql_database, path)
    once = len(sent(postgresql_database))
    monkeypatch.setattr("socket.gethostname", lambda: "bastion-b")
    share(postgresql_database, path)
    assert len(sent(postgresql_database)) == 2 * once
    with closing(others_of(postgresql_database, path.with_name("none.db"))) as others:
        assert len(others.all()) == 2
    with closing(others_of(postgresql_database, path)) as others:
        assert not only(others).by.endswith("@bastion-b"), "its own is no other's"
