"""Workloads of a real cluster changed by keys: verified, failed where they are broken, undone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from opsconsole.config.loader import load
from opsconsole.model.operation import Operation, OperationState
from opsconsole.operations.state_place import place_from
from tests.e2e.cluster_fleet import NO_IMAGE, ClusterFleet
from tests.operations.place import end_waiting
from tests.patience import until
from tests.servers.kubernetes.api import Namespace, template
from tests.servers.kubernetes.cluster import ClusterAt
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

SIZE: Final = (160, 50)
ACTION: Final = {"kubernetes": "deployment/web", "min_healthy": "1s", "deadline": "90s"}


class Person:
    """Who has the service's page open."""

    def __init__(self, terminal: Terminal, namespace: Namespace, config: Path) -> None:
        self.terminal = terminal
        self.namespace = namespace
        self.config = config

    def ended(self) -> list[Operation]:
        """What the journal has, newest first."""
        journal = place_from(load(self.config)).journal()
        try:
            return [each for each in journal.operations() if each.state.final]
        finally:
            journal.close()

    def carries_out(self, *read: str) -> Operation:
        """Confirm the plan that opens, once it says what is to be ``read``; how it ended."""
        terminal, before = self.terminal, len(self.ended())
        terminal.until(lambda text: all(each in text for each in ("undone by", *read)))
        terminal.read(0.7)  # a plan takes no key in the moment in which it opens
        terminal.press("\t")
        terminal.until(lambda text: "▸Cancel" not in text)
        terminal.press(" ")
        terminal.until(lambda _: len(self.ended()) > before)
        terminal.until("▸Close")
        terminal.press("\x1b")
        terminal.until(lambda text: "▸Close" not in text)
        terminal.read(0.7)  # what is pressed as a dialog closes is not used
        return self.ended()[0]

    def scales(self, copies: int) -> Operation:
        """By the list of what can be done."""
        self.chooses("web", "scale by kubernetes")
        self.terminal.until("1 to 5")
        self.terminal.press(f"{copies}\r\r")
        return self.carries_out(f"{copies}")

    def chooses(self, service: str, described: str = "") -> None:
        """The first of what can be done, or the one that is ``described`` below the list."""
        terminal = self.terminal
        terminal.press("x")
        terminal.until(f"actions on {service}")
        terminal.read(0.7)  # nor does it take a key in the moment in which it opens
        while f"│  {described}" not in terminal.text:
            before = terminal.text
            terminal.press("j")
            terminal.until(lambda text, before=before: text != before)  # type: ignore[misc]
        terminal.until(lambda text: "blocked" not in text)
        terminal.press("\r")

    def pods(self, name: str) -> set[str]:
        """The uids of the pods of a Deployment that are not to go."""
        found = self.namespace.list("Pod", labelSelector=f"app={name}")
        about = [each["metadata"] for each in found]
        return {each["uid"] for each in about if "deletionTimestamp" not in each}

    def opens(self, service: str) -> None:
        """The service's page, by its name."""
        self.terminal.press(f":{service}\r")
        self.terminal.until(lambda text: f" {service} ──" in text and "1 why" in text)


@pytest.fixture
def node(cluster_sandbox: Namespace) -> Iterator[str]:
    """A node that has the pods of ``spare`` and no kubelet: what is evicted there is gone."""
    name, nodes = cluster_sandbox.name, "/api/v1/nodes"
    body = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name}}
    cluster_sandbox.api.call("POST", nodes, body)
    placed = template("spare")
    placed["spec"] |= {
        "nodeName": name,
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
    }
    spec = {"selector": {"matchLabels": {"app": "spare"}}, "replicas": 2, "template": placed}
    cluster_sandbox.create("Deployment", "spare", spec)
    yield name
    cluster_sandbox.api.delete(f"{nodes}/{name}")


@pytest.fixture
def person(
    kubernetes_cluster: ClusterAt, cluster_sandbox: Namespace, node: str, tmp_path: Path
) -> Iterator[Person]:
    fleet = ClusterFleet(Path(kubernetes_cluster.kubeconfig), cluster_sandbox, tmp_path)
    actions = {
        "restart": ACTION,
        "rollback": ACTION,
        "scale": {**ACTION, "minimum": 1, "maximum": 5},
    }
    fleet.run("web", replicas=2, cause="the first", actions=actions)
    drain = {**ACTION, "kubernetes": {"node": node, "do": "drain"}}
    fleet.declare("spare", actions={"call": {"drain": drain}})
    until(lambda: cluster_sandbox.is_rolled_out("web"), every=0.2)
    config = fleet.write(operations={"cooldown": "1ms", "restart_limit": 100})
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("1 ok")
        made = Person(terminal, cluster_sandbox, config)
        made.opens("web")
        yield made
        terminal.press("\x03\x03")
        assert terminal.wait(20)[0] == 0
    end_waiting(tmp_path / "state")


def test_what_runs_is_restarted_scaled_broken_and_rolled_back_and_a_node_drained(
    person: Person, node: str
) -> None:
    a_deployment_is_restarted_scaled_broken_and_rolled_back(person)
    a_node_is_drained(person, node)


def a_deployment_is_restarted_scaled_broken_and_rolled_back(person: Person) -> None:
    terminal, namespace = person.terminal, person.namespace
    first = person.pods("web")
    terminal.press("R")
    assert person.carries_out("restart").state is OperationState.VERIFIED
    assert namespace.is_rolled_out("web")
    assert not first & person.pods("web")

    assert person.scales(3).state is OperationState.VERIFIED
    assert namespace.get("Deployment", "web")["status"]["availableReplicas"] == 3

    namespace.replace_container("web", **NO_IMAGE)
    terminal.until("image pull")
    terminal.press("R")
    failed = person.carries_out("restart")
    assert failed.state is OperationState.FAILED
    assert "image pull" in failed.summary, "and not that its deadline has passed"

    terminal.press("U")
    back = person.carries_out("web:1")
    assert back.state is OperationState.VERIFIED
    assert namespace.is_rolled_out("web")
    spec = namespace.get("Deployment", "web")["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "web:1"
    terminal.until(lambda text: "● ok" in text and "3 of 3 copies are ok" in text)


def a_node_is_drained(person: Person, node: str) -> None:
    namespace = person.namespace
    pods = person.pods("spare")
    assert len(pods) == 2
    person.opens("spare")
    person.chooses("spare")
    drained = person.carries_out(node, "uncordon")
    assert drained.state is OperationState.VERIFIED, drained
    assert not pods & person.pods("spare")
    assert namespace.api.get(f"/api/v1/nodes/{node}")["spec"]["unschedulable"] is True
