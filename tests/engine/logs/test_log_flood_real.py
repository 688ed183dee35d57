"""A flood from a container of a real Docker Engine."""

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Docker
from opsconsole.demo.docker_engine import Engine
from opsconsole.engine.logs.intake import LogIntake
from opsconsole.engine.logs.ring import LogRing
from opsconsole.sources.logs.docker import DockerFollower
from tests.patience import until

pytestmark = pytest.mark.servers


def test_a_flood_from_a_container_is_counted_exactly(docker_sandbox: Engine) -> None:
    clock = SystemClock()
    intake = LogIntake(LogRing("flood"), clock, "auto")
    follower = DockerFollower("log-flood", [Docker(host=docker_sandbox.url)], intake)
    follower.start()
    try:
        until(lambda: intake.troubled)
        count = 300_000
        docker_sandbox.run("log-flood", command=["sh", "-c", f"seq 1 {count}; sleep 1000"])

        def seen() -> int:
            intake.settle()
            return intake.ring.status(clock.wall()).seen

        until(lambda: seen() >= count, moves=seen, every=0.1)
        status = intake.ring.status(clock.wall())
        assert status.seen == count == status.held + status.pushed_out + status.dropped
        assert status.dropped > 0
        assert status.held <= 5000
        assert intake.ring.lines()[-1].text == str(count)
    finally:
        follower.close()
        until(lambda: not follower.alive)
