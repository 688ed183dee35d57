"""The tables: made once, by who may, kept apart by rights, and used by two versions at once."""

import threading

import psycopg
import pytest
from psycopg import sql

from opsconsole.errors import StateError
from opsconsole.operations.postgresql import schema
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.postgresql.link import connect
from tests.servers.postgresql import Postgresql

_AUDIT = "INSERT INTO audit (seq, record, prev, hash) VALUES (?, '', '', '')"


def _role(server: Postgresql, where: str) -> tuple[str, str]:
    """A new role and what leads it to the database."""
    database = where.split("dbname=")[1].split()[0]
    role = f"r{database}"
    server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    return role, server.conninfo(database, user=role)


def test_many_that_come_at_once_make_the_tables_once(postgresql_server: Postgresql) -> None:
    where = postgresql_server.database()
    failed: list[Exception] = []

    def come() -> None:
        try:
            connection = connect(where)
            schema.prepare(connection)
            connection.close()
        except StateError as error:
            failed.append(error)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with connect(where) as connection:
        assert schema.version_of(connection) == (schema.VERSION, schema.OLDEST)


def test_who_may_make_no_tables_is_told_who_may(postgresql_server: Postgresql) -> None:
    _, mine = _role(postgresql_server, postgresql_server.database())
    database = PostgresqlDatabase(mine)
    with pytest.raises(StateError, match="let the owner of the database make them"):
        database.read("SELECT * FROM seen")
    database.close()


@pytest.mark.parametrize("acting", [False, True])
def test_a_role_does_what_it_was_granted_and_never_edits_the_audit(
    postgresql_server: Postgresql, acting: bool
) -> None:
    where = postgresql_server.database()
    owner = connect(where)
    schema.prepare(owner)
    role, theirs = _role(postgresql_server, where)
    schema.grant(owner, role, acting=not acting)
    schema.grant(owner, role, acting=acting)
    owner.execute(_AUDIT.replace("audit", "opsconsole.audit").replace("?", "1").encode())
    owner.close()
    database = PostgresqlDatabase(theirs)
    assert len(database.read("SELECT * FROM audit")) == 1
    for forbidden in (
        "UPDATE audit SET record = ''", "DELETE FROM audit", "UPDATE operations SET plan = ''",
        "UPDATE operations SET who = ''", "DELETE FROM operations", "DELETE FROM steps",
        "UPDATE notes SET text = ''", "UPDATE versions SET oldest = 9",
        "UPDATE ledger_records SET record = ''", "UPDATE recorded SET data = ''",
        "UPDATE recordings SET environment = ''", "TRUNCATE opsconsole.audit",
        "DROP TABLE opsconsole.audit",
    ):  # fmt: skip
        with pytest.raises(StateError, match=r"state grant|owner"), database.transaction() as it:
            it.change(forbidden)
    if acting:
        with database.transaction() as changes:
            changes.change(_AUDIT, (2,))
        assert database.once("SELECT nextval('opsconsole.lock_tokens')") == [(1,)]
        database.try_writing()
    else:
        with pytest.raises(StateError, match="state grant"):
            database.try_writing()
    assert len(database.read("SELECT * FROM audit")) == 1 + acting
    database.close()


def test_every_table_has_its_rights(postgresql_server: Postgresql) -> None:
    with connect(postgresql_server.database()) as connection:
        schema.prepare(connection)
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'opsconsole'"
        assert {name for (name,) in connection.execute(query)} == set(schema.ACTING)


def test_two_neighbouring_versions_work_side_by_side(
    postgresql_server: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgresql_server.database()
    earlier = PostgresqlDatabase(where)
    assert earlier.read("SELECT * FROM seen") == []
    with monkeypatch.context() as later:
        stage = "ALTER TABLE notes ADD COLUMN mark TEXT NOT NULL DEFAULT ''"
        later.setattr(schema, "STAGES", (*schema.STAGES, stage))
        later.setattr(schema, "VERSION", schema.VERSION + 1)
        upgraded = PostgresqlDatabase(f"{where} sslmode=prefer")  # connections of its own
        assert upgraded.read("SELECT mark FROM notes") == []
        upgraded.close()
    for database in (earlier, PostgresqlDatabase(where)):
        with database.transaction() as changes:
            values = "(1, 'kim', '', '', '', '')"
            columns = "at, who, host, service, text, scope"
            changes.change(f"INSERT INTO notes ({columns}) VALUES {values}")
        database.close()


def test_who_looked_and_acted_before_an_upgrade_does_so_after_it(
    postgresql_server: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgresql_server.database()
    added = ("recordings", "recorded")
    with monkeypatch.context() as before, connect(where) as owner:
        before.setattr(schema, "STAGES", schema.STAGES[:1])
        before.setattr(schema, "VERSION", 1)
        rights = {name: may for name, may in schema.ACTING.items() if name not in added}
        before.setattr(schema, "ACTING", rights)
        schema.prepare(owner)
        looking, seen = _role(postgresql_server, where)
        schema.grant(owner, looking, acting=False)
        name = sql.Identifier("acting_before")
        postgresql_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        schema.grant(owner, "acting_before", acting=True)
    with connect(where) as owner:
        schema.prepare(owner)
        assert schema.version_of(owner) == (schema.VERSION, schema.OLDEST)
    put = (
        "INSERT INTO recordings (id, environment, seen_by, keep) VALUES ('r', '', '', 9)"
        " RETURNING id"
    )
    acting = PostgresqlDatabase(seen.replace(looking, "acting_before"))
    assert acting.once(put) == [("r",)]
    wall = PostgresqlDatabase(seen)
    assert wall.read("SELECT id FROM recordings") == [("r",)]
    with pytest.raises(StateError, match="state grant"):
        wall.once(put)
    for database in (acting, wall):
        database.close()


def test_a_version_that_can_no_longer_use_it_is_refused(postgresql_server: Postgresql) -> None:
    where = postgresql_server.database()
    with connect(where) as owner:
        schema.prepare(owner)
        owner.execute("UPDATE opsconsole.versions SET version = 9, oldest = 9")
    database = PostgresqlDatabase(where)
    with pytest.raises(StateError, match="this console knows"):
        database.read("SELECT * FROM seen")
    database.close()


def test_a_stage_that_fails_leaves_the_tables_as_they_were(
    postgresql_server: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgresql_server.database()
    with connect(where) as owner:
        schema.prepare(owner)
        broken = "CREATE TABLE more (a INT); SELECT 1 / 0"
        monkeypatch.setattr(schema, "STAGES", (*schema.STAGES, broken))
        monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(StateError, match="division"):
            schema.prepare(owner)
        assert schema.version_of(owner) == (schema.VERSION - 1, schema.OLDEST)
        with pytest.raises(psycopg.errors.UndefinedTable):
            owner.execute("SELECT * FROM opsconsole.more")
