"""Three bastions, one PostgreSQL, and what goes wrong between them: counted at the service.

``OPSCONSOLE_TEST_SCHEDULES=200`` runs so many schedules instead of a few.
"""

import os

import pytest

from tests.operations.team.schedules import Schedule
from tests.servers.postgresql import Postgresql

SCHEDULES = int(os.environ.get("OPSCONSOLE_TEST_SCHEDULES", "1"))


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_two_bastions_are_at_a_service_at_once(
    seed: int, private_postgresql: Postgresql
) -> None:
    counts = Schedule(seed).run(private_postgresql)
    print(seed, *counts)
    assert (counts.twice, counts.at_once, counts.unsaid) == (0, 0, 0), counts
    assert counts.calls > 3
