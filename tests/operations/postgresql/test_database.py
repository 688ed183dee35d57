"""A database of PostgreSQL: one order of writing, on whatever becomes of server and connection."""

import os
import threading
import traceback
from collections.abc import Iterator

import pytest
from psycopg import errors

from opsconsole.errors import StateError
from opsconsole.operations.database import TakenError
from opsconsole.operations.postgresql import database as module
from opsconsole.operations.postgresql import link
from opsconsole.operations.postgresql.database import PostgresqlDatabase, translated
from tests.clean import is_clean
from tests.patience import until
from tests.servers.postgresql import Postgresql

_ADD = "INSERT INTO seen (uid, until) VALUES (?::text, ?)"


@pytest.fixture
def opened() -> Iterator[list[PostgresqlDatabase]]:
    """What is closed with the test."""
    made: list[PostgresqlDatabase] = []
    yield made
    for each in made:
        each.close()


def test_a_statement_names_its_tables_with_their_schema() -> None:
    statement = (
        "UPDATE steps SET detail = ? WHERE operation IN (SELECT id FROM operations JOIN promises"
        " ON operations.id = promises.operation WHERE outcome LIKE 'a%') AND ordinal = ?"
    )
    assert translated(statement).as_string(None) == (
        "UPDATE opsconsole.steps SET detail = %s WHERE operation IN (SELECT id FROM"
        " opsconsole.operations JOIN opsconsole.promises ON operations.id = promises.operation"
        " WHERE outcome LIKE 'a%%') AND ordinal = %s"
    )
    upsert = "INSERT INTO seen VALUES (?) ON CONFLICT (uid) DO UPDATE SET until = excluded.until"
    assert translated(upsert).as_string(None).count("opsconsole.") == 1


@pytest.mark.parametrize("mode", ["", "transaction", "statement"])
def test_a_change_is_whole_or_not_at_all(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase], mode: str
) -> None:
    where = postgresql_server.database()
    if mode:
        name = where.split("dbname=")[1].split()[0]
        where = postgresql_server.conninfo(name, port=postgresql_server.pooler(mode))
    mine, other = PostgresqlDatabase(where), PostgresqlDatabase(where)
    opened += [mine, other]
    if mode == "statement":
        with pytest.raises(StateError), mine.transaction():
            pass
        return
    before = other.version()
    with mine.transaction() as changes:
        assert changes.change(_ADD, (1, 1.0)) == 1
        changes.change_each(_ADD, [(2, 2.0), (3, 3.0)])
        assert changes.rows("SELECT max(uid::bigint) FROM seen") == [(3,)]
        assert other.read("SELECT * FROM seen") == []
    assert other.version() != before
    for last, error in (((1, 4.0), TakenError), ((5, "no time"), StateError)):
        with pytest.raises(error), mine.transaction() as changes:
            changes.change_each(_ADD, [(4, 4.0), last])
    assert other.read("SELECT uid::bigint FROM seen ORDER BY uid::bigint") == [(1,), (2,), (3,)]


