"""What is said of the PostgreSQL of a state before somebody counts on it."""

import time
from pathlib import Path

import pytest
from psycopg import sql

from opsconsole.config.settings import Settings
from opsconsole.config.state import State
from opsconsole.inspection.finding import Finding, Weight
from opsconsole.inspection.state import check_state
from opsconsole.operations.postgresql import schema, soundness
from opsconsole.operations.postgresql.link import connect
from opsconsole.operations.postgresql.remarks import Found, Remark
from opsconsole.operations.postgresql.soundness import look
from tests.servers.postgresql import Postgresql

# The server of the tests does not wait for its disk.
_FORGETS = Found(Remark.FORGETS, "fsync")
_OWNER = {_FORGETS, Found(Remark.CAN_EDIT_THE_AUDIT)}


async def _checked(conninfo: str) -> list[Finding]:
    found = await check_state(Settings(state=State(postgresql=conninfo)))
    return [each for each in found if each.path == ("state", "postgresql")]


def _name(conninfo: str) -> str:
    return conninfo.split("dbname=")[1].split()[0]


def _prepared(conninfo: str) -> str:
    with connect(conninfo) as link:
        schema.prepare(link)
    return conninfo


async def test_a_folder_is_not_looked_at() -> None:
    assert await check_state(Settings()) == []


async def test_a_server_that_is_away_is_an_error() -> None:
    (found,) = await _checked("host=127.0.0.1 port=1 dbname=x user=kim")
    assert found.weight is Weight.ERROR
    assert found.path == ("state", "postgresql")


@pytest.mark.parametrize(
    ("text", "mode", "weight", "said"),
    [
        (None, 0, Weight.NOTE, "no other host of this user carries on"),
        ("", 0, Weight.ERROR, "cannot read the mandate key"),
        ("short", 0o600, Weight.ERROR, "is too short"),
        ("k" * 40, 0o644, Weight.ERROR, "is not this user's alone"),
        ("k" * 40, 0o600, None, ""),
    ],
)
async def test_who_carries_on_when_this_host_is_gone(
    tmp_path: Path, text: str | None, mode: int, weight: Weight | None, said: str
) -> None:
    path = tmp_path / "key"
    if text:
        path.write_text(text)
        path.chmod(mode)
    key = None if text is None else str(path)
    state = State(postgresql="host=127.0.0.1 port=1 dbname=x user=kim", mandate_key=key)
    found = [
        (each.weight, each.message)
        for each in await check_state(Settings(state=state))
        if each.path == ("state", "mandate_key")
    ]
    assert [each for each, _ in found] == ([] if weight is None else [weight])
    assert all(said in message for _, message in found)


async def test_its_tables_are_looked_for_and_not_made(postgresql_database: str) -> None:
    assert Found(Remark.NO_TABLES) in look(postgresql_database)
    assert Found(Remark.NO_TABLES) in look(postgresql_database)
    with connect(_prepared(postgresql_database)) as owner:
        assert set(look(postgresql_database)) == _OWNER
        owner.execute("UPDATE opsconsole.versions SET version = 9, oldest = 9")
    assert [each.remark for each in look(postgresql_database)] == [
        Remark.FORGETS, Remark.WRONG_TABLES,
    ]  # fmt: skip
    assert any("this console knows" in each.message for each in await _checked(postgresql_database))


@pytest.mark.parametrize("acting", [True, False])
def test_what_a_role_may_is_said(
    postgresql_server: Postgresql, postgresql_database: str, acting: bool
) -> None:
    _prepared(postgresql_database)
    role = f"s{_name(postgresql_database)}"
    postgresql_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    mine = postgresql_server.conninfo(_name(postgresql_database), user=role)
    assert Remark.NO_RIGHT_TO_LOOK in {each.remark for each in look(mine)}
    with connect(postgresql_database) as owner:
        schema.grant(owner, role, acting=acting)
    remarks = {each.remark for each in look(mine)}
    assert remarks == {Remark.FORGETS} | (set() if acting else {Remark.NO_RIGHT_TO_ACT})


def test_a_pooler_is_named_and_one_that_cannot_be_used_is_an_error(
    postgresql_server: Postgresql, postgresql_database: str
) -> None:
    name = _name(_prepared(postgresql_database))
    pooled = postgresql_server.conninfo(name, port=postgresql_server.pooler())
    assert set(look(pooled)) == _OWNER | {Found(Remark.POOLED)}
    split = postgresql_server.conninfo(name, port=postgresql_server.pooler("statement"))
    assert look(split)[-1].remark is Remark.UNREACHABLE


def test_clocks_that_differ_are_said(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prepared(postgresql_database)
    for ahead, is_said in ((1.0, False), (5.0, True), (-5.0, True)):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: _now() + ahead)
        assert (Remark.CLOCKS in {each.remark for each in look(postgresql_database)}) is is_said


def _now() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)


def test_a_standby_can_only_be_read(private_postgresql: Postgresql) -> None:
    _prepared(private_postgresql.database("shared"))
    standby = private_postgresql.standby()
    remarks = {each.remark for each in look(standby.conninfo("shared"))}
    assert Remark.NO_PRIMARY in remarks
    assert Remark.UNREACHABLE not in remarks


def test_a_database_that_is_not_utf8_is_an_error(postgresql_server: Postgresql) -> None:
    make = sql.SQL("CREATE DATABASE {} ENCODING 'SQL_ASCII' TEMPLATE template0")
    postgresql_server.execute(make.format(sql.Identifier("latin")))
    found = look(postgresql_server.conninfo("latin"))
    assert Found(Remark.NOT_UTF8, "SQL_ASCII") in found


async def test_every_remark_has_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = tuple(Found(remark, "7.5") for remark in Remark)
    monkeypatch.setattr(soundness, "look", lambda conninfo: every)
    found = await _checked("service=x")
    assert len({each.message for each in found}) == len(Remark) - 1
    assert all(each.remedy for each in found if each.weight is not Weight.NOTE)
