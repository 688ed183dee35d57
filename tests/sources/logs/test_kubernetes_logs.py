"""The logs of a workload's pods, from a real cluster."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.machines.local import LocalMachine
from opsconsole.sources.logs.base import LogContext, LogSource, Sought
from opsconsole.sources.logs.kinds import make
from opsconsole.sources.logs.raw_lines import RawLine
from tests.patience import until
from tests.servers.kubernetes.api import Json, Namespace, template
from tests.servers.kubernetes.cluster import ClusterAt

_COUNTS = """
n=$(cat /kept/n 2>/dev/null || echo 0); echo $((n + 1)) > /kept/n
for i in 1 2 3; do echo "run $n line $i"; done; sleep 1; exit 3
"""
"""Says three lines and dies; a file that outlives it says which run it is."""


class Heard:
    """What a log source says."""

    def __init__(self) -> None:
        self.heard: list[RawLine] = []
        self.gaps: list[str] = []
        self.troubles: list[str] = []

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        assert live or not self.heard
        self.heard.extend(lines)

    def unfinished(self, line: RawLine) -> None:
        raise AssertionError(line)

    def gap(self, text: str) -> None:
        self.gaps.append(text)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)

    def by_pod(self) -> dict[str, list[str]]:
        pods: dict[str, list[str]] = {}
        for line in sorted(self.heard, key=lambda each: each.at or 0.0):
            pods.setdefault(line.replica, []).append(line.data.decode())
        return pods


def source(cluster: ClusterAt, sandbox: Namespace, sink: Heard, context: str) -> LogSource:
    named = {"kubeconfig": str(cluster.kubeconfig), "context": context}
    settings = Settings.model_validate({"kubernetes": named})
    about = LogContext(Path("/"), LocalMachine(), settings)
    return make("kubernetes", f"{sandbox.name}/deployment/web", about, sink)


def dies_and_counts(sandbox: Namespace) -> None:
    """Two pods that say three lines and die, again and again."""
    pods = template(
        "web",
        command=["/bin/busybox", "sh", "-c", _COUNTS],
        volumeMounts=[{"name": "kept", "mountPath": "/kept"}],
        readinessProbe=None,
    )
    pods["spec"]["volumes"] = [{"name": "kept", "emptyDir": {}}]
    selector = {"matchLabels": {"app": "web"}}
    sandbox.create("Deployment", "web", {"replicas": 2, "selector": selector, "template": pods})


def test_every_line_of_every_run_is_told_once_also_of_pods_that_take_over(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    dies_and_counts(cluster_sandbox)
    heard = Heard()
    followed = source(kubernetes_cluster, cluster_sandbox, heard, "admin")
    followed.start()
    try:
        until(lambda: _pods_with(heard, "run 2 line 3"), moves=lambda: len(heard.heard))
        gone = _pods_with(heard, "run 2 line 3")[0]
        cluster_sandbox.delete("Pod", gone, grace=0)
        known = set(heard.by_pod())
        until(lambda: set(heard.by_pod()) - known, moves=lambda: len(heard.heard))
    finally:
        followed.close()
    assert not any(heard.troubles)
    for said in heard.by_pod().values():
        whole = [f"run {run} line {line}" for run in range(len(said)) for line in (1, 2, 3)]
        assert said == whole[: len(said)]


def _pods_with(heard: Heard, text: str) -> list[str]:
    return [pod for pod, said in heard.by_pod().items() if text in said]


def test_the_run_that_crashed_is_read_back_before_the_one_that_is_on(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    dies_and_counts(cluster_sandbox)

    def restarted() -> list[str]:
        return [each["metadata"]["name"] for each in cluster_sandbox.list("Pod") if _restarts(each)]

    until(restarted, every=0.2)
    [stretch] = source(kubernetes_cluster, cluster_sandbox, Heard(), "admin").past(Sought())
    said = [line for batch in stretch.batches for line in batch]
    assert [line.at for line in said] == sorted(line.at or 0.0 for line in said)
    pod = restarted()[0]
    assert next(line.data for line in said if line.replica == pod).startswith(b"run ")


def test_whoever_may_not_look_is_told(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace
) -> None:
    cluster_sandbox.deploy("web")
    heard = Heard()
    followed = source(kubernetes_cluster, cluster_sandbox, heard, "nobody")
    followed.start()
    try:
        until(lambda: heard.troubles)
    finally:
        followed.close()
    assert "forbidden" in heard.troubles[0].lower()
    with pytest.raises(OSError, match="forbidden"):
        list(
            next(
                source(kubernetes_cluster, cluster_sandbox, heard, "nobody").past(Sought())
            ).batches
        )


def _restarts(pod: Json) -> int:
    statuses = pod["status"].get("containerStatuses", ())
    return sum(each["restartCount"] for each in statuses)
