"""Kubernetes: which clusters are read, and which workload of one is meant.

Invariant: a workload is named by its kind, its name, its namespace and its cluster, and the same
words mean the same one for reading and for changing.
"""

import difflib
import re
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsconsole.config.types import Duration, Model, Name, OneOrMany, Text, as_tuple
from opsconsole.text import sanitize

DEFAULT_NAMESPACE: Final = "default"

_KINDS: Final = {
    "deployment": ("deployment", "deployments", "deploy"),
    "statefulset": ("statefulset", "statefulsets", "sts"),
    "daemonset": ("daemonset", "daemonsets", "ds"),
}
_SPELT: Final = {spelt: kind for kind, each in _KINDS.items() for spelt in each}
_OBJECT: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TARGET_FORM: dict[str, Any] = {"type": "string"}


def _workload(value: str) -> str:
    spelt, _, name = value.partition("/")
    kind = _SPELT.get(spelt.lower())
    if kind is None or not _OBJECT.fullmatch(name):
        raise ValueError(_no_workload(value))
    return f"{kind}/{name}"


def _no_workload(value: str) -> str:
    """What a workload is, and which one was most likely meant."""
    kinds = ", ".join(f"{each}/NAME" for each in _KINDS)
    text = f"takes a workload by kind and name: {kinds}; {sanitize(value, limit=100)!r} is none"
    spelt, between, name = value.strip().lower().partition("/")
    if not between:
        spelt, name = "deployment", spelt
    near = difflib.get_close_matches(spelt, _SPELT, n=1)
    if near and _OBJECT.fullmatch(name):
        text += f", did you mean '{_SPELT[near[0]]}/{name}'?"
    return text


def _namespace(value: str) -> str:
    if not _NAMESPACE.fullmatch(value):
        raise ValueError("takes the name of a namespace: small letters, digits and -")
    return value


WorkloadName = Annotated[str, AfterValidator(_workload)]
"""``deployment/NAME``, ``statefulset/NAME`` or ``daemonset/NAME``."""

_AT_NODES: Final = ("cordon", "uncordon", "drain")


def _object_name(value: str) -> str:
    if not _OBJECT.fullmatch(value):
        raise ValueError("takes the name of an object: small letters, digits, . and -")
    return value


ObjectName = Annotated[str, AfterValidator(_object_name)]
DataKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]{1,253}$")]
Namespace = Annotated[str, AfterValidator(_namespace)]


class KubernetesCluster(Model):
    """A cluster: by kubeconfig and context, or the one that this program runs in."""

    name: Name = Field(default="kubernetes", description="To distinguish several.")
    kubeconfig: Text | None = Field(
        default=None,
        description="A kubeconfig file; those of KUBECONFIG, or ~/.kube/config, if not set.",
    )
    context: Text | None = Field(
        default=None, description="A context of the kubeconfig; its current one if not set."
    )
    in_cluster: bool = Field(
        default=False, description="Use the service account of the pod that this runs in."
    )
    namespaces: Annotated[tuple[Namespace, ...], BeforeValidator(as_tuple), OneOrMany] = Field(
        default=(), description="Namespaces to look at; all when empty."
    )
    selector: Text | None = Field(
        default=None,
        description="Labels that workloads and pods must have, as kubectl's -l takes them.",
    )
    interval: Duration = Field(
        default=5.0, description="Time between two looks at what was seen; changes are watched."
    )
    timeout: Duration = Field(default=10.0, description="Deadline of one call.")
    enabled: bool = Field(default=True, description="Whether it is looked at.")

    @model_validator(mode="after")
    def _one_way(self) -> "KubernetesCluster":
        if self.in_cluster and (self.kubeconfig or self.context):
            raise ValueError("in_cluster excludes kubeconfig and context")
        return self


class InCluster(Model):
    """What is in one of several clusters, in a namespace."""

    namespace: Namespace | None = Field(
        default=None,
        description="Its namespace; the cluster's if that has one alone, else default.",
    )
    cluster: Text | None = Field(
        default=None, description="Name of the cluster, if several are configured."
    )

    def namespace_in(self, cluster: KubernetesCluster) -> str:
        """The namespace that is meant in ``cluster``."""
        only = cluster.namespaces[0] if len(cluster.namespaces) == 1 else DEFAULT_NAMESPACE
        return self.namespace or only


