"""Whether a Docker Engine is there, asked without its SDK."""

import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opsconsole.config.settings import Docker
from opsconsole.demo.docker_engine import Engine
from opsconsole.model.fault import FaultKind
from opsconsole.sources.docker.ping import ping
from opsconsole.sources.http.connector import Connector
from tests.sources.prometheus.test_source_hostile import reply, server


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    made = Connector()
    yield made
    await made.close()


async def test_a_real_engine_answers(docker_engine: Engine, connector: Connector) -> None:
    assert await ping(Docker(host=docker_engine.url), {}, connector) is None


async def test_an_engine_on_the_network_answers(connector: Connector) -> None:
    with server(reply(b"HTTP/1.1 200 OK\r\n", b"OK")) as url:
        docker = Docker(host=url.replace("http://", "tcp://"))
        assert await ping(docker, {}, connector) is None
    fault = await ping(docker, {}, connector)
    assert fault is not None
    assert fault.kind is FaultKind.CONNECT


async def test_another_server_on_the_socket_is_told_apart(
    tmp_path: Path, connector: Connector
) -> None:
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def talk() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"220 mail \x1b[2J\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        fault = await ping(Docker(host=f"unix://{place}"), {}, connector)
        thread.join()
    assert fault is not None
    assert fault.kind is FaultKind.NOT_UNDERSTOOD
    assert "\x1b" not in fault.message


async def test_what_cannot_be_asked_is_said(tmp_path: Path, connector: Connector) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    cases = [
        (Docker(host="ssh://ops@bastion.invalid"), FaultKind.CONNECT),
        (Docker(host="tcp://127.0.0.1:1", tls=str(tmp_path)), FaultKind.UNSUPPORTED),
        (Docker(host="unix:///nowhere/docker.sock"), FaultKind.ABSENT),
    ]
    for docker, kind in cases:
        fault = await ping(docker, {}, connector)
        assert fault is not None, docker
        assert fault.kind is kind
