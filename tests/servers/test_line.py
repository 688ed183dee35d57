"""The line that tests cut does what it says."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.servers.line import Line


@pytest.fixture
def line() -> Iterator[Line]:
    """Leads to a server that says again what it hears."""

    def serve(door: socket.socket) -> None:
        while True:
            try:
                guest, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(guest,), daemon=True).start()

    def echo(guest: socket.socket) -> None:
        with guest:
            while said := guest.recv(100):
                guest.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, args=(door,), daemon=True).start()
        with Line(door.getsockname()[1]) as made:
            yield made
        door.shutdown(socket.SHUT_RDWR)


def called(line: Line) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=10)


def test_it_passes_on_what_is_said(line: Line) -> None:
    with called(line) as one:
        one.sendall(b"hello")
        assert one.recv(100) == b"hello"


def test_a_cut_ends_what_is_there_and_nothing_later(line: Line) -> None:
    with called(line) as one, called(line) as other:
        for each in (one, other):
            each.sendall(b"hello")
            assert each.recv(100) == b"hello"
        line.cut()
        assert [one.recv(100), other.recv(100)] == [b"", b""]
    test_it_passes_on_what_is_said(line)
    assert line.carried == 3
