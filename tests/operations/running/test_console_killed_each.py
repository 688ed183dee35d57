"""The console is killed or hung up during each kind of change: each ends with its verdict."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.model.operation import SILENCING, ActionKind, OperationState
from tests.operations.place import Place, ended
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]

_QUICK = "min_healthy: 100ms, deadline: 60s"
_CONFIG = f"""
state_dir: {{state}}
docker: []
operations: {{{{cooldown: 0.001ms, restart_limit: 1000, backups: backups}}}}
services:
  web:
    instances: [{{url}}]
    health: /health
    timeout: 1s
    actions:
      restart: {{{{http: {{{{post: /restart}}}}, {_QUICK}}}}}
      degrade: {{{{http: {{{{post: /degrade}}}}, {_QUICK}}}}}
      recover: {{{{http: {{{{post: /recover}}}}, {_QUICK}}}}}
      rollback: {{{{http: {{{{post: /rollback}}}}, {_QUICK}}}}}
      scale: {{{{http: {{{{post: /scale}}}}, {_QUICK}}}}}
      backup: {{{{files: [data], {_QUICK}}}}}
      test: {{{{it: {{{{http: {{{{post: /test}}}}, {_QUICK}}}}}}}}}
      call: {{{{it: {{{{http: {{{{post: /call}}}}, {_QUICK}}}}}}}}}
"""
_MORE = {
    ActionKind.RESTORE: ["--backup", "latest"],
    ActionKind.SCALE: ["--to", "2"],
    ActionKind.TEST: ["it"],
    ActionKind.CALL: ["it"],
}
# Silences are short calls to an Alertmanager, and tried where there is one.
_KINDS = [kind for kind in ActionKind if kind not in SILENCING]
_HUNG_UP = [ActionKind.DEGRADE, ActionKind.BACKUP, ActionKind.RESTORE]
_COPYING = {ActionKind.BACKUP, ActionKind.RESTORE}


def _furnish(place: Place, server: RecordingServer) -> Path:
    place.write(_CONFIG.format(state=place.state, url=server.url))
    data = place.config.parent / "data"
    data.mkdir()
    for number in range(400):
        (data / str(number)).write_bytes(b"%d" % number * 1000)
    return data


def _argv(place: Place, kind: ActionKind) -> list[str]:
    return [
        kind.value, "web", *_MORE.get(kind, []), "--yes", "--reason", "a test",
        "-c", str(place.config),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "death"),
    [(kind, signal.SIGKILL) for kind in _KINDS] + [(kind, signal.SIGHUP) for kind in _HUNG_UP],
)
async def test_it_ends_with_its_verdict(
    kind: ActionKind, death: signal.Signals, place: Place, serve: Serve
) -> None:
    server = serve()
    server.behaviour.answer, server.behaviour.slow = "slow", 0.3
    data = _furnish(place, server)
    if kind is ActionKind.RESTORE:
        argv = [sys.executable, "-m", "opsconsole", *_argv(place, ActionKind.BACKUP)]
        assert subprocess.run(argv, check=False, capture_output=True).returncode == 0  # noqa: ASYNC221
        (data / "7").write_bytes(b"broken")
    operator = place.operator()
    console = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "opsconsole", *_argv(place, kind)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def is_under_way() -> bool:
        newest = next(iter(operator.operations()), None)
        running = newest is not None and any(step.state == "running" for step in newest.steps)
        return newest is not None and newest.kind is kind and running

    await until(is_under_way)
    os.kill(console.pid, death)
    assert console.wait() == -death
    operation = await ended(operator, operator.operations()[0].id)
    assert operation.kind is kind
    assert operation.state is OperationState.VERIFIED, operation
    assert len(server.changes) == (0 if kind in _COPYING else 1)
    if kind is ActionKind.RESTORE:
        assert (data / "7").read_bytes() == b"7" * 1000


async def test_the_next_console_lists_it(
    place: Place, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    _furnish(place, server)
    argv = [sys.executable, "-m", "opsconsole", *_argv(place, ActionKind.RESTART), "--no-wait"]
    assert subprocess.run(argv, check=False, capture_output=True).returncode == 0  # noqa: ASYNC221
    operator = place.operator()
    await ended(operator, operator.operations()[0].id)
    assert main(["operations", "-c", str(place.config)]) == 0
    said = capsys.readouterr().out
    assert "verified" in said
    assert f"restart web  {operator.operations()[0].id}  by " in said
