"""A socket whose other end is a program of another host, where that one lies."""

from contextlib import closing

import pytest

from opsconsole.machines.ssh import dialled
from opsconsole.machines.ssh.dialled import Dialled
from opsconsole.machines.ssh.logins import Target
from tests.patience import QUIET


class Lies(Target):
    """A far end that does what the line says, on this host."""

    __slots__ = ()

    @property
    def argv(self) -> tuple[str, ...]:
        return "sh", "-c", 'eval "$0"'


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialled, "ENDS_WITHIN", 0.0)


def test_an_ssh_ends_though_the_far_end_never_does() -> None:
    made = Dialled(Lies("liar", "liar"), "exec sleep 100000")
    with closing(made.socket) as line, line.makefile("rb") as read:
        assert len(read.readline()) > 32
    # Else each look at an engine that hangs would leave an ssh, a thread and two descriptors.
    made.complaint(QUIET)
    assert not made._drains.is_alive()
    assert made._ssh.returncode is not None
