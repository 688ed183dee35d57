"""Fixtures of the operations' tests: a place to operate in, and real services."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.place import Place
from tests.operations.recording_server import RecordingServer
from tests.operations.three_users import GROUP, SERVICE


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty place."""
    made = Place(tmp_path)
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
