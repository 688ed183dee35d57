"""The roles of ``sample_configs/kubernetes``, and users who have them and nothing else."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.patience import until
from tests.servers.kubernetes.api import Api, Namespace, RefusedError
from tests.servers.kubernetes.cluster import ClusterAt

FOLDER = Path(__file__).parents[3] / "sample_configs/kubernetes"

LOOK, PROXY = "opsconsole-look", "opsconsole-proxy"
ACT, DRAIN = "opsconsole-act", "opsconsole-drain"
ALL: Final = (LOOK, PROXY, ACT, DRAIN)

ON_CALL: Final = "on-call"
"""The name of ``on_call``'s account."""

OF_THE_CLUSTER: Final = frozenset({LOOK, DRAIN})
"""What the files say is bound by a ClusterRoleBinding."""

Allowed = tuple[str, str, str]
"""Group, resource with its subresource, verb."""

_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_GROUP: Final = "rbac.authorization.k8s.io"
_ROLES: Final = f"/apis/{_GROUP}/v1/clusterroles"
_BINDINGS: Final = f"/apis/{_GROUP}/v1/clusterrolebindings"


def documents() -> list[dict[str, Any]]:
    """All that the files have, as they are."""
    return [
        each
        for path in FOLDER.glob("*.yaml")
        for each in yaml.safe_load_all(path.read_text("utf-8"))
    ]


def rules(name: str) -> list[dict[str, Any]]:
    """The rules of a role of the samples."""
    [role] = [each for each in documents() if each["metadata"]["name"] == name]
    return list(role["rules"])


def bind(sandbox: Namespace, role: str) -> None:
    """Let ``nobody`` do in the sandbox what ``role`` allows."""
    sandbox.create("Role", role, {}, rules=rules(role))
    subject = {"kind": "User", "name": "nobody", "apiGroup": _GROUP}
    reference = {"kind": "Role", "name": role, "apiGroup": _GROUP}
    sandbox.create("RoleBinding", role, {}, subjects=[subject], roleRef=reference)


@contextmanager
def on_call(cluster: ClusterAt, sandbox: Namespace, folder: Path, *roles: str) -> Iterator[Path]:
    """The kubeconfig of an account of the sandbox that has ``roles``, as the files say it is given.

    The files are applied as they are.
    """
    api = cluster.api()
    for each in documents():
        _apply(api, _ROLES, each)
    sandbox.create("ServiceAccount", ON_CALL, {})
    bound = []
    for role in roles:
        reference = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role}
        subjects = [{"kind": "ServiceAccount", "name": ON_CALL, "namespace": sandbox.name}]
        if role in OF_THE_CLUSTER:
            name = f"{role}-{sandbox.name}"
            binding: dict[str, Any] = {"kind": "ClusterRoleBinding", "apiVersion": f"{_GROUP}/v1"}
            binding |= {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
            api.call("POST", _BINDINGS, binding)
            bound.append(f"{_BINDINGS}/{name}")
        else:
            sandbox.create("RoleBinding", role, {}, roleRef=reference, subjects=subjects)
    try:
        # The API server has its own time to hear of what it was given.
        until(lambda: allowed(*roles) <= may(cluster, sandbox))
        yield _kubeconfig(cluster, folder / "on-call", token(sandbox))
    finally:
        for path in bound:
            api.delete(path)


def allowed(*roles: str) -> set[Allowed]:
    """What ``roles`` allow, one by one."""
    return _each(rule for role in roles for rule in rules(role))


def may(cluster: ClusterAt, sandbox: Namespace) -> set[Allowed]:
    """All that the account may do in the sandbox, as the cluster has it."""
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": sandbox.name},
    }
    answer = cluster.api(token(sandbox)).call("POST", _REVIEWS, asked)
    return _each(answer["status"]["resourceRules"])


def _each(given: Iterable[dict[str, Any]]) -> set[Allowed]:
    return {
        (group, resource, verb)
        for rule in given
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for verb in rule["verbs"]
    }


def token(sandbox: Namespace) -> str:
    """A token of the account, for an hour."""
    path = f"{sandbox.path('ServiceAccount', ON_CALL)}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(sandbox.api.call("POST", path, asked)["status"]["token"])


def _apply(api: Api, path: str, body: dict[str, Any]) -> None:
    try:
        api.call("POST", path, body)
    except RefusedError as error:
        if error.status != 409:
            raise
        # Another test has applied it.
        api.call("PUT", f"{path}/{body['metadata']['name']}", body)


def _kubeconfig(cluster: ClusterAt, path: Path, secret: str) -> Path:
    reached = {"server": cluster.server, "certificate-authority": cluster.authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": ON_CALL,
        "clusters": [{"name": ON_CALL, "cluster": reached}],
        "users": [{"name": ON_CALL, "user": {"token": secret}}],
        "contexts": [{"name": ON_CALL, "context": {"cluster": ON_CALL, "user": ON_CALL}}],
    }
    path.touch(0o600)
    path.write_text(json.dumps(config))
    return path
