"""Several hosts look at one fleet: each moment is shown as one of them saw it, or as a gap."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.past.replay import Replay
from opsconsole.engine.recording import fetched
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.joined import JoinedArchive
from opsconsole.engine.recording.others import Others
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.model.events import Event, EventCode
from opsconsole.model.past.replay import Gap, Moment, SeenBy, Span
from opsconsole.model.snapshot import Snapshot
from tests.engine.recording.conftest import ENVIRONMENT, others_of, recordings, share
from tests.engine.recording.fleet import START, SimulatedFleet
from tests.patience import until
from tests.servers.postgresql import Postgresql

MINUTE = 60


class Host:
    """A host that looks for some minutes, and notes on each moment whose it is."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.path = name, folder / f"{name}.db"
        self._fleet = SimulatedFleet(1)

    def look(self, begin: int, end: int) -> None:
        """From minute ``begin`` to minute ``end``; an event each minute."""
        self._fleet.clock.move(START + begin * MINUTE - self._fleet.clock.now())
        events: tuple[Event, ...] = ()
        with closing(Writer(self.path)) as writer:
            while self._fleet.clock.now() < START + end * MINUTE:
                seen = self._fleet.tick(5)
                if (seen.taken_at - START) % MINUTE < 5:
                    events = (*events, Event(seen.taken_at, EventCode.NOTE, self.name))
                writer.watching(seen.taken_at)
                writer.write(replace(seen, notices=(self.name,), events=events))
            writer.end()


@pytest.fixture
def bastions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Bastions"]:
    monkeypatch.setattr(fetched, "LIVE", 0.0)
    with ExitStack() as cleanup:
        yield Bastions(tmp_path, monkeypatch, cleanup)