class KubernetesTarget(InCluster):
    """A Deployment, StatefulSet or DaemonSet: ``deployment/ai-backend``."""

    short_form: ClassVar[dict[str, Any] | None] = _TARGET_FORM

    workload: WorkloadName = Field(
        description="Its kind and name: deployment/ai-backend, statefulset/db, daemonset/agent."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"workload": value} if isinstance(value, str) else value

    @property
    def kind(self) -> str:
        """``deployment``, ``statefulset`` or ``daemonset``."""
        return self.workload.partition("/")[0]

    @property
    def name(self) -> str:
        """The object's own name."""
        return self.workload.partition("/")[2]

    @property
    def given_name(self) -> str:
        """As much of ``NAMESPACE/KIND/NAME`` as was given."""
        return f"{self.namespace}/{self.workload}" if self.namespace else self.workload

    def full_name(self, cluster: KubernetesCluster) -> str:
        """``NAMESPACE/KIND/NAME``: what its copies report that they are of."""
        return f"{self.namespace_in(cluster)}/{self.workload}"


class KubernetesAction(InCluster):
    """A workload, a node or a ConfigMap of a cluster, and what is done to it.

    Restart, rollback and scale need the workload alone. Degrade needs ``replicas`` beside it, or a
    ``config_map`` with what to ``set``. A call says what to ``do``.
    """

    short_form: ClassVar[dict[str, Any] | None] = _TARGET_FORM

    workload: WorkloadName | None = Field(
        default=None,
        description="Its kind and name: deployment/ai-backend, statefulset/db, daemonset/agent.",
    )
    node: ObjectName | None = Field(default=None, description="For a call: the name of a node.")
    config_map: ObjectName | None = Field(
        default=None, description="For degrade: the name of a ConfigMap."
    )
    do: Literal["pause", "resume", "delete-stuck-pod", "cordon", "uncordon", "drain"] | None = (
        Field(
            default=None,
            description="For a call: pause or resume the workload's rollout, delete the pod that a "
            "StatefulSet is stuck at, or cordon, uncordon or drain the node.",
        )
    )
    revision: int | None = Field(
        default=None, ge=1, description="For rollback: a revision's number; else the one before."
    )
    replicas: int | None = Field(
        default=None, ge=0, description="For degrade: how many copies run meanwhile."
    )
    set: dict[DataKey, str] = Field(
        default_factory=dict, description="For degrade: flags to set; never secrets."
    )
    then: Literal["restart", "nothing"] = Field(
        default="restart", description="What makes the service read the flags."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"workload": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_thing(self) -> "KubernetesAction":
        if sum(each is not None for each in (self.workload, self.node, self.config_map)) != 1:
            raise ValueError("name exactly one of workload, node, config_map")
        if bool(self.config_map) != bool(self.set):
            raise ValueError("config_map and set belong together")
        if (self.replicas is not None or self.revision is not None) and not self.workload:
            raise ValueError("replicas and revision are of a workload")
        if bool(self.node) != (self.do in _AT_NODES):
            raise ValueError(f"a node takes do: {', '.join(_AT_NODES)}, and nothing else does")
        if self.do is not None and not (self.node or self.workload):
            raise ValueError("do is of a workload or of a node")
        return self

    def unfit_for(self, key: str) -> str:
        """Why it cannot be the action ``key`` of a service; '' where it can."""
        if key == "call":
            return "" if self.do is not None else "say what to do, such as do: pause"
        if self.do is not None:
            return f"do: {self.do} is a call; write it under call: with a name of its own"
        if key == "degrade":
            there = self.config_map is not None or self.replicas is not None
            return "" if there else "give replicas, or a config_map and what to set"
        if self.workload is None:
            return "takes a workload, such as deployment/web"
        if self.replicas is not None or (self.revision is not None and key != "rollback"):
            return "replicas are of degrade, a revision is of rollback"
        if key == "scale" and self.workload.startswith("daemonset/"):
            return "a DaemonSet has one copy on each node and is not scaled"
        return ""
