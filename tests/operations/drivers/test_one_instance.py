"""One instance alone: the one that is asked for and no other, or a refusal that says why."""

import json
from collections.abc import Callable

import pytest

from opsconsole.cli.main import main
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, http_config, performed, planned, refused
from tests.operations.recording_server import Behaviour, RecordingServer

Serve = Callable[[], RecordingServer]

_ONE = ActionRequest("web", ActionKind.RESTART, parameters={"instance": "web-2"})


async def test_it_is_restarted_and_verified_alone(place: Place, serve: Serve) -> None:
    healthy, other, sick = serve(), serve(), serve()
    sick.behaviour = Behaviour(healthy=False, heals=False)
    place.write(http_config(healthy, other, sick))
    operator = place.operator()
    plan = await planned(operator, _ONE)
    assert [step.instance for step in plan.steps] == ["web-2"]
    assert plan.verification[-1].startswith("web-2, and all that is healthy now, healthy for")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, "one that was ill before counts for nothing"
    assert [len(each.changes) for each in (healthy, other, sick)] == [0, 1, 0]


async def test_one_that_does_not_come_back_fails(place: Place, serve: Serve) -> None:
    healthy, other = serve(), serve()
    other.behaviour = Behaviour(healthy=False, heals=False)
    place.write(http_config(healthy, other, action="min_healthy: 100ms, deadline: 1s"))
    operator = place.operator()
    operation = await ended(operator, (await performed(operator, await planned(operator, _ONE))).id)
    assert operation.state is OperationState.FAILED
    assert "web-2 not healthy" in operation.summary
    assert healthy.changes == []


@pytest.mark.parametrize(
    ("restart", "code", "told"),
    [
        ("systemd: web", "bad-parameter", "systemd cannot restart one instance of web alone"),
        ("http: {post: /restart}", "bad-parameter", "web has no instance web-9"),
        ("http: {post: 'http://127.0.0.1:9/all'}", "cannot-look", "is called once, for all of web"),
        ("command: [touch, all]", "cannot-look", "the command does not take an instance"),
    ],
)
async def test_what_would_touch_others_is_refused(
    restart: str, code: str, told: str, place: Place, serve: Serve
) -> None:
    server = serve()
    wanted = "web-9" if "web-9" in told else "web-1"
    place.write(f"""
docker: []
services:
  web:
    instances: [{server.url}, {server.url}/]
    actions: {{restart: {{{restart}}}}}
""")
    request = ActionRequest("web", ActionKind.RESTART, parameters={"instance": wanted})
    answer = await place.operator().plan(request, None)
    assert refused(answer) == code
    assert told in str(answer)
    assert server.changes == []


async def test_a_command_is_told_which(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(f"""
docker: []
services:
  web:
    instances: [{server.url}, {server.url}/]
    actions: {{restart: {{command: [touch, "restarted-{{instance}}"]}}}}
""")
    plan = await planned(place.operator(), _ONE)
    assert plan.steps[0].summary == "run touch restarted-web-2"
    everything = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(everything) == "cannot-look"
    assert "--instance" in str(everything)


def test_from_the_command_line(
    place: Place, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    place.write(f"state_dir: {place.state}\n" + http_config(serve(), serve()))
    argv = ["restart", "web", "--instance", "web-2", "--dry-run", "-c", str(place.config)]
    assert main(argv) == 0
    told = capsys.readouterr().out
    assert "at web-2" in told
    assert "at web-1" not in told


def restart_of(
    place: Place, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, object]]:
    """The code and the document of a plan by the command line."""
    argv = ["restart", "web", *options, "--dry-run", "--json", "-c", str(place.config)]
    code = main(argv)
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "restarted"),
    [
        ((), ["web-2"]),
        (("--unhealthy",), ["web-2"]),
        (("--all",), ["web-1", "web-2", "web-3"]),
        (("--instance", "web-1"), ["web-1"]),
        (("--instance", "web-1,web-3"), ["web-1", "web-3"]),
    ],
)
def test_with_one_of_three_ill_a_command_means_that_one(
    place: Place,
    serve: Serve,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    restarted: list[str],
) -> None:
    servers = serve(), serve(), serve()
    servers[1].behaviour = Behaviour(healthy=False)
    place.write(f"state_dir: {place.state}\n" + http_config(*servers))
    code, plan = restart_of(place, capsys, *options)
    assert code == 0
    summaries = [step["summary"] for step in plan["steps"]]  # type: ignore[attr-defined]
    assert sorted(each.rpartition(" ")[2] for each in summaries) == restarted
    copies = plan["copies"]
    assert [each["name"] for each in copies if each["chosen"]] == restarted  # type: ignore[attr-defined]
    assert [each["state"] for each in copies] == ["ok", "down", "ok"]  # type: ignore[attr-defined]


def test_with_all_healthy_unhealthy_ones_are_refused(
    place: Place, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    place.write(f"state_dir: {place.state}\n" + http_config(serve(), serve()))
    code, answer = restart_of(place, capsys, "--unhealthy")
    assert (code, answer["refused"]) == (2, "nothing-to-do")


async def test_what_was_chosen_is_restarted_and_verified_and_nothing_else(
    place: Place, serve: Serve
) -> None:
    servers = serve(), serve(), serve()
    for sick in servers[1:]:
        sick.behaviour = Behaviour(healthy=False, heals=True)
    place.write(http_config(*servers))
    operator = place.operator()
    usual = ActionRequest("web", ActionKind.RESTART, parameters={"copies": "usual"})
    plan = await planned(operator, usual)
    assert plan.verification[-1].startswith("web-2, web-3, and all that is healthy now")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation
    assert [len(each.changes) for each in servers] == [0, 1, 1]