def test_writers_of_many_hosts_are_in_one_order(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    where = postgresql_server.database()
    ready = threading.Barrier(6)

    def write(database: PostgresqlDatabase) -> None:
        ready.wait()
        for _ in range(10):
            with database.transaction() as changes:
                ((last,),) = changes.rows("SELECT coalesce(max(uid::bigint), 0) FROM seen")
                changes.change(_ADD, (last + 1, 1.0))

    opened += [PostgresqlDatabase(where) for _ in range(6)]
    threads = [threading.Thread(target=write, args=(each,)) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened[0].read("SELECT uid::bigint FROM seen ORDER BY uid::bigint") == [
        (n,) for n in range(1, 61)
    ]


def test_a_writer_that_stops_in_the_middle_keeps_the_others_waiting_for_seconds(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    where = postgresql_server.database()
    stopped, other = PostgresqlDatabase(where), PostgresqlDatabase(where)
    opened += [stopped, other]
    stops = stopped.transaction()
    stops.__enter__().change(_ADD, (1, 1.0))
    until(lambda: _written(other, 2))
    with pytest.raises(StateError):
        stops.__exit__(None, None, None)
    assert other.read("SELECT uid::bigint FROM seen") == [(2,)]
    with stopped.transaction() as changes:
        changes.change(_ADD, (3, 3.0))


def test_a_server_that_was_restarted_is_used_again_at_once(
    private_postgresql: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    database = PostgresqlDatabase(private_postgresql.database())
    opened.append(database)
    with database.transaction() as changes:
        changes.change(_ADD, (1, 1.0))
    private_postgresql.stop()
    private_postgresql.start()
    assert database.read("SELECT uid::bigint FROM seen") == [(1,)]
    private_postgresql.stop()
    private_postgresql.start()
    with database.transaction() as changes:
        changes.change(_ADD, (2, 2.0))
    private_postgresql.stop()
    with pytest.raises(StateError, match="look at the server"):
        database.read("SELECT uid::bigint FROM seen")
    with pytest.raises(StateError, match="look at the server"), database.transaction():
        pass
    private_postgresql.start()
    assert len(until(lambda: _read(database))) == 2


def _read(database: PostgresqlDatabase) -> list[object]:
    try:
        return list(database.read("SELECT uid::bigint FROM seen"))
    except StateError:
        return []


def test_a_server_that_hangs_is_given_up(
    private_postgresql: Postgresql,
    opened: list[PostgresqlDatabase],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "DEADLINE", 0.5)
    monkeypatch.setattr(link, "_OPTIONS", {**link._OPTIONS, "connect_timeout": 2})
    database = PostgresqlDatabase(private_postgresql.database())
    opened.append(database)
    assert database.read("SELECT uid::bigint FROM seen") == []
    private_postgresql.suspend()
    with pytest.raises(StateError):
        database.read("SELECT uid::bigint FROM seen")
    with pytest.raises(StateError), database.transaction():
        pass
    private_postgresql.resume()
    until(lambda: _written(database))


def _written(database: PostgresqlDatabase, uid: int = 7) -> bool:
    try:
        with database.transaction() as changes:
            changes.change(_ADD, (uid, 1.0))
    except StateError:
        return False
    return True


def test_a_standby_is_read_and_a_change_goes_to_the_primary(
    private_postgresql: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    where = private_postgresql.database("shared")
    first = PostgresqlDatabase(where)
    opened.append(first)
    assert first.read("SELECT uid::bigint FROM seen") == []
    standby = private_postgresql.standby()
    alone = PostgresqlDatabase(standby.conninfo("shared"))
    both = PostgresqlDatabase(
        f"host=127.0.0.1,127.0.0.1 port={standby.port},{private_postgresql.port}"
        " dbname=shared user=ops"
    )
    opened += [alone, both]
    assert alone.read("SELECT uid::bigint FROM seen") == []
    with pytest.raises(StateError, match="read-only"), alone.transaction():
        pass
    assert alone.read("SELECT uid::bigint FROM seen") == [], "still readable after that"
    with both.transaction() as changes:
        changes.change(_ADD, (1, 1.0))
    until(lambda: _read(alone) == [(1,)])
    private_postgresql.stop(at_once=True)
    standby.promote()
    assert until(lambda: _read(both)) == [(1,)]
    until(lambda: _written(both))
    assert len(_read(both)) == 2


def test_texts_are_read_whatever_their_bytes(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    where = postgresql_server.database()
    database = PostgresqlDatabase(where)
    opened.append(database)
    with database.transaction() as changes:
        note = (
            "INSERT INTO notes (at, who, host, service, text, scope) VALUES (1, ?, '', '', '', '')"
        )
        changes.change(note, ("a\0b",))
    assert database.read("SELECT who FROM notes") == [("a\ufffdb",)]


def test_what_does_not_fit_is_an_error_that_says_so(
    postgresql_server: Postgresql,
    opened: list[PostgresqlDatabase],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = PostgresqlDatabase(postgresql_server.database())
    opened.append(database)
    monkeypatch.setattr(module, "MOST", 100_000)
    with pytest.raises(StateError, match="more than can be read"):
        database.read("SELECT repeat('x', 60000), repeat('y', 60000)")
    assert database.read("SELECT 1") == [(1,)]


def test_a_process_that_is_forked_has_connections_of_its_own(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    database = PostgresqlDatabase(postgresql_server.database())
    opened.append(database)
    backend = "SELECT pg_backend_pid()"
    mine = database.read(backend)
    assert database.read(backend) == mine, "the one that rests is used again"
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            found = database.read(backend)
            database.close()
            os.write(writing, b"own" if found != mine else b"the parent's")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"own"
    assert database.read(backend) == mine, "and was not ended by it"
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errors.DiskFull, "make room on the disk of the server"),
        (errors.InsufficientPrivilege, "state grant"),
        (errors.ReadOnlySqlTransaction, "name the primary"),
        (errors.QueryCanceled, "does not finish"),
        (errors.IdleInTransactionSessionTimeout, "was stopped in the middle"),
        (errors.UndefinedTable, "opsconsole check"),
        (errors.ConnectionFailure, "look at the server"),
    ],
)
def test_an_error_says_what_to_do(error: type[errors.Error], remedy: str) -> None:
    said = link.unusable(error("no\x1b[2J\nroom"))
    assert remedy in str(said)
    assert is_clean(str(said))


@pytest.mark.parametrize(
    "words",
    [
        "postgresql://kim:hunter2@[x/db",
        "postgresql://kim:hunter2%zz@x/db",
        "host=127.0.0.1 password=kim hunter2",
        "hunter2",
    ],
)
def test_what_libpq_does_not_understand_is_not_repeated(words: str) -> None:
    with pytest.raises(StateError, match="does not understand") as caught:
        PostgresqlDatabase(words).version()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_password_is_in_no_error() -> None:
    database = PostgresqlDatabase("host=127.0.0.1 port=1 user=kim password=hunter2 dbname=x")
    with pytest.raises(StateError) as told:
        database.read("SELECT 1")
    assert "hunter2" not in str(told.value)
    with pytest.raises(StateError):
        PostgresqlDatabase("nonsense").read("SELECT 1")


def test_nothing_of_the_driver_is_raised(
    postgresql_server: Postgresql, opened: list[PostgresqlDatabase]
) -> None:
    database = PostgresqlDatabase(postgresql_server.database())
    opened.append(database)
    for values in ((None, 1.0), (1, "no time"), ("x" * 201, 1.0)):
        with pytest.raises(StateError), database.transaction() as changes:
            changes.change(_ADD, values)
    assert database.read("SELECT * FROM seen") == []
