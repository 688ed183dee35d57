"""A real PostgreSQL for tests: a primary, standbys of it, and PgBouncer before it.

Invariant: everything is in a folder of the test on free loopback ports, and stops with it. Who
logs in is trusted. ``initdb`` and ``postgres`` refuse to run as root: there they run as nobody,
which may read whatever root may, because the project can be in a folder that is open to root alone.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from opsconsole.demo import binaries
from opsconsole.demo.processes import LOOPBACK, ServerError, ServerProcess, free_port, start

OWNER = "ops"
"""The superuser, who owns every database."""

_PROGRAMS = "usr/lib/postgresql/15/bin"
_NOBODY = 65534
_UNPRIVILEGED = (
    "setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--pdeathsig=KILL",
)  # fmt: skip
_SETTINGS = (
    "fsync=off",
    "jit=off",
    "shared_buffers=16MB",
    "max_connections=120",
    "wal_keep_size=64MB",
    "autovacuum=off",
)
_numbers = count()


def why_no_postgresql() -> str:
    """Why none can be started here; '' where one can."""
    if binaries.find_file(f"{_PROGRAMS}/postgres") is None:
        return "postgresql is not here; run make servers"
    return ""


class Postgresql:
    """One server, which a test may stop, start, suspend and promote.

    It listens on the loopback and on ``address``, where it trusts that network.
    """

    def __init__(
        self, folder: Path | None = None, *, port: int = 0, address: str = LOOPBACK
    ) -> None:
        self.address = address
        # The path of a socket is limited to 108 bytes.
        made = folder or Path(tempfile.mkdtemp(prefix="opsconsole-postgresql-"))
        self.folder, self.port = made, port or free_port()
        self._process: ServerProcess | None = None
        self._standbys: list[Postgresql] = []
        self._poolers: list[ServerProcess] = []
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)

    @property
    def data(self) -> Path:
        """The server's own files."""
        return self.folder / "data"

    def create(self) -> "Postgresql":
        """Make its files and start it."""
        self._run("initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync", "-L", _share())  # fmt: skip
        if self.address != LOOPBACK:
            with (self.data / "pg_hba.conf").open("a") as allowed:
                allowed.write(f"host all all {self.address}/24 trust\n")
        self.start()
        return self

    def start(self) -> None:
        """Start it, and return once it answers."""
        argv = [*_as_server(), _program("postgres"), "-D", str(self.data), "-p", str(self.port)]
        argv += ["-k", str(self.folder), *(word for each in _SETTINGS for word in ("-c", each))]
        argv += ["-c", f"listen_addresses={','.join({LOOPBACK, self.address})}"]
        self._process = start(
            "postgresql", argv, log=self.folder / "log", ready=self.answers, deadline=60.0,
            env=binaries.environment(), folder=self.folder,
        )  # fmt: skip

    def answers(self) -> bool:
        """Whether somebody can log in."""
        try:
            psycopg.connect(self.conninfo("postgres"), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it: those who are logged in are thrown out; ``at_once`` as a crash does."""
        if self._process is not None:
            # Of the group's leader alone: PostgreSQL's children are stopped by it.
            os.kill(self._process.pid, signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.stop(grace=10)
            self._process = None

    def suspend(self) -> None:
        """Answer no more, as a host that hangs."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after ``suspend``."""
        self._signal_all(signal.SIGCONT)

    def database(self, name: str = "") -> str:
        """A new, empty database; the words that lead to it."""
        name = name or f"d{os.getpid()}_{next(_numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.conninfo(name)

    def keep_tables_in(self, folder: Path) -> None:
        """Have databases that are made from now on stand in ``folder``; its log is elsewhere."""
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        where = sql.SQL("CREATE TABLESPACE apart LOCATION {}").format(str(folder))
        self.execute(where)
        self.execute(sql.SQL("ALTER DATABASE template1 SET TABLESPACE apart").format())

    def execute(self, statement: sql.Composed, database: str = "postgres") -> None:
        """Run a statement as the owner."""
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            connection.execute(statement)

    def conninfo(self, database: str, *, user: str = OWNER, port: int = 0) -> str:
        """How libpq is led to a database of it."""
        return f"host={LOOPBACK} port={port or self.port} dbname={database} user={user}"

    def standby(self) -> "Postgresql":
        """A copy that follows this one and can only be read; ``promote`` makes it a primary."""
        made = Postgresql(address=self.address)
        self._standbys.append(made)
        made._run(
            "pg_basebackup", "-d", self.conninfo("postgres"), "-D", made.data, "-R", "-X", "stream",
            "--checkpoint=fast", "--no-sync",
        )  # fmt: skip
        made.start()
        return made

    def promote(self) -> None:
        """Take over from the primary that this one followed."""
        self._run("pg_ctl", "promote", "-D", self.data, "-w")

    def pooler(self, mode: str = "transaction", users: Sequence[str] = ()) -> int:
        """The port of a PgBouncer before it, which pools by ``mode`` and lets ``users`` in too."""
        port = free_port()
        settings = self.folder / f"pgbouncer-{port}.ini"
        settings.write_text(
            f"[databases]\n* = host={LOOPBACK} port={self.port}\n[pgbouncer]\n"
            f"listen_addr = {','.join({LOOPBACK, self.address})}\n"
            f"listen_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder}/users.txt\nadmin_users = {OWNER}\n"
            f"pool_mode = {mode}\ndefault_pool_size = 4\nquery_wait_timeout = 5\n"
            "server_login_retry = 1\n"
        )
        names = "".join(f'"{each}" ""\n' for each in (OWNER, *users))
        (self.folder / "users.txt").write_text(names)
        program = binaries.find("pgbouncer")
        assert program is not None
        started = start(
            "pgbouncer",
            [*_as_server(), program, settings],
            log=self.folder / "pgbouncer.log",
            ready=lambda: _greets(port),
            env=binaries.environment(),
            folder=self.folder,
        )
        self._poolers.append(started)
        return port

    def close(self) -> None:
        """Stop all of it, and remove its files."""
        for pooler in self._poolers:
            pooler.stop()
        for each in self._standbys:
            each.close()
        if self._process is not None:
            self.resume()
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal_all(self, number: signal.Signals) -> None:
        """To the server and its children, which have sessions of their own."""
        assert self._process is not None
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for pid in (self._process.pid, *map(int, listed.split())):
            os.kill(pid, number)

    def _run(self, program: str, *words: str | Path) -> None:
        argv = [*_as_server(), _program(program), *map(str, words)]
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, env=binaries.environment(),
            stdin=subprocess.DEVNULL, cwd=self.folder,
        )  # fmt: skip
        if done.returncode:
            raise ServerError(f"{program} failed: {done.stdout[-500:]}{done.stderr[-500:]}")


def _as_server() -> Sequence[str]:
    return _UNPRIVILEGED if os.geteuid() == 0 else ()


def _program(name: str) -> str:
    found = binaries.find_file(f"{_PROGRAMS}/{name}")
    if found is None:
        raise ServerError(f"{name} is not on this machine", remedy="run make servers")
    return str(found)


def _share() -> Path:
    return Path(_program("postgres")).parents[4] / "share/postgresql/15"


def _greets(port: int) -> bool:
    try:
        psycopg.connect(
            f"host={LOOPBACK} port={port} dbname=postgres user={OWNER}", connect_timeout=2
        ).close()
    except psycopg.Error:
        return False
    return True
