"""Three bastions, one PostgreSQL, and what goes wrong between them: counted at the service.

``OPSCONSOLE_TEST_SCHEDULES=200`` runs so many schedules instead of one.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.team.schedules import Counts, Schedule, fails_over, is_filled
from tests.servers.postgresql import Postgresql, why_no_postgresql

SCHEDULES = int(os.environ.get("OPSCONSOLE_TEST_SCHEDULES", "1"))
SIZE = "size=120m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", SIZE, "none", folder], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("no disk of its own can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.servers
@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_two_bastions_are_at_a_service_at_once(
    seed: int, request: pytest.FixtureRequest
) -> None:
    """In one of ten a standby takes over, in another one the server's disk is full for a while."""
    if seed % 10 == 9:
        counts = _with_little_room(seed, request.getfixturevalue("small_disk"))
    else:
        server = request.getfixturevalue("private_postgresql")
        counts = Schedule(seed).run(server, fails_over(server) if seed % 10 == 8 else None)
    print(seed, counts)
    assert (counts.twice, counts.at_once, counts.unsaid) == (0, 0, 0), counts
    assert counts.calls > 3


def _with_little_room(seed: int, disk: Path) -> Counts:
    if lack := why_no_postgresql():
        pytest.skip(lack)
    (disk / "server").mkdir()
    server = Postgresql(disk / "server").create()
    try:
        return Schedule(seed).run(server, is_filled(disk / "ballast"))
    finally:
        server.close()
