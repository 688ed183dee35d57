"""Fixtures of the operations' tests: a place to operate in, and real services."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.state_place import FolderPlace
from tests.operations.place import Place
from tests.operations.recording_server import RecordingServer
from tests.operations.three_users import GROUP, SERVICE

_ON_BOTH_STORES = {"test_book.py", "test_degrade.py", "test_maintenance.py"}
_OF_A_FOLDER = {"test_state_folder.py"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on a state in PostgreSQL too what is asked for, and what is kept for later always."""
    if "place" in metafunc.fixturenames:
        name = metafunc.definition.path.name
        both = os.environ.get("OPSCONSOLE_TEST_STORES") == "all" and name not in _OF_A_FOLDER
        both = both or name in _ON_BOTH_STORES
        stores = ["folder", "postgresql"] if both else ["folder"]
        metafunc.parametrize("place", stores, indirect=True)


@pytest.fixture(params=["folder", pytest.param("postgresql", marks=pytest.mark.servers)])
def state_place(request: pytest.FixtureRequest, tmp_path: Path) -> FolderPlace | PostgresqlPlace:
    """An empty state of each kind."""
    folder = tmp_path / "state"
    if request.param == "folder":
        return FolderPlace(folder)
    return PostgresqlPlace(request.getfixturevalue("postgresql_database"), folder)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty place; ``request.param`` says whose state it has."""
    on_a_server = request.param == "postgresql"
    database = request.getfixturevalue("postgresql_database") if on_a_server else ""
    made = Place(tmp_path, database)
    yield made
    made.close()


@pytest.fixture
def serve() -> Iterator[Callable[[], RecordingServer]]:
    """Starts recording services; they stop with the test."""
    started: list[RecordingServer] = []

    def start() -> RecordingServer:
        started.append(RecordingServer())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that everybody may walk; the service's own, the group's and root's are in it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name, uid, gid, mode in (
            ("service", SERVICE, SERVICE, 0o755),
            ("state", 0, GROUP, 0o2770),
            ("root", 0, 0, 0o700),
        ):
            (folder / name).mkdir()
            os.chown(folder / name, uid, gid)
            (folder / name).chmod(mode)
        (folder / "root" / "secret").write_text("root's own")
        yield folder
