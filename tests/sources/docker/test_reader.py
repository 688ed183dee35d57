"""A client serves one call at a time, and is kept only while all goes well."""

import socket
import threading
import time

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError
from opsconsole.sources.docker.reader import EngineReader
from tests.sources.docker_fakes import FakeDaemon, drip, fake_daemon, never, raw, reply
from tests.workloads import DOCKER

ID = "ab" * 32


def reader_of(daemon: FakeDaemon, timeout: float = 5.0) -> EngineReader:
    return EngineReader(DockerEndpoint(daemon.url, "test"), timeout)


def clients_made(daemon: FakeDaemon) -> int:
    """Each client begins with one question for the version."""
    return sum(path == "/version" for path in daemon.requests)


def test_calls_at_the_same_time_have_a_client_each_and_later_ones_share_them() -> None:
    together = threading.Barrier(4, timeout=10)

    def meet(peer: socket.socket, path: str) -> None:
        together.wait()
        reply({})(peer, path)

    with fake_daemon(stats=meet) as daemon:
        reader = reader_of(daemon)
        threads = [threading.Thread(target=reader.usage, args=(ID,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert clients_made(daemon) == 4

        for _ in range(10):
            reader.containers()
        assert clients_made(daemon) == 4
        reader.close()


def test_a_client_whose_call_failed_is_not_used_again() -> None:
    with fake_daemon(containers__json=raw(b"not http")) as daemon:
        reader = reader_of(daemon)
        for _ in range(3):
            with pytest.raises(DockerUnavailableError):
                reader.containers()
        assert clients_made(daemon) == 3
        reader.close()


def test_an_answer_that_is_an_error_keeps_the_client() -> None:
    with fake_daemon() as daemon:
        reader = reader_of(daemon)
        assert reader.inspect([ID], 5.0) == {ID: None}
        assert reader.swarm_services(DOCKER) is None
        assert clients_made(daemon) == 1
        reader.close()


def test_inspections_keep_to_their_budget() -> None:
    def slow(peer: socket.socket, path: str) -> None:
        time.sleep(0.2)
        reply({})(peer, path)

    with fake_daemon() as daemon:
        daemon.answers["/json"] = slow
        reader = reader_of(daemon)
        found = reader.inspect([f"{number:064x}" for number in range(50)], 0.5)
        assert 0 < len(found) < 10
        reader.close()


def test_a_stuck_container_costs_a_second_of_the_budget() -> None:
    def stuck(peer: socket.socket, path: str) -> None:
        if ID in path:
            never(peer, path)
        reply({})(peer, path)

    other = "cd" * 32
    with fake_daemon() as daemon:
        daemon.answers["/json"] = stuck
        reader = reader_of(daemon)
        found = reader.inspect([ID, other], 3.0)
        reader.close()

    assert found[ID] is None
    assert found[other] is not None


def test_the_thread_itself_is_free_again_at_the_deadline() -> None:
    with fake_daemon(containers__json=drip) as daemon:
        reader = reader_of(daemon, timeout=0.3)
        with pytest.raises(DockerUnavailableError) as caught:
            reader.containers()
        reader.close()

    assert caught.value.fault.kind is FaultKind.TIMEOUT


def test_a_redirect_is_not_followed() -> None:
    def redirect(peer: socket.socket, path: str) -> None:
        peer.sendall(
            b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\n"
            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )

    with fake_daemon(containers__json=redirect, elsewhere=reply([])) as daemon:
        reader = reader_of(daemon)
        with pytest.raises(DockerUnavailableError, match="307"):
            reader.containers()
        reader.close()

    assert "/elsewhere" not in daemon.requests


def test_an_id_is_never_a_path() -> None:
    with fake_daemon() as daemon:
        reader = reader_of(daemon)
        with pytest.raises(ValueError, match="not a container id"):
            reader.usage("../../volumes")
        reader.close()


def test_the_engines_own_error_is_passed_on() -> None:
    answer = reply({"message": "disk is full"}, status="500 Internal Server Error")
    with fake_daemon(containers__json=answer) as daemon:
        reader = reader_of(daemon)
        with pytest.raises(DockerUnavailableError) as caught:
            reader.containers()
        reader.close()

    assert caught.value.fault.kind is FaultKind.STATUS
    assert caught.value.fault.message == "Docker answered 500: disk is full"
