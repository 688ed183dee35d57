"""Read-only: whatever is asked for, nothing but GET, HEAD and access reviews reaches a cluster.

What is tried comes from the program itself: the kinds that the driver carries out, and all that a
call can be told to do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import opsconsole
from opsconsole.cli.main import main
from opsconsole.config.kubernetes import KubernetesAction
from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.operations.drivers import registry
from opsconsole.operations.drivers.kubernetes.changes import ClusterChanges
from opsconsole.operations.planning.declared import declared
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from tests.operations.drivers.kubernetes.stand_in import StandIn
from tests.operations.place import Place, refused

CONFIG = """
docker: []
kubernetes: {kubeconfig: kubeconfig, namespaces: shop}
services:
  web:
    kubernetes: deployment/web
    actions:
      restart: {kubernetes: deployment/web}
      rollback: {kubernetes: deployment/web}
      scale: {kubernetes: deployment/web}
      degrade: {kubernetes: {workload: deployment/web, replicas: 1}}
      call:
        pause: {kubernetes: {workload: deployment/web, do: pause}}
        resume: {kubernetes: {workload: deployment/web, do: resume}}
        delete-stuck-pod: {kubernetes: {workload: statefulset/db, do: delete-stuck-pod}}
        cordon: {kubernetes: {node: node-1, do: cordon}}
        uncordon: {kubernetes: {node: node-1, do: uncordon}}
        drain: {kubernetes: {node: node-1, do: drain}}
        flush: {http: {post: /flush, through: proxy, port: 8080}}
  flags:
    actions:
      degrade: {kubernetes: {config_map: flags, set: {MODE: low}, then: nothing}}
"""
SOURCES = Path(opsconsole.__file__).parent


def requests(place: Place) -> Iterator[ActionRequest]:
    settings = load(place.config)
    for name in settings.services:
        for found in declared(settings, name):
            given = {"to": "2", "override": "yes"}
            yield ActionRequest(name, found.kind, found.name, "a test", parameters=given)


@pytest.fixture
def written(place: Place, server: StandIn) -> Place:
    """The configuration, beside the kubeconfig of the cluster that is stood in for."""
    place.write(CONFIG)
    return place


def test_every_kind_and_every_thing_to_do_is_tried(written: Place) -> None:
    tried = list(requests(written))
    assert {each.kind for each in tried} == set(registry.DRIVERS["kubernetes"].carries_out)
    annotation = KubernetesAction.model_fields["do"].annotation
    told = {each for inner in get_args(annotation) for each in get_args(inner)}
    assert {each.name for each in tried if each.kind is ActionKind.CALL} == {*told, "flush"}


async def test_no_plan_of_any_kind_reaches_the_cluster(written: Place, server: StandIn) -> None:
    closed = written.operator(read_only=True)
    for request in requests(written):
        assert refused(await closed.plan(request, None)) == "read-only", request
        plan, refusal = await closed.foresee(request)
        assert plan is None, request
        assert refusal is not None, request
        assert refusal.code == "read-only", request
    assert server.changes == []


@pytest.mark.parametrize("how", ["--read-only", "read_only: true"])
def test_no_command_reaches_the_cluster(
    written: Place, server: StandIn, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not how.startswith("--"):
        written.write(f"{how}\n{CONFIG}")
    for request in requests(written):
        argv = [request.kind.value, request.service]
        argv += [request.name] if request.name else []
        argv += ["--to", "2"] if request.kind is ActionKind.SCALE else []
        argv += ["--yes", "--reason", "a test", "--config", str(written.config)]
        assert main([*argv, *([how] if how.startswith("--") else [])]) == 2, argv
        assert "read-only" in "".join(capsys.readouterr())
    assert all(each.is_look for each in server.asked)


async def test_a_client_that_looks_sends_no_change_at_all(written: Place, server: StandIn) -> None:
    (cluster,) = load(written.config).kubernetes
    client = ClusterClient(access_of(cluster, {}, base=written.config.parent), timeout=5.0)
    try:
        for method in ("PATCH", "PUT", "POST", "DELETE", "CONNECT", "get"):
            with pytest.raises(ClusterError):
                await client.send(method, "/api/v1/nodes/node-1", body=b"{}")
            with pytest.raises(ClusterError):
                await client.proxied(
                    "/api/v1/nodes/node-1", None, float("inf"), method=method, body=b"{}"
                )
    finally:
        await client.close()
    assert server.asked == []


def test_what_can_change_a_cluster_is_one_class_that_drivers_alone_import() -> None:
    ours = [each for each in ClusterClient.__subclasses__() if "opsconsole." in each.__module__]
    assert ours == [ClusterChanges]
    naming = {
        str(path.relative_to(SOURCES).parent)
        for path in SOURCES.rglob("*.py")
        if "ClusterChanges" in path.read_text()
    }
    assert naming == {"operations/drivers/kubernetes"}
