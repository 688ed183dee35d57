"""What an operation costs beyond the change itself: from the key press to the side effect.

Run ``python -m benchmarks.operations``. The peer is a bare ``docker restart`` of the same
container by the same engine; the floor of a runner's start is a bare interpreter. Without an
engine only the runner's start is measured, on a command that does nothing.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import ServerError
from opsconsole.model.operation import ActionKind, ActionRequest, Confirmation, Operation, Plan
from opsconsole.operations.operator import Operator
from opsconsole.operations.state_place import FolderPlace, StatePlace
from tests.servers.engines import obtain

ROUNDS = 10


@dataclass(frozen=True)
class Timing:
    """Seconds: to plan, to hand over to the runner, from intent to the first side effect."""

    plan: float
    perform: float
    start: float
    step: float


def _operator(folder: Path, actions: str, docker: str) -> Operator:
    path = folder / "opsconsole.yaml"
    path.write_text(
        f"docker: {docker}\n"
        "operations: {cooldown: 0.001ms, restart_limit: 1000}\n"
        f"services:\n  web:\n    actions:\n{actions}"
    )
    path.chmod(0o600)
    return Operator(
        load(path),
        base=folder,
        clock=SystemClock(),
        read_only=False,
        state=FolderPlace(folder / "state"),
        config_path=path,
    )


async def _once(operator: Operator, request: ActionRequest) -> Timing:
    began = time.perf_counter()
    plan = await operator.plan(request, None)
    assert isinstance(plan, Plan), plan
    planned = time.perf_counter()
    operation = await operator.perform(plan, Confirmation("web", "benchmark"))
    assert isinstance(operation, Operation), operation
    handed_over = time.perf_counter()
    while not operation.state.final:
        await asyncio.sleep(0.01)
        operation = operator.operation(operation.id) or operation
    step = operation.steps[0]
    assert step.started_at is not None
    assert step.ended_at is not None
    start = _seconds_between(operator.state, operation.id, "intent", "step begins")
    return Timing(planned - began, handed_over - planned, start, step.ended_at - step.started_at)


def _seconds_between(state: StatePlace, operation: str, first: str, then: str) -> float:
    records = [json.loads(row.record) for row in state.audit_rows()]
    mine = (record for record in records if record["operation"] == operation)
    at: dict[str, float] = {record["event"]: record["at"] for record in mine}
    return at[then] - at[first]


def _show(name: str, timings: list[Timing]) -> Timing:
    def median(pick: str) -> float:
        return float(statistics.median(getattr(timing, pick) for timing in timings))

    middle = Timing(*(median(pick) for pick in ("plan", "perform", "start", "step")))
    print(
        f"{name}: plan {middle.plan * 1000:.0f} ms, handed over {middle.perform * 1000:.0f} ms, "
        f"intent to first effect {middle.start * 1000:.0f} ms, call {middle.step * 1000:.0f} ms"
    )
    return middle


def _interpreter() -> float:
    """Seconds of a bare interpreter, the floor of any process of ours."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


async def _command() -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        actions = "      call:\n        nothing: {command: ['true']}\n"
        operator = _operator(Path(folder), actions, "[]")
        request = ActionRequest("web", ActionKind.CALL, "nothing")
        timings = [await _once(operator, request) for _ in range(ROUNDS)]
        operator.close()
    return _show("command", timings)


async def _docker(engine: Engine) -> None:
    name = f"bench-{engine.owner}"
    engine.run(name)
    bare = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        engine.client().api.restart(name, timeout=5)
        bare.append(time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        actions = f"      restart: {{docker: {name}, min_healthy: 10ms}}\n"
        operator = _operator(Path(folder), actions, f'{{host: "{engine.url}"}}')
        request = ActionRequest("web", ActionKind.RESTART)
        timings = [await _once(operator, request) for _ in range(ROUNDS)]
        operator.close()
    middle = _show("docker restart", timings)
    peer = statistics.median(bare)
    overhead = middle.plan + middle.start
    print(
        f"bare docker restart {peer * 1000:.0f} ms; an operation adds {overhead * 1000:.0f} ms "
        f"before it, {overhead / peer:.2f} times the restart itself"
    )


def main() -> int:
    """Measure, and fail when a runner takes half a second to start."""
    floor = _interpreter()
    middle = asyncio.run(_command())
    print(
        f"a runner acts {middle.start * 1000:.0f} ms after the intent: "
        f"{middle.start / floor:.1f} bare interpreters of {floor * 1000:.0f} ms (limit 500 ms)"
    )
    try:
        engine = obtain()
    except ServerError as error:
        print(f"no Docker Engine: {error}")
    else:
        try:
            asyncio.run(_docker(engine))
        finally:
            engine.close()
    return 0 if middle.start < 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
