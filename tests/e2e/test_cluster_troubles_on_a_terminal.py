"""Pods of a real cluster that do not get well: why stands on the row within two looks."""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.cluster_fleet import CRASHES, EATS, NO_IMAGE, TOO_LARGE, UNREADY, ClusterFleet
from tests.e2e.drill_record import Hurt, told
from tests.patience import until
from tests.servers.kubernetes.api import Json, Namespace
from tests.servers.kubernetes.cluster import ClusterAt
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

SIZE: Final = (160, 50)
IN_LOOKS: Final = 3
"""Two, and one that may have been under way."""

FAILURES: Final = 3


def waits(reason: str) -> Callable[[Json], bool]:
    """Of a pod: whether its container waits for this reason."""
    return lambda pod: any(
        re.search(reason, each["state"].get("waiting", {}).get("reason", ""))
        for each in pod["status"].get("containerStatuses", ())
    )


def ended(reason: str) -> Callable[[Json], bool]:
    """Of a pod: whether its container has ended for this reason."""
    return lambda pod: any(
        reason
        in (each[when].get("terminated", {}).get("reason") for when in ("state", "lastState"))
        for each in pod["status"].get("containerStatuses", ())
    )


def nowhere(pod: Json) -> bool:
    """Of a pod: whether no node has room for it."""
    conditions = pod["status"].get("conditions", ())
    return any(each.get("reason") == "Unschedulable" for each in conditions)


# What is done, how the cluster says it, and how the row does.
HURT: Final[dict[str, tuple[dict[str, Any], Callable[[Json], bool] | None, str]]] = {
    "image": (NO_IMAGE, waits(r"ErrImagePull|ImagePullBackOff"), "image pull: "),
    "crash": (CRASHES, ended("Error"), "exit 3"),
    "memory": (EATS, ended("OOMKilled"), "out of memory"),
    "unready": (UNREADY, None, "readiness fails: HTTP 404"),
    # Of how many, and what else lacks, is for the nodes that other tests have put there.
    "large": (TOO_LARGE, nowhere, "nodes fit: "),
}


def row(terminal: Terminal, service: str) -> str:
    """The row of ``service`` on the overview."""
    return next((line for line in terminal.lines[2:20] if f" {service} " in line[:30]), "")


def said_by_the_cluster(namespace: Namespace, name: str) -> bool:
    """Whether who asks the cluster itself can know what is wrong."""
    container, says, _ = HURT[name]
    # As watchers see it: on a busy machine they may be seconds behind what etcd has.
    there = namespace.list("Pod", labelSelector=f"app={name}", resourceVersion="0")
    if says is not None:
        return any(map(says, there))
    # A pod that begins fails a probe or two, and so did the one before.
    probe = container["readinessProbe"]["httpGet"]["path"]
    failures: Counter[str] = Counter()
    for each in namespace.list("Event", fieldSelector="reason=Unhealthy", resourceVersion="0"):
        failures[each["involvedObject"]["uid"]] += each["count"]
    return any(
        failures[each["metadata"]["uid"]] >= FAILURES
        for each in there
        if each["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] == probe
    )


def test_why_a_pod_does_not_serve_is_on_its_row(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace, tmp_path: Path
) -> None:
    fleet = ClusterFleet(Path(kubernetes_cluster.kubeconfig), cluster_sandbox, tmp_path)
    for name in (*HURT, "well"):
        fleet.run(name, strategy="Recreate", replicas=2 if name == "well" else 1)
    config = fleet.write()
    until(lambda: all(map(cluster_sandbox.is_rolled_out, fleet.services)), every=0.2)
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    hurt: dict[str, Hurt] = {}
    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until(f"{len(fleet.services)} ok")
        for name, (container, _, _) in HURT.items():
            cluster_sandbox.replace_container(name, **container)
        while len(hurt) < len(HURT):
            for name in HURT.keys() - hurt.keys():
                if said_by_the_cluster(cluster_sandbox, name):
                    hurt[name] = Hurt(time.time(), HURT[name][2])
            terminal.read(0.1)
        for name, (_, _, cause) in HURT.items():
            terminal.until(lambda _, name=name: "✖ down" in row(terminal, name))  # type: ignore[misc]
            terminal.until(lambda _, name=name, cause=cause: cause in row(terminal, name))  # type: ignore[misc]
        assert "● ok" in row(terminal, "well")
        terminal.press("\x03\x03")
        assert terminal.wait(20)[0] == 0
    found = told(config, hurt)
    assert found.keys() == HURT.keys()
    assert {name: each.looks for name, each in found.items() if each.looks > IN_LOOKS} == {}
