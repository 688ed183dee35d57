"""The real program on a state in PostgreSQL: it acts, and changes nothing without it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import sql

from opsconsole.config.changes import changes
from opsconsole.config.loader import load
from opsconsole.errors import ConfigError, StateError
from opsconsole.operations.state_place import place_from, place_of
from tests.operations.place import http_config
from tests.operations.recording_server import RecordingServer
from tests.servers.postgresql import Postgresql


class Bastion:
    """A host of its own: folder, home, and the program as its people run it."""

    def __init__(self, folder: Path, conninfo: str, *servers: RecordingServer) -> None:
        self.state, self.config = folder / "state", folder / "opsconsole.yaml"
        folder.mkdir()
        where = f'state_dir: {self.state}\nstate: {{postgresql: "{conninfo}"}}\n'
        self.config.write_text(where + (http_config(*servers) if servers else ""))
        self.config.chmod(0o600)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "opsconsole", *words, "-c", str(self.config)]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "PGCONNECT_TIMEOUT": "2"},
        )  # fmt: skip


def test_an_operation_is_carried_out_and_read(
    tmp_path: Path, postgresql_database: str, serve: Callable[[], RecordingServer]
) -> None:
    server = serve()
    bastion = Bastion(tmp_path / "a", postgresql_database, server)
    made = bastion.run("state", "prepare")
    assert made.returncode == 0, made.stderr
    done = bastion.run("restart", "web", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    (operation,) = json.loads(bastion.run("operations", "--json").stdout)
    assert operation["state"] == "verified"
    assert [each.path for each in server.requests if each.method == "POST"] == ["/restart"]
    assert "the chain is whole" in bastion.run("audit", "verify").stdout
    assert not (bastion.state / "journal.db").exists()


def test_nothing_is_changed_and_no_file_is_used_while_the_server_is_away(
    tmp_path: Path, serve: Callable[[], RecordingServer]
) -> None:
    server = serve()
    bastion = Bastion(tmp_path / "a", "host=127.0.0.1 port=1 dbname=x", server)
    refused = bastion.run("restart", "web", "--yes", "--reason", "a test")
    assert refused.returncode != 0
    assert "cannot use the state in PostgreSQL" in refused.stdout + refused.stderr
    assert {each.method for each in server.requests} <= {"GET"}
    assert not (bastion.state / "journal.db").exists()
    seen = bastion.run("status", "--json")
    assert json.loads(seen.stdout)["services"][0]["state"] == "ok", "it is looked at all the same"


def test_who_may_look_reads_everything_and_changes_nothing(
    tmp_path: Path, postgresql_server: Postgresql, serve: Callable[[], RecordingServer]
) -> None:
    server, owner = serve(), postgresql_server.database()
    database = owner.split("dbname=")[1].split()[0]
    role = sql.Identifier(f"wall_{database}")
    postgresql_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    acts = Bastion(tmp_path / "a", owner, server)
    granted = acts.run("state", "grant", f"wall_{database}")
    assert granted.returncode == 0, granted.stderr
    done = acts.run("restart", "web", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    mine = postgresql_server.conninfo(database, user=f"wall_{database}")
    looks = Bastion(tmp_path / "b", mine, server)
    refused = looks.run("restart", "web", "--yes", "--reason", "a test")
    assert refused.returncode != 0
    assert "state grant" in refused.stdout + refused.stderr
    assert len([each for each in server.requests if each.method == "POST"]) == 1
    assert "the chain is whole" in looks.run("audit", "verify").stdout


def test_another_process_makes_the_same_state_of_its_name(tmp_path: Path) -> None:
    bastion = Bastion(tmp_path / "a", "service=x host=a,b")
    state = place_from(load(bastion.config))
    assert place_of(state.name).name == state.name
    assert place_of(state.name).log_of("x") == bastion.state / "logs" / "x.log"
    for name in ("postgresql:", "postgresql:{}", 'postgresql:["a"]', "postgresql:[1,2,3]"):
        with pytest.raises(StateError, match="not the name of a state"):
            place_of(name)


@pytest.mark.parametrize(
    "conninfo",
    [
        "host=a password=x", "host=a PASSWORD = 'x'", "postgresql://kim:x@db/ops",
        "postgres://kim:x@db", "postgresql://db/ops?password=x", "postgresql://db/?pass%77ord=x",
        "host=a sslpassword=x", "postgresql://kim:x@[db/ops", "postgresql://kim:a/x@db",
        "dbname=postgresql://kim:x@db/ops", "postgres://a,kim:x@db/ops",
    ],
)  # fmt: skip
def test_a_password_has_no_place_in_the_configuration(tmp_path: Path, conninfo: str) -> None:
    bastion = Bastion(tmp_path / "a", conninfo)
    with pytest.raises(ConfigError, match="does not belong"):
        load(bastion.config)


@pytest.mark.parametrize(
    "conninfo", ["service=ops", "postgresql://kim@db:5432/ops", "host=a passfile=/x", "host=/run"]
)
def test_what_leads_to_a_password_elsewhere_is_fine(tmp_path: Path, conninfo: str) -> None:
    settings = load(Bastion(tmp_path / "a", conninfo).config)
    assert settings.state.postgresql == conninfo
    other = settings.model_copy(
        update={"state": settings.state.model_copy(update={"postgresql": None})}
    )
    assert changes(settings, other).at_start_only == ("state",)
