"""A few small containers for the Docker panel, where an engine is available.

Invariant: what was made carries the engine object's label and is removed when the demo ends.
An engine that answers is preferred; a private one is used only when asked for. Choosing is
quick; starting takes seconds, and the fleet does not wait for it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from opsconsole.demo import docker_engine
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.private_engine import PrivateEngine

ABSENT: Final = (
    "Docker: no engine answers, so no containers are shown; on Debian `apt-get install docker.io`"
)
_WEB_CHECK: Final = "wget -q -O /dev/null http://127.0.0.1:8080/"
_CHATTER: Final = 'while true; do echo "batch: nothing to do"; sleep 10; done'


def choose_engine(cleanup: ExitStack, *, private: bool) -> Engine | None:
    """The engine that answers, else a private one that is not started yet, else None."""
    url = docker_engine.answering_engine()
    if url is not None:
        return Engine(url)
    if not private or docker_engine.why_no_private_engine():
        return None
    own = PrivateEngine()
    cleanup.callback(own.discard)
    return Engine(own.url, private=own)


def start_containers(engine: Engine, cleanup: ExitStack) -> list[str]:
    """Start a private engine, then three containers, and return their names.

    Raises ServerError or an error of the SDK.
    """
    if engine.is_private:
        engine.start()
    cleanup.callback(engine.close)
    suffix = "" if engine.is_private else f"-{engine.owner}"
    names = [f"demo-{name}{suffix}" for name in ("frontend", "cache", "batch")]
    frontend, cache, batch = names
    engine.run(
        frontend,
        healthcheck=_WEB_CHECK,
        ports={docker_engine.WEB_PORT: None},
        mem_limit="32m",
        restart="always",
    )
    engine.run(cache, mem_limit="64m")
    engine.run(batch, command=["sh", "-c", _CHATTER], mem_limit="16m")
    return names
