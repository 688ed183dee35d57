"""Engines for tests: one of a test's own that it may break, and what is asked of containers."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.demo.docker_engine import (
    WEB_PORT,
    Engine,
    answering_engine,
    why_no_private_engine,
)
from opsconsole.demo.private_engine import PrivateEngine
from opsconsole.demo.processes import ServerError
from tests.patience import until

if TYPE_CHECKING:
    from docker.models.containers import Container


class _Suspendable(PrivateEngine):
    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the engine where it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def stands_still(self) -> bool:
        """Whether every thread of the engine is stopped; some take a while to notice the signal."""
        if self._process is None:
            return True
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        return all(_state(task / "stat") in "TXZ" for task in tasks)


class OwnEngine(Engine):
    """An engine of our own, whatever else answers. Raises ServerError where it cannot start."""

    def __init__(self) -> None:
        self._own = _Suspendable()
        try:
            self._own.start()
        except BaseException:
            self._own.discard()
            raise
        super().__init__(self._own.url, private=self._own)

    def stop(self) -> None:
        """Stop the engine, as an outage; ``start`` brings it back with its containers."""
        self._own.stop()

    def suspend(self) -> None:
        """Make the engine hang: it accepts connections and does not answer."""
        self._own.send_signal(signal.SIGSTOP)
        until(self._own.stands_still, every=0.01)

    def resume(self) -> None:
        """Let a suspended engine go on."""
        self._own.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """As ``Engine`` has it, suspended or not."""
        self.resume()
        super().close()


def _state(stat: Path) -> str:
    """The state letter of a thread, ``X`` once it is gone; proc(5)."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def obtain() -> Engine:
    """The engine that answers already, else one of our own; ServerError says what is missing."""
    url = answering_engine()
    if url is not None:
        return Engine(url)
    reason = why_no_private_engine()
    if reason:
        raise ServerError(f"no Docker Engine answers, and {reason}")
    return OwnEngine()


def wait_healthy(container: "Container") -> None:
    """Return once the container's HEALTHCHECK says healthy."""

    def is_healthy() -> bool:
        container.reload()
        return bool(container.attrs["State"].get("Health", {}).get("Status") == "healthy")

    until(is_healthy, every=0.1)


def host_port(container: "Container", inner: int = WEB_PORT) -> int:
    """The port on 127.0.0.1 at which the container's port ``inner`` is published."""
    container.reload()
    published = container.ports.get(f"{inner}/tcp")
    if not published:
        raise LookupError(f"{container.name} does not publish port {inner}")
    return int(published[0]["HostPort"])
