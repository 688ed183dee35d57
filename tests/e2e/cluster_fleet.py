"""Services that run on a real cluster, each hurt in its own way, beside a console on a terminal."""

from pathlib import Path
from typing import Any, Final

import yaml

from tests.servers.kubernetes.api import Namespace

NO_IMAGE: Final = {"image": "127.0.0.1:1/none:1", "imagePullPolicy": "IfNotPresent"}
CRASHES: Final = {"command": ["sh", "-c", "echo no table orders; exit 3"], "readinessProbe": None}
EATS: Final = {
    "command": ["tail", "/dev/zero"],
    "resources": {"limits": {"memory": "16Mi"}},
    "readinessProbe": None,
}
UNREADY: Final = {
    "readinessProbe": {"httpGet": {"path": "/nothing", "port": 8080}, "periodSeconds": 1}
}
TOO_LARGE: Final = {"resources": {"requests": {"cpu": "900"}}}


class ClusterFleet:
    """Deployments of one namespace, declared as services; ``write`` gives the configuration."""

    def __init__(self, kubeconfig: Path, namespace: Namespace, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder
        self.kubernetes: dict[str, Any] = {
            "name": "tests",
            "kubeconfig": str(kubeconfig),
            "namespaces": [namespace.name],
            "interval": "1s",
        }
        self.services: dict[str, dict[str, Any]] = {}

    def run(self, name: str, *, replicas: int = 1, actions: Any = None, **more: Any) -> None:
        """A Deployment, and the service that it is; ``more`` as ``Namespace.deploy`` takes it."""
        self.namespace.deploy(name, replicas=replicas, **more)
        self.declare(name, **({"actions": actions} if actions else {}))

    def declare(self, name: str, **more: Any) -> None:
        """A service that is a Deployment of this name."""
        self.services[name] = {"kubernetes": f"deployment/{name}", **more}

    def write(self, **more: Any) -> Path:
        """The configuration of all that was declared."""
        path = self.folder / "opsconsole.yaml"
        document = {
            "state_dir": str(self.folder / "state"),
            "environment": {"name": "staging", "danger": "none"},
            "host": {"enabled": False},
            "docker": [],
            "kubernetes": [self.kubernetes],
            "services": self.services,
            **more,
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path
