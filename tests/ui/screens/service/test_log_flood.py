"""A flood on the screen of the real program: nothing shown is wrong, and the account is exact."""

import pytest

from benchmarks.logs import watch
from opsconsole.demo.docker_engine import Engine

pytestmark = [pytest.mark.servers, pytest.mark.terminal]


def test_every_row_of_a_flood_is_where_it_belongs(docker_sandbox: Engine) -> None:
    watched = watch(docker_sandbox, rate=25_000, seconds=2.0)
    assert watched.wrong == []
    assert watched.rows > 50
    assert watched.seen == watched.written == watched.last == 50_000
    assert 0 < watched.held <= 5_000
    assert max(watched.memory) < 250e6
