"""Several services in one plan: one after the other, each with its own operation and verdict."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    OperationState,
    Plan,
)
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.operator import Operator
from tests.operations.place import Place, ended, planned, refused
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]
S = OperationState

HEAD = """
docker: []
environment: {{name: production, danger: {danger}}}
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
"""
ONE = """
  {name}:
    instances: [{url}]
    timeout: 5s
    health: /health
    actions:
      restart: {{http: {{post: /restart, timeout: 2s}}, min_healthy: 50ms, deadline: 2s}}
"""


def write(place: Place, servers: dict[str, RecordingServer], danger: str = "low") -> None:
    services = "".join(ONE.format(name=name, url=each.url) for name, each in servers.items())
    without = "\n  bare: {instances: ['http://127.0.0.1:1']}\n"
    place.write(f"state_dir: {place.state}" + HEAD.format(danger=danger) + services + without)


def fleet(serve: Serve) -> dict[str, RecordingServer]:
    return {name: serve() for name in ("api", "cache", "db")}


async def plans_of(operator: Operator, names: Sequence[str]) -> tuple[Plan, ...]:
    requests = [ActionRequest(name, ActionKind.RESTART, reason="a test") for name in names]
    return tuple([await planned(operator, request) for request in requests])


async def begun(operator: Operator, names: Sequence[str], typed: str = "") -> Operation:
    first, *then = await plans_of(operator, names)
    started = await operator.perform(first, Confirmation(typed, "a test"), tuple(then))
    assert isinstance(started, Operation), started
    return started


async def over(place: Place, operator: Operator, count: int) -> dict[str, Operation]:
    """The operations of the group once each has its end."""

    def all_of_it() -> bool:
        runs = operator.operations()
        return len(runs) == count and all(run.state.final for run in runs)

    await until(all_of_it, moves=operator.operations)
    assert verify(place.there.audit_rows()).whole
    return {run.service: run for run in reversed(operator.operations())}


async def test_each_has_its_operation_and_verdict_in_turn(place: Place, serve: Serve) -> None:
    servers = fleet(serve)
    write(place, servers)
    operator = place.operator()
    first = await begun(operator, ["db", "api", "cache"])
    runs = await over(place, operator, 3)
    assert [run.state for run in runs.values()] == [S.VERIFIED] * 3, runs
    assert list(runs) == ["db", "api", "cache"]
    assert [len(each.changes) for each in servers.values()] == [1, 1, 1]
    ends = {name: run.ended_at or 0.0 for name, run in runs.items()}
    assert runs["api"].started_at >= ends["db"], "the next waits for the verdict"
    assert runs["cache"].started_at >= ends["api"]
    groups = [run.group for run in runs.values()]
    assert first.group is not None
    assert [(each.id, each.number, each.count, each.then) for each in groups if each] == [
        (first.group.id, 1, 3, ("api", "cache")),
        (first.group.id, 2, 3, ("cache",)),
        (first.group.id, 3, 3, ()),
    ]
    rows = [json.loads(row.record) for row in place.there.audit_rows()]
    intents = [row["group"]["id"] for row in rows if row["event"] == "intent"]
    assert intents == [first.group.id] * 3, "the audit joins them as well"
    await until(lambda: place.there.mandates.all() == ())


async def test_it_stops_at_the_first_that_is_not_verified(place: Place, serve: Serve) -> None:
    servers = fleet(serve)
    servers["cache"].behaviour.heals = False
    servers["cache"].behaviour.healthy = False
    write(place, servers)
    operator = place.operator()
    await begun(operator, ["api", "cache", "db"])
    runs = await over(place, operator, 3)
    assert runs["api"].state is S.VERIFIED
    assert runs["cache"].state is S.FAILED, runs["cache"]
    assert runs["db"].state is S.REFUSED
    assert runs["db"].summary == "not begun: cache before it was failed"
    assert runs["db"].begun_nothing
    assert servers["db"].changes == []


async def test_what_somebody_else_is_at_in_its_turn_is_not_begun(
    place: Place, serve: Serve
) -> None:
    servers = fleet(serve)
    servers["api"].behaviour.answer = "slow"
    write(place, servers)
    operator, other = place.operator(), place.operator()
    servers["cache"].behaviour.answer = "hang"
    await begun(operator, ["api", "cache", "db"])
    (theirs,) = await plans_of(other, ["cache"])
    held = await other.perform(theirs, Confirmation("cache", "mine"))
    assert isinstance(held, Operation)

    def refused_ones() -> list[Operation]:
        return [run for run in operator.operations() if run.state is S.REFUSED]

    await until(lambda: len(refused_ones()) == 2, moves=operator.operations)
    said = {run.service: run.summary for run in refused_ones()}
    assert "restart of cache" in said["cache"] or "cache" in said["cache"]
    assert said["cache"].endswith("nothing was done")
    assert said["db"] == "not begun: cache before it was refused"
    assert servers["db"].changes == []
    await ended(other, held.id)


async def test_the_number_is_what_confirms_it_and_the_reason_where_danger_is_high(
    place: Place, serve: Serve
) -> None:
    write(place, fleet(serve), danger="high")
    operator = place.operator()
    first, *then = await plans_of(operator, ["api", "db"])
    for typed in ("", "api", "3"):
        answer = await operator.perform(first, Confirmation(typed, "why"), tuple(then))
        assert refused(answer) == "wrong-confirmation"
    without = [
        await operator.plan(ActionRequest(name, ActionKind.RESTART), None) for name in ("api", "db")
    ]
    plans = tuple(each for each in without if isinstance(each, Plan))
    answer = await operator.perform(plans[0], Confirmation("2", ""), plans[1:])
    assert refused(answer) == "reason-missing"
    assert operator.operations() == ()
    await begun(operator, ["api", "db"], typed="2")
    runs = await over(place, operator, 2)
    assert [run.state for run in runs.values()] == [S.VERIFIED] * 2
    assert {run.reason for run in runs.values()} == {"a test"}


async def test_one_service_twice_and_a_console_that_is_read_only_are_refused(
    place: Place, serve: Serve
) -> None:
    write(place, fleet(serve))
    operator = place.operator()
    first, *then = await plans_of(operator, ["api", "db"])
    doubled = await operator.perform(first, Confirmation(), (first,))
    assert refused(doubled) == "bad-parameter"
    closed = await place.operator(read_only=True).perform(first, Confirmation(), tuple(then))
    assert refused(closed) == "read-only"
    assert operator.operations() == ()
    assert place.there.mandates.all() == ()


async def test_a_configuration_that_becomes_read_only_ends_it_in_the_executor(
    place: Place, serve: Serve
) -> None:
    servers = fleet(serve)
    servers["api"].behaviour.answer = "slow"
    write(place, servers)
    operator = place.operator()
    await begun(operator, ["api", "db"])
    await until(lambda: bool(servers["api"].changes))
    place.write("read_only: true\n" + place.config.read_text())
    runs = await over(place, operator, 2)
    assert runs["db"].state is S.REFUSED
    assert servers["db"].changes == []


@pytest.mark.parametrize("dies", ["console", "keeper"])
async def test_it_goes_on_though_who_began_it_is_killed(
    dies: str, place: Place, serve: Serve
) -> None:
    servers = fleet(serve)
    servers["api"].behaviour.answer = "slow"
    write(place, servers)
    console = command(place, "restart", "api", "cache", "db", "--yes", "--reason", "a test")
    await until(lambda: bool(servers["api"].changes))
    if dies == "console":
        os.kill(console.pid, signal.SIGKILL)
    else:
        await place.kill_keeper()
    console.communicate()
    operator = place.operator()
    await operator.reconcile()
    runs = await over(place, operator, 3)
    assert [run.state for run in runs.values()] == [S.VERIFIED] * 3, runs
    assert [len(each.changes) for each in servers.values()] == [1, 1, 1], "each once"


def command(place: Place, *words: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "opsconsole", *words, "-c", str(place.config)]
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


async def said(place: Place, *words: str) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    process = command(place, *words)
    await until(lambda: process.poll() is not None)
    return process.returncode, process.communicate()[0]


async def test_the_command_says_which_cannot_and_carries_out_the_others(
    place: Place, serve: Serve
) -> None:
    servers = fleet(serve)
    write(place, servers)
    code, text = await said(place, "restart", "api", "bare", "db", "--yes", "--reason", "a test")
    assert "restart 2 services, 2 copies, one after the other." in text
    assert "! 2 of 3 can: bare: restart is not declared for bare" in text
    assert "2 of 2 verified" in text
    assert code == 2, "not all that was asked for was done"
    code, text = await said(place, "restart", "api", "db", "--yes", "--json")
    document = json.loads(text)
    assert code == 0
    assert [each["service"] for each in document["operations"]] == ["api", "db"]
    assert {each["group"]["id"] for each in document["operations"]} == {document["group"]}
    code, text = await said(place, "operations", document["group"])
    assert "1 of 2 of group" in text
    assert "2 of 2 of group" in text


async def test_a_dry_run_of_several_prints_every_plan_and_why_one_cannot(
    place: Place, serve: Serve
) -> None:
    servers = fleet(serve)
    write(place, servers)
    code, text = await said(place, "restart", "api", "bare", "db", "--dry-run")
    assert code == 2
    assert "restart api in production" in text
    assert "restart db in production" in text
    assert "bare: restart is not declared" in text
    assert all(not each.changes for each in servers.values())
    code, text = await said(place, "restart", "api", "db", "--instance", "x", "--dry-run")
    assert code == 64