class Bastions:
    """Some hosts that share a state at ``where``."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
        self._folder, self._patch, self._cleanup = folder, monkeypatch, cleanup
        self.where = ""

    def looked(self, name: str, *minutes: tuple[int, int]) -> Host:
        """A host that looked, and has shared what it saw."""
        host = Host(self._folder, name)
        for each in minutes:
            host.look(*each)
        self._patch.setattr("socket.gethostname", lambda: name)
        share(self.where, host.path)
        return host

    def archive_of(self, host: Host | None) -> JoinedArchive:
        """What is shown at ``host``, or at one that never recorded."""
        path = self._folder / "none.db" if host is None else host.path
        self._patch.setattr("socket.gethostname", lambda: "here" if host is None else host.name)
        joined = JoinedArchive(Archive(path), others_of(self.where, path))
        self._cleanup.callback(joined.close)
        return joined


def at(archive: JoinedArchive, minute: float) -> tuple[str, str, float]:
    """Whose look is shown, whose it is said to be, and how old it is."""
    found = archive.at(START + minute * MINUTE)
    assert found is not None
    by = found.seen_by.partition("@")[2]
    return found.notices[0], by, START + minute * MINUTE - found.taken_at


def minutes(seen: tuple[SeenBy, ...]) -> list[tuple[int, int, str]]:
    return [
        (round((each.begin - START) / MINUTE), round((each.end - START) / MINUTE),
         each.by.partition("@")[2])
        for each in seen
    ]  # fmt: skip


def test_where_this_host_did_not_look_it_is_as_another_saw_it(
    bastions: Bastions, postgresql_database: str
) -> None:
    bastions.where = postgresql_database
    bastions.looked("a", (0, 10))
    b = bastions.looked("b", (6, 14))
    archive = bastions.archive_of(b)
    assert archive.span() == Span(START + 5, START + 14 * MINUTE)
    for minute in (1.0, 3.5, 5.9):
        assert at(archive, minute)[:2] == ("a", "a")
        assert at(archive, minute)[2] <= 5.0
    for minute in (6.5, 9.0, 13.9):
        assert at(archive, minute)[:2] == ("b", ""), "as this host saw it, whoever else looked"
    assert minutes(archive.seen_by(START, START + 14 * MINUTE)) == [(0, 6, "a")]
    nobody = bastions.archive_of(None)
    assert at(nobody, 6.5)[:2] == ("a", "a"), "had looked longest"
    assert at(nobody, 12.0)[:2] == ("b", "b")


def test_a_moment_is_never_a_blend_and_events_are_those_of_who_is_shown(
    bastions: Bastions, postgresql_database: str
) -> None:
    bastions.where = postgresql_database
    bastions.looked("a", (2, 10))
    bastions.looked("b", (0, 5))
    archive = bastions.archive_of(None)
    shown = [(each.at, each.detail) for each in archive.events(0.0, 9e12)]
    for moment, by in shown:
        seen = archive.at(moment)
        assert seen is not None
        assert seen.notices == (by,)
    assert [by for _, by in shown] == ["b"] * 5 + ["a"] * 5
    figures = [each.at for each in archive.services(0.0, 9e12)]
    assert figures == sorted(set(figures))


def test_where_nobody_looked_there_is_a_gap_and_a_step_goes_over_it(
    bastions: Bastions, postgresql_database: str
) -> None:
    bastions.where = postgresql_database
    bastions.looked("a", (0, 4))
    b = bastions.looked("b", (8, 12))
    archive = bastions.archive_of(b)
    (gap,) = archive.gaps(START, START + 12 * MINUTE)
    assert gap == Gap(START + 4 * MINUTE, START + 8 * MINUTE + 5)
    assert at(archive, 6.0)[:2] == ("a", "a"), "the last that anybody saw"
    assert archive.neighbour(gap.begin, 1) == gap.end
    assert archive.neighbour(gap.end, -1) == gap.begin
    assert archive.neighbour(START, -1) is None
    steps, moment = 0, START
    while (found := archive.neighbour(moment, 1)) is not None:
        assert found > moment
        steps, moment = steps + 1, found
    assert steps == 2 * 4 * 12


async def test_a_replay_names_the_gap_and_whose_look_it_is(
    bastions: Bastions, postgresql_database: str
) -> None:
    bastions.where = postgresql_database
    bastions.looked("a", (0, 4))
    b = bastions.looked("b", (8, 12))
    replay = Replay(bastions.archive_of(b))
    then = await replay.moment(START + 2 * MINUTE)
    assert isinstance(then, Moment)
    assert then.snapshot.seen_by.endswith("@a")
    assert then.snapshot.replayed
    in_gap = await replay.moment(START + 6 * MINUTE)
    assert isinstance(in_gap, Moment)
    assert in_gap.gap == Gap(START + 4 * MINUTE, START + 8 * MINUTE + 5)


def test_what_cannot_be_fetched_is_said_and_what_is_here_is_shown(
    bastions: Bastions, private_postgresql: Postgresql
) -> None:
    bastions.where = private_postgresql.database()
    bastions.looked("a", (0, 10))
    b = bastions.looked("b", (6, 14))
    archive = bastions.archive_of(b)
    assert at(archive, 1.0)[:2] == ("a", "a")
    private_postgresql.stop(at_once=True)
    with pytest.raises(StateError, match="cannot use the state in PostgreSQL"):
        archive.at(START + 4 * MINUTE)
    assert at(archive, 1.0)[:2] == ("a", "a"), "was fetched before"
    assert at(archive, 8.0)[:2] == ("b", "")
    assert [each.detail for each in archive.events(START + 400, 9e12)] == ["b"] * 8
    away = bastions.archive_of(b)
    assert at(away, 8.0)[:2] == ("b", "")
    assert "cannot use the state in PostgreSQL" in away.lacks
    private_postgresql.start()


def test_a_server_that_hangs_holds_up_nothing_that_is_here(
    bastions: Bastions, private_postgresql: Postgresql
) -> None:
    bastions.where = private_postgresql.database()
    bastions.looked("a", (0, 4))
    b = bastions.looked("b", (6, 8))
    others = Others(recordings(bastions.where), ENVIRONMENT, b.path, within=0.2)
    with closing(JoinedArchive(Archive(b.path), others)) as archive:
        until(others.all)
        private_postgresql.suspend()
        with pytest.raises(StateError, match="does not answer within"):
            archive.at(START + 2 * MINUTE)
        assert at(archive, 7.0)[:2] == ("b", "")
        assert archive.neighbour(START + 7 * MINUTE, -1) == START + 7 * MINUTE - 5
        private_postgresql.resume()
        until(lambda: shown(archive, 2.0) == "a")


def shown(archive: JoinedArchive, minute: float) -> str:
    """Whose look is shown; '' while it cannot be fetched."""
    try:
        return at(archive, minute)[0]
    except StateError:
        return ""


def test_one_who_sends_on_still_looks(
    bastions: Bastions, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "LIVE", 1e6)
    bastions.where = postgresql_database
    bastions.looked("a", (0, 4))
    archive = bastions.archive_of(None)
    now = START + 4 * MINUTE + 40
    assert archive.gaps(START, now) == (), "the rest of it is on its way"
    found: Snapshot | None = archive.at(now)
    assert found is not None
    assert found.taken_at == START + 4 * MINUTE


@pytest.mark.parametrize("bound", ["opsconsole.operations.shared_recordings._MOST",
                                   "opsconsole.engine.recording.fetched._LISTED"])  # fmt: skip
def test_of_too_many_pieces_the_latest_can_be_read(
    bastions: Bastions, postgresql_database: str, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    bastions.where = postgresql_database
    bastions.looked("a", (0, 20))
    monkeypatch.setattr(bound, 6)
    archive = bastions.archive_of(None)
    span = archive.span()
    assert span is not None
    assert span.begin > START + MINUTE, "not all is listed"
    assert at(archive, 19.9)[:2] == ("a", "a")
