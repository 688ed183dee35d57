"""Rollback of containers to their previous image, on a real engine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.types import EndpointConfig, IPAMConfig, IPAMPool, LogConfig

from opsconsole.demo.docker_engine import LABEL, Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.drivers.rollbacks import (
    config_of,
    inspected,
    name_of,
    names_on,
    rollback_request,
    rolled_back,
)
from tests.operations.place import Place, ended, performed, planned, refused
from tests.servers.engines import host_port

_HEALTHY_IN_2 = (
    "grep -q 'version 2' /www/index.html && word=ok || word=down; trap 'exit 0' TERM; "
    """echo '{"status": "'$word'"}' > /www/health.json; httpd -f -p 8080 -h /www & wait"""
)
_SECOND = 1_000_000_000


def _furnished(engine: Engine, name: str, folder: Path) -> str:
    """A container from :2 with all that can be said of one, in two networks; its volume."""
    client, owner = engine.client(), {LABEL: engine.owner}
    networks = [f"{name}-front", f"{name}-back"]
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet="10.231.7.0/24")])
    client.networks.create(networks[0], labels=owner, ipam=pool)
    client.networks.create(networks[1], labels=owner)
    api = client.api
    host = api.create_host_config(
        binds=[f"{folder}:/shared:ro", f"{name}-data:/data"],
        port_bindings={8080: ("127.0.0.1", None)},
        mem_limit="24m",
        memswap_limit="24m",
        nano_cpus=500_000_000,
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
        log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
        cap_drop=["NET_RAW"],
        extra_hosts={"other": "10.1.2.3"},
        pids_limit=50,
    )
    endpoint: EndpointConfig = api.create_endpoint_config(
        aliases=["front-web"], ipv4_address="10.231.7.77"
    )
    made = api.create_container(
        engine.image(2),
        name=name,
        environment={"MODE": "production"},
        labels={**owner, "team": "search"},
        ports=[8080],
        volumes=["/anonymous"],
        healthcheck={
            "test": ["CMD-SHELL", "grep -q 'version 1' /www/index.html"],
            "interval": _SECOND,
            "timeout": 2 * _SECOND,
            "retries": 2,
        },
        host_config=host,
        networking_config={"EndpointsConfig": {networks[0]: endpoint}},
    )
    api.connect_container_to_network(made["Id"], networks[1], aliases=["back-web"])
    api.start(made["Id"])
    return f"{name}-data"


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    """All that must be the same before and after."""
    config, host = document["Config"], document["HostConfig"]
    networks = document["NetworkSettings"]["Networks"]
    short = document["Id"][:12]
    return {
        "env": sorted(config["Env"]),
        "labels": {k: v for k, v in config["Labels"].items() if not k.startswith("org.opencont")},
        "health": config["Healthcheck"],
        "cmd": config["Cmd"],
        "mounts": sorted(
            (m["Type"], m.get("Name", ""), m["Source"], m["Destination"], m["RW"])
            for m in document["Mounts"]
        ),
        "limits": [host[k] for k in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit")],
        "caps": host["CapDrop"],
        "hosts": host["ExtraHosts"],
        "restart": host["RestartPolicy"],
        "log": host["LogConfig"],
        "ports": document["NetworkSettings"]["Ports"],
        "networks": {
            name: (
                endpoint["IPAMConfig"] and endpoint["IPAMConfig"].get("IPv4Address"),
                sorted(alias for alias in endpoint["Aliases"] or () if alias != short),
            )
            for name, endpoint in networks.items()
        },
    }


async def test_from_a_broken_tag_to_the_one_before_with_everything_the_same(
    docker_sandbox: Engine, place: Place, tmp_path: Path
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "furnished")
    volume = _furnished(docker_sandbox, name, tmp_path)
    try:
        before = inspected(docker_sandbox, name)
        place.write(config_of(docker_sandbox, name))
        plan, operation = await rolled_back(place)
        assert operation.state is OperationState.VERIFIED, operation
        after = inspected(docker_sandbox, name)
        assert after["Id"] != before["Id"]
        assert after["Config"]["Image"] == docker_sandbox.image(1)
        assert _told(after) == _told(before)
        assert names_on(docker_sandbox) == {name}
        assert plan.fingerprint[f"{name} id"] == before["Id"][:12]
        assert plan.fingerprint[f"{name} image"] in before["Image"]
        assert plan.fingerprint[f"{name} image target"] in after["Image"]
        assert "production" not in json.dumps(plan.fingerprint) + repr(plan.steps)
        again = await place.operator().plan(rollback_request(), None)
        assert refused(again) == "cannot-look", "nothing is older, and :2 is never offered again"
    finally:
        docker_sandbox.remove_containers()
        docker_sandbox.client().volumes.get(volume).remove()


async def test_one_that_never_gets_healthy_ends_with_the_old_one_running_again(
    docker_sandbox: Engine, place: Place
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "old")
    docker_sandbox.run(
        name, image=docker_sandbox.image(2), healthcheck="grep -q 'version 2' /www/index.html"
    )
    before = inspected(docker_sandbox, name)
    place.write(config_of(docker_sandbox, name, deadline="2.5s"))
    _, operation = await rolled_back(place)
    assert operation.state is OperationState.FAILED, operation
    assert "runs again as before" in operation.summary
    after = inspected(docker_sandbox, name)
    assert after["Id"] == before["Id"]
    assert after["State"]["Running"]
    assert names_on(docker_sandbox) == {name}


async def test_the_service_s_own_probe_decides_though_the_container_runs(
    docker_sandbox: Engine, place: Place
) -> None:
    docker_sandbox.image(1)
    name = name_of(docker_sandbox, "probed")
    container = docker_sandbox.run(
        name,
        image=docker_sandbox.image(2),
        command=["sh", "-c", _HEALTHY_IN_2],
        ports={8080: None},
    )
    port = host_port(container)
    probed = f"    instances: [{{url: 'http://127.0.0.1:{port}', container: {name}}}]\n"
    probed += "    health: /health.json\n    timeout: 1s\n"
    config = config_of(docker_sandbox, name, deadline="2s")
    place.write(config.replace("    actions:\n", f"{probed}    actions:\n"))
    _, operation = await rolled_back(place)
    assert operation.state is OperationState.FAILED, operation
    after = docker_sandbox.client().containers.get(name)
    assert after.id == container.id
    assert names_on(docker_sandbox) == {name}


async def test_a_rollback_is_never_rolled_back(docker_sandbox: Engine, place: Place) -> None:
    for version in (1, 2, 3):
        docker_sandbox.image(version)
    name = name_of(docker_sandbox, "twice")
    docker_sandbox.run(name, image=docker_sandbox.image(3))
    place.write(config_of(docker_sandbox, name))
    _, operation = await rolled_back(place)
    assert operation.state is OperationState.VERIFIED, operation
    assert inspected(docker_sandbox, name)["Config"]["Image"] == docker_sandbox.image(2)
    answer = await place.operator().plan(rollback_request(), None)
    assert refused(answer) == "rollback-of-rollback"


async def test_what_runs_already_what_is_absent_and_what_is_gone_are_refused(
    docker_sandbox: Engine, place: Place
) -> None:
    name = name_of(docker_sandbox, "plain")
    docker_sandbox.run(name)
    for image, code in ((docker_sandbox.image(1), "already-running"), (":9", "cannot-look")):
        place.write(config_of(docker_sandbox, name, image))
        answer = await place.operator().plan(rollback_request(), None)
        assert refused(answer) == code, answer
    read_only = place.operator(read_only=True)
    assert refused(await read_only.plan(rollback_request(), None)) == "read-only"
    place.write(config_of(docker_sandbox, name, ":2"))
    docker_sandbox.image(2)
    operator = place.operator()
    plan = await planned(operator, rollback_request())
    docker_sandbox.remove_containers()
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED
    assert f"there is no container {name}" in operation.summary
    assert "nothing was done" in operation.summary


async def test_previous_is_what_an_earlier_operation_saw_before_it_is_the_older_tag(
    docker_sandbox: Engine, place: Place
) -> None:
    for version in (1, 2, 3):
        docker_sandbox.image(version)
    name = name_of(docker_sandbox, "seen")
    docker_sandbox.run(name, image=docker_sandbox.image(1))
    restart = "      restart: {docker: {containers: [%s], stop_timeout: 1s}, min_healthy: 100ms}\n"
    place.write(config_of(docker_sandbox, name) + restart % name)
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART, reason="a test"))
    await ended(operator, (await performed(operator, plan)).id)
    docker_sandbox.remove_containers()
    docker_sandbox.run(name, image=docker_sandbox.image(3))
    plan = await planned(operator, rollback_request())
    assert docker_sandbox.image(1) in plan.steps[0].summary
    assert "an earlier operation" in plan.steps[0].summary


async def test_two_containers_one_after_the_other_and_none_after_a_failure(
    docker_sandbox: Engine, place: Place
) -> None:
    docker_sandbox.image(1)
    names = [name_of(docker_sandbox, "first"), name_of(docker_sandbox, "second")]
    for name in names:
        docker_sandbox.run(
            name, image=docker_sandbox.image(2), healthcheck="grep -q 'version 2' /www/index.html"
        )
    before = [inspected(docker_sandbox, name)["Id"] for name in names]
    place.write(config_of(docker_sandbox, ", ".join(names), deadline="2s"))
    _, operation = await rolled_back(place)
    assert operation.state is OperationState.FAILED, operation
    assert [step.state for step in operation.steps] == ["done", "waiting"]
    assert [inspected(docker_sandbox, name)["Id"] for name in names] == before
    assert names_on(docker_sandbox) == set(names)
