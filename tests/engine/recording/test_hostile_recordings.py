"""Recordings that no console sent: what of them is none is refused, and nothing else happens."""

import hashlib
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from opsconsole.engine.recording import fetched
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.fetched import FetchedArchive
from opsconsole.engine.recording.joined import JoinedArchive
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from tests.engine.recording.conftest import only, others_of, share
from tests.engine.recording.fleet import START, SimulatedFleet

_NESTED: Final = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of some minutes."""
    path = tmp_path_factory.mktemp("sound") / "recording.db"
    fleet = SimulatedFleet(2)
    with closing(Writer(path)) as writer:
        for _ in range(100):
            writer.write(fleet.tick())
            writer.watching(fleet.clock.now())
        writer.end()
    return path


@pytest.fixture
def forge(postgresql_database: str, sound: Path) -> Iterator[Callable[..., FetchedArchive]]:
    """Has somebody who may act put other data, and its hash, in place of a kind of pieces."""
    share(postgresql_database, sound)
    database, made = PostgresqlDatabase(postgresql_database), ExitStack()
    were = database.read("SELECT kind, number, data FROM recorded")

    def forged(kind: str, change: Callable[[bytes], bytes], hash_: str = "") -> FetchedArchive:
        for name, number, data in were:
            if name == kind:
                other = change(data)
                said = hash_ or hashlib.sha256(other).hexdigest()
                query = "UPDATE recorded SET data = ?, hash = ? WHERE kind = ? AND number = ?"
                database.once(query, (other, said, kind, number))
        others = others_of(postgresql_database, sound.with_name("none.db"))
        made.callback(others.close)
        return only(others)

    yield forged
    made.close()
    database.close()


def refuses_or_shows(archive: FetchedArchive) -> list[str]:
    """What each way of reading it says where it is refused; no other error is raised."""
    said: list[str] = []
    for read in (
        lambda: archive.at(START + 50),
        lambda: archive.neighbour(START + 50, 1),
        lambda: archive.neighbour(START + 50, -1),
        lambda: archive.events(0.0, 9e12),
        lambda: list(archive.services(0.0, 9e12)),
        archive.span,
        lambda: archive.gaps(0.0, 9e12),
    ):
        try:
            read()
        except StateError as error:
            said.append(str(error))
    return said


def changed(lines: Callable[[list[Any]], None]) -> Callable[[bytes], bytes]:
    """Changes the whole tree at the beginning of a segment."""

    def change(data: bytes) -> bytes:
        first, *rest = zlib.decompress(data).split(b"\n")
        line = json.loads(first)
        lines(line)
        return zlib.compress(b"\n".join([json.dumps(line).encode(), *rest]))

    return change


_SEGMENTS: Final = (
    b"", b"no deflate", zlib.compress(b""), zlib.compress(b"[]"), zlib.compress(b"[1,2]"),
    zlib.compress(b"[1,[1,0,[1,0,1]]]\n[NaN,{}]"), zlib.compress(b"[1e999,[]]\n[]"),
    zlib.compress(b"[1700000000," + _NESTED + b"]"), zlib.compress(b"\xff\xfe,"),
    zlib.compress(b"\n" * 2_000_000), zlib.compress(b"[" + b" " * (300 << 20)),
)  # fmt: skip


def test_a_segment_that_is_none_is_refused(forge: Callable[..., FetchedArchive]) -> None:
    for data in _SEGMENTS:
        assert refuses_or_shows(forge("segment", lambda _, data=data: data)), data[:40]


def test_what_was_not_sent_so_is_refused(forge: Callable[..., FetchedArchive]) -> None:
    archive = forge("segment", lambda data: data, "0" * 64)
    with pytest.raises(StateError, match="is not what it sent"):
        archive.at(START + 50)


def test_a_value_of_another_kind_does_no_harm_wherever_it_stands(
    forge: Callable[..., FetchedArchive],
) -> None:
    values: tuple[object, ...] = (7, {}, [], None, True, [[0, 10**12]], "x", 10**400, math.nan)
    for value in values:

        def everywhere(line: list[Any], value: object = value) -> None:
            line[1][:] = [value] * len(line[1])

        refuses_or_shows(forge("segment", changed(everywhere)))


def test_a_service_is_called_by_a_text(forge: Callable[..., FetchedArchive]) -> None:
    for value in (7, {"a": 1}, [1], None):

        def rename(line: list[Any], value: object = value) -> None:
            services = next(each for each in line[1] if type(each) is list and len(each) == 2)
            for each in services:
                each[0] = value

        archive = forge("segment", changed(rename))
        with pytest.raises(StateError, match="no Snapshot"):
            archive.at(START + 50)


def test_a_layout_that_is_none_is_refused(forge: Callable[..., FetchedArchive]) -> None:
    for text in (
        "", "[]", "{}", "[" * 50_000, '{"Snapshot": []}', '{"Snapshot": ["events"]}', "7",
        '{"Snapshot": {"events": 1}}', "null",
    ):  # fmt: skip
        data = zlib.compress(text.encode())
        assert refuses_or_shows(forge("layout", lambda _, data=data: data)), text[:40]


def test_events_that_are_none_are_refused(forge: Callable[..., FetchedArchive]) -> None:
    rows: tuple[object, ...] = (
        7, [7], [[1]], [[10**30, 1.0, "", 1, "[]"]], [["1", 1.0, "", 1, "[]"]], {"a": "b"},
        [[1, "1", "", 1, "[]"]], [[1, 1.0, 5, 1, "[]"]], [[1, 1.0, "", 1, "[" * 50_000]],
        [[1, math.nan, "", 1, "[]"]], [[1, 1.0, "", 10**30, "[]"]], [[1, 1.0, "", 1, "{}"]],
    )  # fmt: skip
    for each in rows:
        data = zlib.compress(json.dumps(each).encode())
        assert refuses_or_shows(forge("events", lambda _, data=data: data)), each


def test_pieces_of_no_time_and_of_kinds_that_are_not_known_are_passed_over(
    postgresql_database: str, sound: Path
) -> None:
    share(postgresql_database, sound)
    with closing(PostgresqlDatabase(postgresql_database)) as database:
        ((recording,),) = database.read("SELECT id FROM recordings")
        for kind, number, begin, end in (
            ("segment", 1 << 40, math.nan, math.nan), ("watch", 1 << 41, 0.0, math.inf),
            ("segment", -5, 9.0, 1.0), ("wonder", 1, 1.0, 2.0), ("watch", 1 << 42, -math.inf, 1.0),
        ):  # fmt: skip
            database.once(
                "INSERT INTO recorded (recording, kind, number, starts_at, ends_at, more, hash,"
                " data) VALUES (?, ?, ?, ?, ?, 1, '', '')",
                (recording, kind, number, begin, end),
            )
    with closing(others_of(postgresql_database, sound.with_name("none.db"))) as others:
        archive = only(others)
        assert refuses_or_shows(archive) == []
        assert archive.at(START + 50) is not None


def test_who_it_is_said_to_be_is_shown_as_a_text(postgresql_database: str, sound: Path) -> None:
    share(postgresql_database, sound)
    with closing(PostgresqlDatabase(postgresql_database)) as database:
        database.once("UPDATE recordings SET seen_by = ?", ("\x1b[31m" + "x" * 700,))
    with closing(others_of(postgresql_database, sound.with_name("none.db"))) as others:
        assert len(only(others).by) <= 120
        assert "\x1b" not in only(others).by


def test_deep_trees_do_not_end_the_reader(forge: Callable[..., FetchedArchive]) -> None:
    deep = "[1,0," * (sys.getrecursionlimit() // 2) + "7" + "]" * (sys.getrecursionlimit() // 2)

    def deepened(data: bytes) -> bytes:
        first, *_ = zlib.decompress(data).split(b"\n")
        at = json.loads(first)[0]
        return zlib.compress(b"\n".join([first, f"[{at + 1},{deep}]".encode()]))

    with suppress(StateError):
        forge("segment", deepened).at(START + 50)


def test_it_may_have_looked_a_thousand_times_and_nobody_waits(
    postgresql_database: str, sound: Path
) -> None:
    share(postgresql_database, sound)
    with closing(PostgresqlDatabase(postgresql_database)) as database:
        database.once(
            "INSERT INTO recorded (recording, kind, number, starts_at, ends_at, more, hash, data)"
            " SELECT id, 'watch', 1000000 + n, ?::float8 + 100 * n, ?::float8 + 100 * n, 0, '', ''"
            " FROM recordings, generate_series(1, 15000) AS n",
            (START + 1000, START + 1050),
        )
    others = others_of(postgresql_database, sound.with_name("none.db"))
    with closing(JoinedArchive(Archive(sound.with_name("none.db")), others)) as joined:
        # Each was once compared with all the others: minutes.
        assert len(joined.seen_by(START, START + 1e9)) >= 15_000


def test_no_question_unpacks_more_events_than_are_held(
    postgresql_database: str, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(postgresql_database, sound)
    row = zlib.compress(json.dumps([[1 << 40, START + 50, "x", 1, " " * 1_000_000]]).encode())
    with closing(PostgresqlDatabase(postgresql_database)) as database:
        database.once(
            "INSERT INTO recorded (recording, kind, number, starts_at, ends_at, more, hash, data)"
            " SELECT id, 'events', 1000 + n, ?, ?, ?, ?, ? FROM recordings,"
            " generate_series(1, 50) AS n",
            (START, START + 100, 1 << 40, hashlib.sha256(row).hexdigest(), row),
        )
    unpacked: list[int] = []
    was = fetched._unpacked

    def counted(data: bytes, most: int) -> str:
        text = was(data, most)
        unpacked.append(len(text))
        return text

    monkeypatch.setattr(fetched, "_unpacked", counted)
    monkeypatch.setattr(fetched, "_TOGETHER", 5_000_000)
    with closing(others_of(postgresql_database, sound.with_name("none.db"))) as others:
        refuses_or_shows(only(others))
    assert 5_000_000 <= sum(unpacked) < 10_000_000
