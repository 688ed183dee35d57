"""The roles of ``sample_configs/kubernetes``, and giving one to the user who has no right."""

from pathlib import Path
from typing import Any

import yaml

from tests.servers.kubernetes.api import Namespace

FOLDER = Path(__file__).parents[3] / "sample_configs/kubernetes"


def rules(name: str) -> list[dict[str, Any]]:
    """The rules of a role of the samples."""
    documents = [
        each
        for path in FOLDER.glob("*.yaml")
        for each in yaml.safe_load_all(path.read_text("utf-8"))
    ]
    [role] = [each for each in documents if each["metadata"]["name"] == name]
    return list(role["rules"])


def bind(sandbox: Namespace, role: str) -> None:
    """Let ``nobody`` do in the sandbox what ``role`` allows."""
    sandbox.create("Role", role, {}, rules=rules(role))
    subject = {"kind": "User", "name": "nobody", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "Role", "name": role, "apiGroup": "rbac.authorization.k8s.io"}
    sandbox.create("RoleBinding", role, {}, subjects=[subject], roleRef=reference)
