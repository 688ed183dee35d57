"""Writing kubeconfigs for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from opsconsole.config.kubernetes import KubernetesCluster


def entries(
    name: str,
    *,
    server: str = "https://api.example:6443",
    cluster: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    namespace: str = "",
) -> dict[str, Any]:
    """The content of a kubeconfig with one context, cluster and user, all called ``name``."""
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": context}],
        "clusters": [{"name": name, "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": name, "user": user or {}}],
    }


def write(path: Path, content: dict[str, Any], mode: int = 0o600) -> Path:
    """``content`` at ``path``."""
    path.write_text(yaml.safe_dump(content))
    path.chmod(mode)
    return path


def cluster(path: Path | None = None, **settings: Any) -> KubernetesCluster:
    """The settings of a cluster."""
    named = {} if path is None else {"kubeconfig": str(path)}
    return KubernetesCluster.model_validate({**named, **settings})
