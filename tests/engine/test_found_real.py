"""A real engine without any names: a container comes, changes its image and goes, its engine dies.

Nothing that was found is missing from any snapshot in between, and the timeline has each of it.
"""

from pathlib import Path

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.events import EventCode
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.patience import until
from tests.servers.engines import OwnEngine

LABELS = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
WEB = "shop-web"


def test_what_is_found_lives_and_dies_without_a_flicker(
    private_docker_engine: OwnEngine, tmp_path: Path
) -> None:
    docker = private_docker_engine
    settings = Settings.model_validate(
        {
            "docker": {"host": docker.url, "interval": "500ms", "timeout": "2s"},
            "discover": {"docker": True, "forget": "3s"},
            "host": {"enabled": False},
        }
    )
    console = Engine(settings, base=tmp_path)
    seen: list[Snapshot] = []
    console.listen(seen.append)

    def comes_to(state: State, reason: str = "") -> None:
        def holds() -> bool:
            found = console.latest.service(WEB)
            return found is not None and found.state is state and reason in found.reason

        until(holds)

    def container(version: int) -> None:
        docker.run(f"{WEB}-1", labels=LABELS, restart="always", image=docker.image(version))

    console.start()
    try:
        container(1)
        comes_to(State.OK)
        client = docker.client()
        client.containers.get(f"{WEB}-1").remove(force=True)
        container(2)
        until(lambda: EventCode.IMAGE_CHANGED in codes(console))
        comes_to(State.OK)
        docker.stop()
        comes_to(State.UNKNOWN, "has not answered")
        docker.start()
        comes_to(State.OK)
        docker.client().containers.get(f"{WEB}-1").remove(force=True)
        comes_to(State.UNKNOWN, "gone: docker has no shop/web now")
        until(lambda: console.latest.service(WEB) is None)
    finally:
        console.stop()
    there = [each.service(WEB) is not None for each in seen]
    first, last = there.index(True), len(there) - 1 - there[::-1].index(True)
    assert all(there[first : last + 1]), "it was lost, and came again"
    assert codes(console).count(EventCode.FLEET_CHANGED) == 2, "it came once, and left once"
    assert {EventCode.ENDED, EventCode.REMOVED} <= set(codes(console))


def codes(console: Engine) -> list[EventCode]:
    return [each.code for each in console.latest.events]
