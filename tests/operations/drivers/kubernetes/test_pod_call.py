"""A call at pods: pinned to them, sent once, and known for what it was where it was not."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.actions import Action
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
)
from opsconsole.threads import BoundedExecutor
from tests.operations.drivers.kubernetes.test_real import QUICK, Console, console
from tests.patience import soon
from tests.sources.kubernetes.cluster_samples import deployment, pod
from tests.sources.kubernetes.stand_in import StandIn, stand_in

__all__ = ["console"]

SPACE = "/apis/apps/v1/namespaces/shop"
PODS = "/api/v1/namespaces/shop/pods"
AT = f"{PODS}/web-1:8080/proxy/flush"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def status(code: int) -> tuple[int, bytes]:
    said = {"kind": "Status", "apiVersion": "v1", "code": code, "message": "why"}
    return code, json.dumps(said).encode()


def allowed(*, may: bool) -> tuple[int, bytes]:
    return 201, json.dumps({"status": {"allowed": may}}).encode()


def give(server: StandIn, *names: str, ready: str = "True") -> None:
    """Let the server have a Deployment with these pods."""
    above = {"kind": "Deployment", "name": "web", "uid": "uid-web", "controller": True}
    owner = {"kind": "ReplicaSet", "name": "web-5f", "uid": "rs", "controller": True}
    meta = {"name": "web-5f", "namespace": "shop", "uid": "rs", "ownerReferences": [above]}
    web = deployment(spec={"selector": {"matchLabels": {"app": "web"}}})
    server.says[f"{SPACE}/deployments/web"] = 200, json.dumps(web).encode()
    server.says[REVIEWS] = allowed(may=True)
    server.lists[f"{SPACE}/replicasets"] = [{"metadata": meta, "spec": {"template": {}}}]
    server.lists[PODS] = [
        pod(each, ready=ready, meta={"ownerReferences": [owner]}) for each in names
    ]


@asynccontextmanager
async def calling(server: StandIn, folder: Path, **http: Any) -> AsyncIterator[Driver]:
    call = {"post": "/flush", "through": "proxy", "port": 8080, "timeout": "2s", **http}
    action = Action.model_validate({"http": {key: each for key, each in call.items() if each}})
    settings = Settings.model_validate(
        {
            "docker": [],
            "kubernetes": {"kubeconfig": server.kubeconfig(folder), "namespaces": "shop"},
            "services": {
                "web": {"kubernetes": "deployment/web", "actions": {"call": {"flush": action}}}
            },
        }
    )
    request = ActionRequest("web", ActionKind.CALL, "flush", "a test")
    threads, machines = BoundedExecutor("test", 2), Machines()
    made = registry.make(
        DriverContext("web", ActionKind.CALL, action, settings, folder, machines, threads, request)
    )
    try:
        yield made
    finally:
        await made.close()
        threads.close()
        machines.close()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, b'"flushed"'), Outcome.DONE),
        ((409, b'"busy"'), Outcome.FAILED),
        ((500, b'"broke"'), Outcome.UNKNOWN),
        # The pod may say so after it has acted.
        (status(403), Outcome.UNKNOWN),
        (status(404), Outcome.UNKNOWN),
        (status(409), Outcome.UNKNOWN),
        # It may have reached the pod.
        (status(500), Outcome.UNKNOWN),
        (status(503), Outcome.UNKNOWN),
    ],
)
async def test_a_call_is_sent_once_and_judged_by_who_answered(
    answer: tuple[int, bytes], outcome: Outcome, tmp_path: Path
) -> None:
    async with stand_in() as server, calling(server, tmp_path) as driver:
        give(server, "web-2", "web-1")
        facts = await driver.observe()
        assert facts == {"web-1 uid": "uid-web-1", "path": "/flush"}
        (step,) = driver.steps(facts)
        assert "POST /flush of pod web-1, port 8080, through the API server" in step.summary
        server.says[AT] = answer
        server.says[f"{PODS}/web-1"] = 200, b"{}"
        done = await driver.execute(step)
        assert done.outcome is outcome, done
        assert server.asked.count(AT) == 1


@pytest.mark.parametrize("code", [403, 404])
async def test_a_refusal_that_the_server_gives_apart_too_is_one(code: int, tmp_path: Path) -> None:
    async with stand_in() as server, calling(server, tmp_path) as driver:
        give(server, "web-1")
        (step,) = driver.steps(await driver.observe())
        server.says[AT] = server.says[f"{PODS}/web-1"] = status(code)
        server.says[REVIEWS] = allowed(may=False)
        done = await driver.execute(step)
        assert done.outcome is Outcome.FAILED, done
        assert "refused by the cluster" in done.detail
        assert server.asked.count(AT) == 1


async def test_every_instance_is_every_ready_pod(tmp_path: Path) -> None:
    async with stand_in() as server, calling(server, tmp_path, every_instance=True) as driver:
        give(server, "web-2", "web-1")
        facts = await driver.observe()
        assert [each.instance for each in driver.steps(facts)] == ["web-1", "web-2"]


@pytest.mark.parametrize(
    ("ready", "may", "path", "why"),
    [
        ("False", True, "/flush", "no pod of web is ready"),
        ("True", False, "/flush", "you may not create pods/proxy in shop"),
        ("True", True, "/../../secrets", "without . and"),
    ],
)
async def test_what_cannot_be_called_is_not_planned(
    ready: str, may: bool, path: str, why: str, tmp_path: Path
) -> None:
    async with stand_in() as server, calling(server, tmp_path, post=path) as driver:
        give(server, "web-1", ready=ready)
        server.says[REVIEWS] = allowed(may=may)
        with pytest.raises(ObserveError, match=why):
            await driver.observe()


async def test_a_pod_that_was_replaced_is_another_plan(tmp_path: Path) -> None:
    async with stand_in() as server, calling(server, tmp_path) as driver:
        give(server, "web-1")
        before = await driver.observe()
        server.lists[PODS][0]["metadata"]["uid"] = "another"
        assert await driver.observe() != before


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({"actions": {"test": {"t": {"http": {"get": "/t", "through": "pods"}}}}}, "by kubernetes"),
        (
            {
                "kubernetes": "deployment/web",
                "actions": {"restart": {"http": {"post": "/r", "through": "pods"}}},
            },
            "restart: through is of a test or a call",
        ),
        (
            {
                "kubernetes": "deployment/web",
                "actions": {"call": {"t": {"http": {"get": "http://a/", "through": "pods"}}}},
            },
            "takes a path",
        ),
        ({"actions": {"call": {"t": {"http": {"get": "/t", "port": 80}}}}}, "port is of pods"),
    ],
)
def test_what_is_no_call_at_pods_is_refused_where_it_is_written(
    service: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Service.model_validate(service)


@pytest.mark.servers
@pytest.mark.parametrize("through", ["pods", "proxy"])
async def test_on_a_real_cluster_a_pod_is_called(through: str, console: Console) -> None:
    console.namespace.deploy("web", replicas=2)
    await soon(lambda: console.namespace.is_rolled_out("web"))
    console.place.write(f"""
docker: []
kubernetes:
  kubeconfig: {console.kubeconfig}
  namespaces: {console.namespace.name}
services:
  web:
    kubernetes: deployment/web
    actions:
      test:
        page: {{http: {{get: /, through: {through}, every_instance: true}}, effect: read, {QUICK}}}
        none: {{http: {{get: /none, through: {through}}}, {QUICK}}}
""")
    done = await console.do(ActionKind.TEST, "page")
    assert done.state is OperationState.VERIFIED, done
    assert sum("version 1" in each for each in done.evidence) == 2
    assert (await console.do(ActionKind.TEST, "none")).state is OperationState.FAILED
