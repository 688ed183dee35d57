"""Scaling a set of identical containers, on a real engine."""

from typing import Any

import pytest

from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.demo.processes import free_port
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState


def _config(engine: Engine, which: str, more: str = "") -> str:
    return f"""
docker: {{host: "{engine.url}"}}
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      scale:
        docker: {{{which}, stop_timeout: 1s}}
        minimum: 1
        maximum: 4
        min_healthy: 300ms
        deadline: 5s
{more}
"""


def _request(to: str) -> ActionRequest:
    return ActionRequest("web", ActionKind.SCALE, reason="a test", parameters={"to": to})


async def _scaled(place: Place, to: int) -> Operation:
    operator = place.operator()
    plan = await planned(operator, _request(str(to)))
    return await ended(operator, (await performed(operator, plan)).id)


def _attrs(engine: Engine) -> dict[str, Any]:
    mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={engine.owner}"}
    found = engine.client().containers.list(all=True, filters=mine)
    return {str(each.name): each.attrs for each in found}


async def test_up_by_copies_of_the_first_and_down_by_the_highest_numbers(
    docker_sandbox: Engine, place: Place
) -> None:
    stem = f"web-{docker_sandbox.owner}"
    docker_sandbox.run(
        f"{stem}-1",
        mem_limit="24m",
        environment={"MODE": "production"},
        ports={8080: None},
        healthcheck="wget -q -O /dev/null http://127.0.0.1:8080/",
    )
    place.write(_config(docker_sandbox, f"containers: ['{stem}-*']"))
    operation = await _scaled(place, 3)
    assert operation.state is _S.VERIFIED, operation
    attrs = _attrs(docker_sandbox)
    assert sorted(attrs) == [f"{stem}-{number}" for number in (1, 2, 3)]
    assert len({each["Config"]["Hostname"] for each in attrs.values()}) == 3
    ports = [each["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"] for each in attrs.values()]
    assert len(set(ports)) == 3
    for each in attrs.values():
        assert each["HostConfig"]["Memory"] == 24 << 20
        assert "MODE=production" in each["Config"]["Env"]
        assert each["State"]["Health"]["Status"] == "healthy"

    operation = await _scaled(place, 1)
    assert operation.state is _S.VERIFIED, operation
    assert [step.summary.split()[4] for step in operation.steps] == [f"{stem}-3", f"{stem}-2"]
    assert list(_attrs(docker_sandbox)) == [f"{stem}-1"]


async def test_by_label_and_from_a_name_without_a_number(
    docker_sandbox: Engine, place: Place
) -> None:
    name = f"worker{docker_sandbox.owner}x"
    docker_sandbox.run(name, labels={"role": f"worker-{docker_sandbox.owner}"})
    place.write(_config(docker_sandbox, f"label: role=worker-{docker_sandbox.owner}"))
    assert (await _scaled(place, 2)).state is _S.VERIFIED
    assert sorted(_attrs(docker_sandbox)) == [name, f"{name}-2"]


async def test_stops_at_the_first_copy_that_does_not_stay_up(
    docker_sandbox: Engine, place: Place
) -> None:
    stem = f"web-{docker_sandbox.owner}"
    docker_sandbox.run(f"{stem}-1", healthcheck="test $(hostname) = first")
    place.write(_config(docker_sandbox, f"containers: ['{stem}-*']").replace("5s", "2s"))
    operation = await _scaled(place, 3)
    assert operation.state is _S.FAILED, operation
    assert [step.state for step in operation.steps] == ["done", "waiting"]
    assert len(_attrs(docker_sandbox)) == 2


@pytest.mark.parametrize(
    ("to", "code"), [("0", "bad-parameter"), ("5", "bad-parameter"), ("1", "nothing-to-do")]
)
async def test_out_of_bounds_and_already_so(
    docker_sandbox: Engine, place: Place, to: str, code: str
) -> None:
    stem = f"web-{docker_sandbox.owner}"
    docker_sandbox.run(f"{stem}-1")
    place.write(_config(docker_sandbox, f"containers: ['{stem}-*']"))
    assert refused(await place.operator().plan(_request(to), None)) == code
    read_only = place.operator(read_only=True)
    assert refused(await read_only.plan(_request("2"), None)) == "read-only"


async def test_what_two_cannot_share_is_not_copied(docker_sandbox: Engine, place: Place) -> None:
    stem = f"web-{docker_sandbox.owner}"
    place.write(_config(docker_sandbox, f"containers: ['{stem}-*']"))
    assert "no container of web" in str(await place.operator().plan(_request("2"), None))
    docker_sandbox.run(f"{stem}-1", ports={8080: free_port()})
    answer = str(await place.operator().plan(_request("2"), None))
    assert "takes the port of the host" in answer
    client = docker_sandbox.client()
    client.images.get(docker_sandbox.image(1)).tag(f"other-{docker_sandbox.repository}", "1")
    try:
        docker_sandbox.run(f"{stem}-2", image=f"other-{docker_sandbox.repository}:1")
        assert "not of one set" in str(await place.operator().plan(_request("1"), None))
    finally:
        docker_sandbox.remove_containers()
        client.images.remove(f"other-{docker_sandbox.repository}:1")


async def test_a_member_that_vanishes_before_it_begins(
    docker_sandbox: Engine, place: Place
) -> None:
    stem = f"web-{docker_sandbox.owner}"
    for number in (1, 2):
        docker_sandbox.run(f"{stem}-{number}")
    place.write(_config(docker_sandbox, f"containers: ['{stem}-*']"))
    operator = place.operator()
    plan = await planned(operator, _request("1"))
    docker_sandbox.client().containers.get(f"{stem}-2").remove(force=True)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED, operation
    assert list(_attrs(docker_sandbox)) == [f"{stem}-1"]
