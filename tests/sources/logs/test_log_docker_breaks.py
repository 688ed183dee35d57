"""Following through breaks of a Docker Engine of the test's own, and of a Swarm."""

import time
from collections import Counter
from typing import Any

import pytest

from opsconsole.config.settings import Docker
from opsconsole.demo.docker_engine import Engine
from opsconsole.sources.logs.docker import DockerFollower
from tests.patience import until
from tests.servers.engines import OwnEngine
from tests.sources.logs.listening import Heard
from tests.sources.logs.test_log_docker import following

pytestmark = pytest.mark.servers

COUNTING = (
    "trap exit TERM; n=$(cat /n 2>/dev/null || echo 0); "
    "while true; do n=$((n+1)); echo $n > /n; echo line $n; usleep 10000; done"
)
"""Goes on counting where it was when the container is started again."""


def test_an_engine_that_is_restarted_loses_and_doubles_nothing(
    private_docker_engine: OwnEngine,
) -> None:
    engine = private_docker_engine
    container = engine.run("log-break", command=["sh", "-c", COUNTING], restart="always")
    name = str(container.name)
    with following(name, engine) as heard:
        until(lambda: len(heard.raw) > 50)
        engine.stop()
        until(lambda: bool(heard.troubles) and heard.troubles[-1] != "")
        engine.start()
        before = len(heard.raw)
        until(lambda: len(heard.raw) > before + 50)
        assert any("out of reach" in gap for gap in heard.gaps)
        assert heard.troubles[-1] == ""
        kept = engine.client().containers.get(name)
        until(lambda: kept.status == "running")
        kept.stop(timeout=1)
        written = kept.logs().decode().split("\n")[:-1]
        until(lambda: len(heard.raw) >= len(written))
        time.sleep(0.5)
        assert heard.texts == written


def test_a_line_is_told_once_when_an_engine_hangs_and_goes_on(
    private_docker_engine: OwnEngine,
) -> None:
    engine = private_docker_engine
    container = engine.run("log-hang", command=["sh", "-c", COUNTING])
    with following(str(container.name), engine) as heard:
        until(lambda: len(heard.raw) > 20)
        engine.suspend()
        time.sleep(1.0)
        before = len(heard.raw)
        engine.resume()
        until(lambda: len(heard.raw) > before + 50)
        numbers = [int(text.split()[1]) for text in heard.texts]
        assert numbers == list(range(1, len(numbers) + 1))


def test_the_tasks_of_a_swarm_service_are_one_log(swarm_engine: Engine) -> None:
    said = "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $HOSTNAME line $i; usleep 50000; done"
    client: Any = swarm_engine.client()
    client.services.create(
        swarm_engine.image(),
        name="log-swarm",
        command=["sh", "-c", f"{said}; sleep 1000"],
        mode={"Replicated": {"Replicas": 2}},
    )
    heard = Heard()
    engines = [Docker(host=swarm_engine.url)]
    follower = DockerFollower("log-swarm", engines, heard, swarm=True)
    follower.start()
    try:
        until(lambda: len(heard.raw) >= 80)
        assert all(line.at is not None for line in heard.raw)
        tasks = Counter(text.split()[0] for text in heard.texts)
        assert sorted(tasks.values()) == [40, 40]
        for task in tasks:
            mine = [text for text in heard.texts if text.startswith(task)]
            assert mine == [f"{task} line {n}" for n in range(1, 41)]
    finally:
        follower.close()
        until(lambda: not follower.alive)
