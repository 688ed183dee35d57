"""Fixtures of the operations' tests: a place to operate in, and real services."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.operations.place import Place
from tests.operations.recording_server import RecordingServer


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
