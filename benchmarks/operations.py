"""What an operation costs beyond the change itself: from the key press to the side effect.

Run ``python -m benchmarks.operations``. The peer is a bare ``docker restart`` of the same
container by the same engine; the floor of a runner's start is a bare interpreter. Without an
engine only the runner's start is measured, on a command that does nothing. Before that, what
recording an operation of one step takes in the journal of a folder and, in turns, in that of a
PostgreSQL on loopback: the folder's waits for its disk, and the server of the tests does not.
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

from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import ServerError
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    OperationState,
    Plan,
)
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.sql_journal import SqlJournal
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.operator import Operator
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.state_place import FolderPlace, StatePlace
from tests.operations.journal.samples import intent, op
from tests.servers.engines import obtain
from tests.servers.postgresql import Postgresql, why_no_postgresql

ROUNDS = 10
ADDS = 50.0


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


def _recorded(journal: Journal, name: str) -> float:
    """Seconds that all of an operation's records take."""
    began = time.perf_counter()
    journal.submit(intent(name), 1.0)
    journal.advance(op(name), OperationState.DISPATCHED, 2.0)
    journal.step_begins(op(name), 0, 3.0, {"started": "then"})
    journal.step_ends(op(name), 0, "done", 4.0, "restarted")
    journal.advance(op(name), OperationState.VERIFYING, 5.0)
    journal.advance(op(name), OperationState.VERIFIED, 6.0, summary="fine")
    return time.perf_counter() - began


def _journals() -> int:
    """Fail when a PostgreSQL adds more than ``ADDS`` milliseconds to an operation."""
    lack = why_no_postgresql()
    if lack:
        print(lack)
        return 0
    server = Postgresql().create()
    with tempfile.TemporaryDirectory() as folder:
        there = SqliteJournal(prepare(Path(folder) / "state", shared=False))
        shared = SqlJournal(PostgresqlDatabase(server.database()))
        times: dict[str, list[float]] = {"folder": [], "server": []}
        for number in range(5 * ROUNDS):
            times["folder"].append(_recorded(there, f"n{number}"))
            times["server"].append(_recorded(shared, f"n{number}"))
        there.close()
        shared.close()
    server.close()
    folder_ms, server_ms = (1000 * statistics.median(each) for each in times.values())
    return report(
        [
            Figure("an operation's records in a folder", folder_ms, "ms"),
            Figure("the same in a PostgreSQL on loopback", server_ms, "ms"),
            Figure("which adds", max(0.0, server_ms - folder_ms), "ms", ADDS),
        ]
    )


def main() -> int:
    """Measure, and fail when a runner takes half a second to start."""
    missed = _journals()
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
    return missed or int(middle.start >= 0.5)


if __name__ == "__main__":
    sys.exit(main())
