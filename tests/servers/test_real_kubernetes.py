"""The cluster of the tests runs pods, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest

from opsconsole.demo.private_engine import engine_answers
from tests.leftovers import MARK
from tests.patience import until
from tests.servers.fixtures import need
from tests.servers.kubernetes.api import Namespace, RefusedError
from tests.servers.kubernetes.cluster import ClusterAt, why_no_cluster
from tests.servers.kubernetes.control_plane import NOBODY_TOKEN

ROOT = Path(__file__).parents[2]
SETTINGS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")


def kernel() -> list[str]:
    return [Path("/proc/sys", name).read_text() for name in SETTINGS]


def test_a_deployment_runs_and_serves_at_the_addresses_of_its_pods(
    cluster_sandbox: Namespace,
) -> None:
    cluster_sandbox.deploy("web", replicas=2, image="web:2")
    until(lambda: cluster_sandbox.is_rolled_out("web"), every=0.2)
    pods = cluster_sandbox.list("Pod", labelSelector="app=web")
    assert len(pods) == 2
    for pod in pods:
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8080/", timeout=5) as page:
            assert page.read() == b"version 2\n"


def test_who_has_no_right_is_refused(kubernetes_cluster: ClusterAt) -> None:
    with pytest.raises(RefusedError, match="cannot list resource") as refused:
        kubernetes_cluster.api(NOBODY_TOKEN).get("/api/v1/pods")
    assert refused.value.status == 403


def test_a_cluster_is_shared_by_those_of_one_run_and_ends_with_the_last() -> None:
    lack = why_no_cluster()
    need("kubernetes", available=not lack, remedy=lack)
    program = textwrap.dedent("""
        import json, sys
        from dataclasses import asdict
        from tests.servers.kubernetes.sharing import shared_cluster
        with shared_cluster() as cluster:
            print(json.dumps(asdict(cluster)), flush=True)
            sys.stdin.readline()
    """)
    before = kernel()
    env = {**os.environ, MARK: f"of-two-{os.getpid()}"}
    people = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    first, _ = people
    try:
        told = []
        for each in people:
            assert each.stdout is not None
            told.append(ClusterAt(**json.loads(each.stdout.readline())))
        assert told[0] == told[1]
        assert kernel() == before
        engine = Path(told[0].docker.removeprefix("unix://")).parent
        first.communicate("done\n")
        assert told[1].api().get("/api/v1/nodes")["items"]
    finally:
        for each in people:
            each.kill()
            each.communicate()
    until(lambda: not Path(told[0].kubeconfig).parent.exists() and not engine.exists())
    assert not engine_answers(told[0].docker)
    assert str(engine) not in Path("/proc/mounts").read_text()
    assert kernel() == before
