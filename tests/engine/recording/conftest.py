"""A recording as its own host reads it, and as another does, by way of a PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.fetched import FetchedArchive
from opsconsole.engine.recording.others import Others
from opsconsole.engine.recording.sharing import Sharing
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.shared_recordings import SharedRecordings
from tests.patience import QUIET

Opened: TypeAlias = Callable[[Path], Archive]

ENVIRONMENT = "production"
KEPT = 1e9


@pytest.fixture(scope="module", params=["file", pytest.param("shared", marks=pytest.mark.servers)])
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Opens a recording in which nothing is left to seal."""
    if request.param == "file":
        yield Archive
        return
    server = request.getfixturevalue("postgresql_server")
    with ExitStack() as cleanup:

        def fetch(path: Path) -> Archive:
            where = server.database()
            share(where, path)
            others = others_of(where, path.with_name("none.db"))
            cleanup.callback(others.close)
            (archive,) = others.all()
            return archive

        yield fetch


def recordings(where: str) -> SharedRecordings:
    """Those where ``where`` leads."""
    return SharedRecordings(PostgresqlDatabase(where))


def share(where: str, path: Path, keep: float = KEPT) -> None:
    """Send all of the recording at ``path``."""
    sharing = Sharing(path, recordings(where), ENVIRONMENT, keep)
    sharing.round()


def others_of(where: str, own: Path) -> Others:
    """What a host whose own recording is at ``own`` sees of the others."""
    return Others(recordings(where), ENVIRONMENT, own, within=QUIET)


def only(others: Others) -> FetchedArchive:
    """The one that there is."""
    (found,) = others.all()
    return found
