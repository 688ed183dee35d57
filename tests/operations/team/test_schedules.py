"""Three bastions, one PostgreSQL, and what goes wrong between them: counted at the service.

``OPSCONSOLE_TEST_SCHEDULES=200`` runs so many schedules instead of one, ``=50-100`` a part of them.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from opsconsole.operations.locks.lease import TERMS
from tests.operations.team.bastion import QUICK
from tests.operations.team.schedules import Networks, Schedule, fails_over, is_filled
from tests.servers.fixtures import need
from tests.servers.network import why_no_network
from tests.servers.postgresql import Postgresql, why_no_postgresql

_FIRST, _, _LAST = os.environ.get("OPSCONSOLE_TEST_SCHEDULES", "1").rpartition("-")
SCHEDULES = range(int(_FIRST or 0), int(_LAST))
SIZE = "size=120m"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk that is soon full, in a folder that a server may walk to; only root can make one."""
    folder = Path(tempfile.mkdtemp(prefix="opsconsole-disk-"))
    folder.chmod(0o755)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", SIZE, "none", folder], check=False, capture_output=True
    )
    try:
        if made.returncode:
            pytest.skip("no disk of its own can be mounted here")
        yield folder
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[Networks]:
    """One to the state, and one to the services."""
    lack = why_no_network()
    need("network", available=not lack, remedy=lack)
    made = Networks(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_server(networks: Networks) -> Iterator[Callable[[Path | None], Postgresql]]:
    """Makes servers on the state's network, which end with the test."""
    lack = why_no_postgresql()
    need("postgresql", available=not lack, remedy=lack)
    with ExitStack() as stack:

        def make(folder: Path | None = None) -> Postgresql:
            server = Postgresql(folder, address=networks.state.address)
            stack.callback(server.close)
            return server.create()

        yield make


@pytest.mark.servers
@pytest.mark.parametrize("seed", SCHEDULES)
def test_no_two_bastions_are_at_a_service_at_once(
    seed: int,
    networks: Networks,
    make_server: Callable[[Path | None], Postgresql],
    request: pytest.FixtureRequest,
) -> None:
    """In two of twenty a standby takes over, in one the server's disk is full for a while, in one
    that of its tables alone, and in one it is as on a real state, and a runner hangs for a minute.
    """
    more = None
    kind = seed % 20
    server = make_server(None) if kind != 9 else None
    terms = TERMS if kind == 7 else QUICK
    if kind in {9, 19}:
        disk: Path = request.getfixturevalue("small_disk")
        (disk / "server").mkdir()
        more = is_filled(disk / "ballast")
        if server is None:
            server = make_server(disk / "server")
        else:
            server.keep_tables_in(disk / "server")
    elif kind in {8, 18}:
        assert server is not None
        more = fails_over(server)
    assert server is not None
    counts = Schedule(seed, terms).run(server, networks, more)
    print(seed, counts)
    assert (counts.twice, counts.at_once, counts.unsaid) == (0, 0, 0), counts
    assert counts.calls > 3
