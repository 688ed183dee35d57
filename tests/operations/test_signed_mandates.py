"""Mandates that one user's processes on two hosts share, and nobody else can write."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from opsconsole.errors import StateError
from opsconsole.hiding import MASK
from opsconsole.model.operation import OperationState, Step
from opsconsole.operations.journal.plan_codec import published
from opsconsole.operations.journal.records import Intent, Past, Promise, PromiseKind
from opsconsole.operations.mandate_key import MandateKey
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.signed_mandates import SignedMandates
from tests.operations.journal.samples import intent, op
from tests.servers.postgresql import Postgresql

ONE = op("one")
END = PromiseKind.END
KEY = "k" * 40
Host = Callable[..., PostgresqlPlace]


def write_key(path: Path, text: str = KEY, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def host(postgresql_database: str, tmp_path: Path) -> Host:
    """Another bastion of the same user: a folder and the key."""

    def made(name: str, key: str = KEY) -> PostgresqlPlace:
        folder = tmp_path / name
        path = write_key(tmp_path / f"{name}.key", key) if key else ""
        place = PostgresqlPlace(postgresql_database, folder, str(path))
        place.journal().close()
        return place

    return made


def open_plan() -> Intent:
    """What holds no secret."""
    given = intent("one")
    return replace(given, plan=published(replace(given.plan, parameters={})))


def change(place: PostgresqlPlace, statement: str, *values: object) -> None:
    """What somebody does who may write the shared state."""
    with psycopg.connect(place.conninfo, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


def test_what_one_host_confirms_another_carries_out(host: Host) -> None:
    here, there = host("a"), host("b")
    given, then = open_plan(), replace(open_plan(), operation=op("two"))
    here.mandates.give(given, (then,))
    found = there.mandates.get(ONE)
    assert found is not None
    assert (found.intent, found.then) == (given, (then,))
    assert [each.kind for each in found.promises] == [PromiseKind.NEXT]
    assert there.mandates.all() == here.mandates.all() == (found,)
    assert not list((here.folder / "mandates").rglob("*.json"))


def test_what_one_host_promises_another_keeps_and_ends(host: Host) -> None:
    here, there = host("a"), host("b")
    here.mandates.give(open_plan())
    seen = here.mandates.moved_at()
    there.mandates.arm(Promise(ONE, END, "web", 100.0))
    assert here.mandates.moved_at() != seen
    mandate = here.mandates.get(ONE)
    assert mandate is not None
    assert mandate.promise(END) == Promise(ONE, END, "web", 100.0)
    here.mandates.drop(ONE, END)
    assert there.mandates.get(ONE) is None
    assert there.mandates.all() == ()
    assert here.mandates.moved_at() == seen - max(0, seen - here.mandates.moved_at())


def test_what_was_confirmed_on_one_host_is_no_hearsay_on_another(host: Host) -> None:
    here, there = host("a"), host("b")
    given = open_plan()
    here.mandates.give(given)
    said = replace(given.plan, goals={"what": "another one"})
    mine = Past(said, OperationState.VERIFIED, ONE, "kim")
    foreign = replace(mine, operation=op("two"))
    believed = there.mandates.believed((mine, foreign))
    assert believed == (replace(mine, plan=given.plan), replace(foreign, said_by="kim"))
    unsigned = host("c", key="z" * 40).mandates.believed((mine,))
    assert unsigned == (replace(mine, said_by="kim"),)


def test_a_promise_is_kept_by_one_host_at_a_time(host: Host) -> None:
    here, there = host("a", key=""), host("b")
    held = here.mandates.take_promise(ONE, END)
    assert held is not None
    assert there.mandates.take_promise(ONE, END) is None
    assert there.mandates.is_kept(ONE, END)
    assert not there.mandates.is_kept(ONE, PromiseKind.ROLLBACK)
    held.release()
    assert not there.mandates.is_kept(ONE, END)
    with pytest.raises(StateError, match="is not the id of an operation"):
        here.mandates.take_promise("../x", END)


def test_who_has_another_key_or_none_finds_no_mandate(host: Host) -> None:
    here = host("a")
    here.mandates.give(open_plan())
    for other in (host("b", key="x" * 40), host("c", key="")):
        assert other.mandates.get(ONE) is None
        assert other.mandates.all() == ()
        other.mandates.end(ONE)
    assert here.mandates.get(ONE) is not None, "nobody else ends it"


def test_what_is_not_signed_is_nobodys_mandate(host: Host) -> None:
    here = host("a")
    here.mandates.give(open_plan())
    with psycopg.connect(here.conninfo, autocommit=True) as connection:
        row = connection.execute("SELECT * FROM opsconsole.mandates").fetchone()
    assert row is not None
    operation, signed_by, record, signature, moved = row
    forged = json.dumps({**json.loads(record), "reason": "because"})
    for written in (
        (operation, signed_by, forged, signature, moved),
        (operation, signed_by, record, "0" * 64, moved),
        (operation, signed_by, record, "é", moved),
        (op("two"), signed_by, record, signature, moved),
        (
            operation,
            signed_by,
            "[" * 5000,
            MandateKey(Path(here.mandate_key)).signature(b""),
            moved,
        ),
    ):
        change(here, "DELETE FROM opsconsole.mandates")
        change(here, "INSERT INTO opsconsole.mandates VALUES (%s, %s, %s, %s, %s)", *written)
        assert here.mandates.get(str(written[0])) is None
        assert here.mandates.all() == ()


def test_a_plan_with_a_secret_stays_in_a_file_of_its_host(host: Host) -> None:
    here, there = host("a"), host("b")
    secret = Step("call", "http", "a", call={"query": {"token": "abcdefgh"}})
    given = replace(open_plan(), plan=replace(open_plan().plan, steps=(secret,)))
    assert MASK in str(published(given.plan))
    here.mandates.give(given)
    assert there.mandates.get(ONE) is None
    found = here.mandates.get(ONE)
    assert found is not None
    assert found.intent == given
    here.mandates.arm(Promise(ONE, END, "web", 100.0))
    with psycopg.connect(here.conninfo) as connection:
        assert connection.execute("SELECT * FROM opsconsole.mandates").fetchall() == []
    found = here.mandates.get(ONE)
    assert found is not None
    assert found.promise(END) is not None
    here.mandates.end(ONE)
    assert here.mandates.get(ONE) is None


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (KEY, 0o640, "is not this user's alone; chmod 600"),
        (KEY, 0o602, "is not this user's alone"),
        ("short\n", 0o600, "is too short; .umask 077"),
        (" " * 100, 0o600, "is too short"),
    ],
)
def test_a_key_that_protects_nothing_is_none(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    with pytest.raises(StateError, match=said):
        MandateKey(write_key(tmp_path / "key", text, mode))


@pytest.mark.parametrize("link", [False, True])
def test_a_key_that_others_can_replace_is_none(tmp_path: Path, link: bool) -> None:
    folder = tmp_path / "everybody's"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "key"
    if link:
        own = tmp_path / "own"
        own.mkdir()
        write_key(own / "key")
        (folder / "way").symlink_to(own)
        path = folder / "way" / "key"
    else:
        write_key(path)
    with pytest.raises(StateError, match="others could replace the mandate key"):
        MandateKey(path)


def test_a_key_that_is_not_there_says_how_one_is_made(host: Host, tmp_path: Path) -> None:
    here = host("a")
    os.unlink(here.mandate_key)
    with pytest.raises(StateError, match=r"cannot read the mandate key .*/dev/urandom"):
        here.mandates.give(open_plan())
    os.mkfifo(here.mandate_key, 0o600)
    with pytest.raises(StateError, match="cannot read the mandate key"):
        here.mandates.all()


def test_a_key_is_named_without_giving_it_away(tmp_path: Path) -> None:
    key = MandateKey(write_key(tmp_path / "key", f"{KEY}\n"))
    assert key.name == MandateKey(write_key(tmp_path / "same")).name
    assert key.name != MandateKey(write_key(tmp_path / "other", "x" * 40)).name
    assert KEY not in key.name
    assert key.has_signed(b"a", key.signature(b"a"))
    assert not key.has_signed(b"b", key.signature(b"a"))


def test_another_process_is_given_where_the_key_is(host: Host) -> None:
    here = host("a")
    again = PostgresqlPlace.named(here.name)
    assert (again.folder, again.mandate_key) == (here.folder, here.mandate_key)
    assert isinstance(again.mandates, SignedMandates)
    assert KEY not in here.name


def test_what_was_confirmed_in_one_state_is_nothing_in_another(
    host: Host, postgresql_server: Postgresql, tmp_path: Path
) -> None:
    here = host("a")
    here.mandates.give(open_plan())
    with psycopg.connect(here.conninfo) as connection:
        row = connection.execute("SELECT * FROM opsconsole.mandates").fetchone()
    assert row is not None
    other = PostgresqlPlace(
        postgresql_server.database(), tmp_path / "b", str(write_key(tmp_path / "b.key"))
    )
    assert other.mandates.all() == ()
    marks = ", ".join(["%s"] * len(row))
    change(other, f"INSERT INTO opsconsole.mandates VALUES ({marks})", *row)
    assert other.mandates.get(ONE) is None
    assert other.mandates.all() == ()
