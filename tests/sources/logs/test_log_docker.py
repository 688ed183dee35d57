"""Following containers of a real Docker Engine."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from docker.types import LogConfig

from opsconsole.config.settings import Docker
from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.sources.logs.docker import DockerFollower
from tests.patience import until
from tests.sources.logs.listening import Heard

pytestmark = pytest.mark.servers


@contextmanager
def following(name: str, engine: Engine) -> Iterator[Heard]:
    heard = Heard()
    follower = DockerFollower(name, [Docker(host=engine.url)], heard)
    follower.start()
    try:
        yield heard
    finally:
        follower.close()
        until(lambda: not follower.alive)


COUNT = "i=0; while [ $i -lt 5 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done; sleep 1000"


def test_both_streams_are_read_and_what_follows_too(docker_sandbox: Engine) -> None:
    command = ["sh", "-c", COUNT.replace("sleep 1000", "sleep 3; echo later; sleep 1000")]
    container = docker_sandbox.run("log-count", command=command)
    with following(str(container.name), docker_sandbox) as heard:
        until(lambda: "later" in heard.texts)
        assert sorted(heard.texts[:10]) == sorted(
            f"{word} {n}" for n in range(5) for word in ("line", "err")
        )
        assert all(line.at is not None for line in heard.raw)


def test_a_restart_doubles_and_loses_nothing(docker_sandbox: Engine) -> None:
    command = ["sh", "-c", COUNT.replace("sleep 1000", "sleep 2")]
    container = docker_sandbox.run("log-restart", command=command)
    with following(str(container.name), docker_sandbox) as heard:
        until(lambda: len(heard.raw) == 10)
        until(lambda: any("is exited" in each for each in heard.troubles))
        container.start()
        until(lambda: len(heard.raw) >= 20)
        until(lambda: len(heard.troubles) >= 3)
        assert len(heard.raw) == 20
        assert any("out of reach" in gap for gap in heard.gaps)


def test_a_container_made_anew_is_followed_from_its_beginning(docker_sandbox: Engine) -> None:
    first = docker_sandbox.run("log-anew", command=["sh", "-c", "echo first; sleep 1000"])
    name = str(first.name)
    with following(name, docker_sandbox) as heard:
        until(lambda: heard.texts == ["first"])
        first.remove(force=True)
        docker_sandbox.run("log-anew", command=["sh", "-c", "echo second; sleep 1000"])
        until(lambda: heard.texts == ["first", "second"])
        assert any("another container" in gap for gap in heard.gaps)


def test_a_container_that_is_not_there_is_told(docker_sandbox: Engine) -> None:
    with following("no-such-container", docker_sandbox) as heard:
        until(lambda: bool(heard.troubles))
        assert "No such container" in heard.troubles[0]


def test_a_log_driver_that_keeps_nothing_is_told_in_the_engine_s_words(
    docker_sandbox: Engine,
) -> None:
    container = docker_sandbox.client().containers.run(
        docker_sandbox.image(),
        ["sleep", "1000"],
        detach=True,
        labels={LABEL: docker_sandbox.owner},
        log_config=LogConfig(type="none"),
    )
    with following(str(container.name), docker_sandbox) as heard:
        until(lambda: bool(heard.troubles))
        assert "does not support reading" in heard.troubles[0]
