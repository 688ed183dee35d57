"""A configuration in which every kind of change is declared, and what would betray one.

Invariant: ``requests_of`` is made from the program's own list of kinds, so that a kind that is
added there and not here fails the tests that use it.
"""

from collections.abc import Iterator
from pathlib import Path

from opsconsole.config.settings import Settings
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.operations.planning.declared import declared
from tests.operations.place import Place
from tests.operations.recording_server import RecordingServer

CONFIG = """
state_dir: {state}
docker: {{host: "{tcp}"}}
prometheus: {{url: {other}}}
alertmanager: {{url: {other}, name: pager}}
operations: {{cooldown: 0.001ms, restart_limit: 1000, backups: backups}}
services:
  web:
    instances: [{url}]
    health: /health
    timeout: 1s
    actions:
      restart: {{http: {{post: /restart}}, min_healthy: 0.1s, deadline: 5s}}
      degrade: {{http: {{post: /degrade}}, recover: {{http: {{post: /recover}}}}}}
      backup: {{files: [data]}}
      rollback: {{http: {{post: /rollback}}, min_healthy: 0.1s, deadline: 5s}}
      scale: {{http: {{post: /scale}}, min_healthy: 0.1s, deadline: 5s}}
      test:
        database: {{http: {{post: /test/database}}, effect: read}}
        purge: {{command: [touch, touched], effect: read}}
      call:
        look: {{http: {{get: /look}}, effect: read}}
        purge: {{command: [touch, touched]}}
"""

PARAMETERS = {
    "to": "2",
    "override": "yes",
    "alert": "0123456789abcdef",
    "silence": "11111111-2222-3333-4444-555555555555",
    "matcher.0": 'alertname="ServiceDown"',
}
"""What any kind may ask for."""


def write(place: Place, server: RecordingServer, other: RecordingServer, head: str = "") -> Path:
    """Make it the configuration of ``place``; the data that could be backed up."""
    text = CONFIG.format(
        state=place.state, url=server.url, other=other.url, tcp=other.url.replace("http", "tcp")
    )
    place.write(head + text)
    data = place.config.parent / "data"
    data.mkdir(exist_ok=True)
    (data / "model").write_bytes(b"good model")
    return data


def requests_of(settings: Settings) -> Iterator[tuple[ActionRequest, bool]]:
    """A request for each declared action of each name, and whether it only reads."""
    for name in ("web", "pager"):
        for found in declared(settings, name):
            request = ActionRequest(
                name, found.kind, found.name, "a test", duration=60.0, parameters=PARAMETERS
            )
            yield request, found.only_reads


def uncovered(settings: Settings) -> set[ActionKind]:
    """Kinds that the program knows and ``CONFIG`` declares nowhere."""
    return set(ActionKind) - {request.kind for request, _ in requests_of(settings)}


def outside(place: Place) -> dict[str, tuple[int, int, bytes]]:
    """All files that are no part of the state folder, with what a write would change.

    Those beside the configuration, and in the home folder, which is the test's own.
    """
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
        for root in (place.config.parent, Path.home())
        for path in root.rglob("*")
        if path.is_file() and not path.is_relative_to(place.state)
    }
