"""Who is here: seen by the others while their console lives, and not a moment longer."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from opsconsole.model.people import Person, Present, PresentKind, at_service, people
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.postgresql_presence import PostgresqlPresence
from opsconsole.operations.presence import FolderPresence, Presence, document_of
from tests.patience import until

HERE = Present("kim", "bastion-1", "pts/1", 10.0, "shop")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "state"


def test_where_there_is_no_state_nothing_is_made_to_show_oneself(tmp_path: Path) -> None:
    presence = FolderPresence(tmp_path / "state")
    presence.show(HERE)
    assert presence.all() == ()
    assert not (tmp_path / "state").exists()


def of_folder(request: pytest.FixtureRequest) -> Callable[[], Presence]:
    folder: Path = request.getfixturevalue("folder")
    return lambda: FolderPresence(folder)


def of_postgresql(request: pytest.FixtureRequest) -> Callable[[], Presence]:
    conninfo: str = request.getfixturevalue("postgresql_database")
    return lambda: PostgresqlPresence(partial(PostgresqlDatabase, conninfo))


@pytest.fixture(params=[of_folder, pytest.param(of_postgresql, marks=pytest.mark.servers)])
def make(request: pytest.FixtureRequest) -> Callable[[], Presence]:
    """Makes what one console has of one state, of each kind."""
    found: Callable[[], Presence] = request.param(request)
    return found


def test_consoles_see_each_other_and_what_they_look_at(make: Callable[[], Presence]) -> None:
    mine, other = make(), make()
    mine.show(HERE)
    other.show(Present("ana", "bastion-2", "pts/2", 20.0, "shop", PresentKind.CONSOLE))
    other.show(Present("ana", "bastion-2", "pts/2", 20.0, "db", PresentKind.CONSOLE))
    seen = mine.all()
    assert {(each.who, each.service, each.own) for each in seen} == {
        ("kim", "shop", True), ("ana", "db", False),
    }  # fmt: skip
    assert at_service(seen, "db") == (Person("ana", "bastion-2"),)
    assert at_service(seen, "shop") == (), "oneself is not somebody else"
    other.leave()
    other.leave()
    assert [each.who for each in mine.all()] == ["kim"]
    mine.leave()
    third = make()
    assert third.all() == ()
    third.leave()


@pytest.mark.servers
def test_a_row_that_has_ended_is_nobody_and_is_cleared(postgresql_database: str) -> None:
    database = PostgresqlDatabase(postgresql_database)
    for id_, said, ago in (
        ("gone", json.dumps(document_of(HERE)), "21 seconds"),
        ("long gone", "{}", "1 hour"),
        ("forged", "[1]", "-1 hour"),
        ("hostile", '{"who": "\\u001b[2Jeve", "since": 1, "kind": "wall"}', "-1 hour"),
    ):
        database.once(
            "INSERT INTO locks (kind, id, token, key, holder, ends_at)"
            f" VALUES (?, ?, 0, '', ?, clock_timestamp() - interval '{ago}') RETURNING id",
            ("present", id_, said),
        )
    presence = PostgresqlPresence(partial(PostgresqlDatabase, postgresql_database))
    assert [each.who for each in presence.all()] == ["␛[2Jeve"]
    presence.show(HERE)
    assert {each.who for each in presence.all()} == {"kim", "␛[2Jeve"}
    kept = database.read("SELECT id FROM locks WHERE kind = ? ORDER BY id", ("present",))
    assert "long gone" not in {id_ for (id_,) in kept}
    presence.leave()
    database.close()


STAYS = """
import sys, time
from pathlib import Path
from opsconsole.model.people import Present
from opsconsole.operations.presence import FolderPresence
presence = FolderPresence(Path(sys.argv[1]))
presence.show(Present("bo", "bastion-3", "", 1.0))
print("here", flush=True)
time.sleep(600)
"""


def test_who_is_killed_is_here_no_more_and_leaves_nothing(folder: Path) -> None:
    presence = FolderPresence(folder)
    presence.show(HERE)
    with subprocess.Popen(
        [sys.executable, "-c", STAYS, str(folder)], stdout=subprocess.PIPE
    ) as console:
        assert console.stdout is not None
        assert console.stdout.readline() == b"here\n"
        assert people(presence.all()) == ("bo", "kim")
        os.kill(console.pid, signal.SIGKILL)
        console.wait()
    until(lambda: people(presence.all()) == ("kim",))
    assert len(list((folder / "present").iterdir())) == 1
    presence.leave()


@pytest.mark.parametrize(
    "said",
    [
        "", "null", "[]", "{", '{"who": 1}', '{"who": "x", "since": "now", "kind": "console"}',
        '{"who": "x", "since": 1, "kind": "king"}', "[" * 5000, "x" * 20_000,
    ],
)  # fmt: skip
def test_what_others_wrote_there_is_nobody_unless_it_is_understood(folder: Path, said: str) -> None:
    presence, other = FolderPresence(folder), FolderPresence(folder)
    presence.show(HERE)
    other.show(HERE)
    (path,) = [each for each in (folder / "present").iterdir() if each != presence._path]
    path.write_text(said)
    assert len(presence.all()) == 1
    for each in (presence, other):
        each.leave()


def test_what_others_wrote_is_safe_to_show(folder: Path) -> None:
    presence, other = FolderPresence(folder), FolderPresence(folder)
    other.show(HERE)
    (path,) = (folder / "present").iterdir()
    forged = {"who": "\x1b]0;x\x07eve", "host": "\u202e", "tty": "\n", "since": 1e10,
              "service": "\x9b2J", "kind": "console", "own": True}  # fmt: skip
    path.write_text(json.dumps(forged))
    (present,) = presence.all()
    assert present.who == "␛]0;x␇eve"
    assert not present.own
    assert "\x9b" not in present.service
    other.leave()


def test_a_link_is_not_followed_and_hides_nobody(folder: Path, tmp_path: Path) -> None:
    presence = FolderPresence(folder)
    presence.show(HERE)
    (tmp_path / "elsewhere").write_text('{"who": "eve", "since": 1, "kind": "console"}')
    (folder / "present" / "1-00000000.here").symlink_to(tmp_path / "elsewhere")
    assert [each.who for each in presence.all()] == ["kim"]
    presence.leave()
