"""The PostgreSQL of the tests: pooled, suspended, followed, and gone with its parent."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.patience import until
from tests.servers.postgresql import Postgresql

_PARENT = """
import sys
from tests.servers.postgresql import Postgresql
server = Postgresql().create()
print(server.folder, flush=True)
sys.stdin.read()
"""


def _reads_only(server: Postgresql) -> bool:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        return bool(connection.execute("SELECT pg_is_in_recovery()").fetchall()[0][0])


def test_a_standby_takes_over_from_a_server_that_crashed(private_postgresql: Postgresql) -> None:
    standby = private_postgresql.standby()
    assert _reads_only(standby)
    private_postgresql.stop(at_once=True)
    standby.promote()
    assert not _reads_only(standby)


def test_a_server_that_is_suspended_answers_nobody(private_postgresql: Postgresql) -> None:
    private_postgresql.suspend()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(private_postgresql.conninfo("postgres"), connect_timeout=2)
    private_postgresql.resume()
    assert private_postgresql.answers()


def test_a_pooler_gives_each_transaction_another_connection(
    private_postgresql: Postgresql,
) -> None:
    where = private_postgresql.conninfo("postgres", port=private_postgresql.pooler())
    with (
        psycopg.connect(where, autocommit=True) as one,
        psycopg.connect(where, autocommit=True) as two,
    ):
        backend = "SELECT pg_backend_pid()"
        first = one.execute(backend).fetchall()
        with two.transaction():
            assert two.execute(backend).fetchall() == first
            assert one.execute(backend).fetchall() != first


def test_it_ends_with_the_process_that_started_it() -> None:
    argv = [sys.executable, "-c", _PARENT]
    parent = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    folder = Path(parent.stdout.readline().strip())
    pid = int((folder / "data/postmaster.pid").read_text().split()[0])
    parent.kill()
    parent.communicate()
    until(lambda: not Path(f"/proc/{pid}").exists())
