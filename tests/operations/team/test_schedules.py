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


def nobody_was_at_once(seed: int, counts: Counts) -> None:
    """What every schedule must show."""
    print(seed, counts)
    assert (counts.twice, counts.at_once, counts.unsaid) == (0, 0, 0), counts
    assert counts.calls > 3


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_two_bastions_are_at_a_service_at_once(
    seed: int, private_postgresql: Postgresql
) -> None:
    nobody_was_at_once(seed, Schedule(seed).run(private_postgresql))


@pytest.mark.parametrize("seed", range(SCHEDULES // 10))
def test_nor_while_a_standby_takes_over(seed: int, private_postgresql: Postgresql) -> None:
    more = fails_over(private_postgresql)
    nobody_was_at_once(seed, Schedule(1000 + seed).run(private_postgresql, more))


@pytest.mark.parametrize("seed", range(SCHEDULES // 10))
def test_nor_while_its_disk_is_full(seed: int, small_disk: Path) -> None:
    if lack := why_no_postgresql():
        pytest.skip(lack)
    (small_disk / "server").mkdir()
    server = Postgresql(small_disk / "server").create()
    try:
        more = is_filled(server, small_disk / "ballast")
        nobody_was_at_once(seed, Schedule(2000 + seed).run(server, more))
    finally:
        server.close()
