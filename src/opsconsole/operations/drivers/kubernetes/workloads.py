"""Which workload is meant, where its API keeps it, and what its kind can do. Pure."""

from enum import StrEnum
from typing import Final
from urllib.parse import quote

from opsconsole.dataclass import dataclass
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject


class Kind(StrEnum):
    """The kinds of workloads, as they are written before a name."""

    DEPLOYMENT = "deployment"
    STATEFUL_SET = "statefulset"
    DAEMON_SET = "daemonset"

    @property
    def spoken(self) -> str:
        """As Kubernetes writes it."""
        return _SPOKEN[self]

    @property
    def plural(self) -> str:
        """As paths and rights have it."""
        return f"{self}s"


_SPOKEN: Final = {
    Kind.DEPLOYMENT: "Deployment",
    Kind.STATEFUL_SET: "StatefulSet",
    Kind.DAEMON_SET: "DaemonSet",
}


@dataclass(frozen=True, slots=True)
class Ref:
    """One workload of a namespace."""

    kind: Kind
    namespace: str
    name: str

    @property
    def said(self) -> str:
        """``deployment/web``."""
        return f"{self.kind}/{self.name}"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"{namespaced('apis/apps/v1', self.namespace, self.kind.plural)}/{part(self.name)}"


def namespaced(group: str, namespace: str, plural: str) -> str:
    """The path of all objects of a kind in a namespace."""
    return f"/{group}/namespaces/{part(namespace)}/{plural}"


def part(name: str) -> str:
    """A name as a part of a path; never more than one part."""
    return quote(name, safe="")


def wanted(read: JsonObject) -> int:
    """How many copies a Deployment or StatefulSet asks for."""
    return fields.number(read, "spec", "replicas", default=1)


def only_on_delete(read: JsonObject) -> bool:
    """Whether its pods are replaced by nobody but who deletes them."""
    return fields.text(read, "spec", "updateStrategy", "type") == "OnDelete"


def is_ordered(read: JsonObject) -> bool:
    """Whether a StatefulSet waits for each of its pods before it changes another."""
    return fields.text(read, "spec", "podManagementPolicy") != "Parallel"


def partition(read: JsonObject) -> int:
    """Below which ordinal a StatefulSet leaves its pods at the revision before."""
    return fields.number(read, "spec", "updateStrategy", "rollingUpdate", "partition")
