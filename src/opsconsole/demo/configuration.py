"""The console's configuration for the demo: everything that the five platforms offer.

Invariant: the file loads without a problem, names only what is really there, and holds no secret,
only where one is available.
"""

from __future__ import annotations

import os
from typing import Final

from opsconsole.demo import runbooks
from opsconsole.demo.layout import Layout
from opsconsole.demo.monitoring import Monitoring
from opsconsole.demo.services import services
from opsconsole.render.yaml_text import render

_HEAD: Final = (
    "# The demo's fleet. Written by `opsconsole demo` and removed when it ends;",
    "# copy it to try things out: `opsconsole check FILE` says what is wrong with a change.",
)


def write(
    layout: Layout,
    monitoring: Monitoring,
    docker_url: str | None,
    kubernetes: str | None = None,
) -> None:
    """Write the configuration of a fleet; `docker_url` is the engine's, if there is one.

    `kubernetes` is a context of the user's kubeconfig whose workloads are shown, and to which
    nothing can be done; '' is the current one.
    """
    settings: dict[str, object] = {
        "environment": {"name": "demo", "danger": "low"},
        "prometheus": _server(monitoring.prometheus_url, "2s"),
        "alertmanager": _server(monitoring.alertmanager_url, "2s"),
        "docker": {"host": docker_url, "interval": "2s"} if docker_url else None,
        "defaults": {
            "interval": "2s",
            "timeout": "1500ms",
            "thresholds": {"failures": 2, "successes": 2},
        },
        "state_dir": str(layout.folder / "console"),
        "operations": {"cooldown": "5s", "backups": str(layout.folder / "backups")},
        "services": services(layout),
    }
    if kubernetes is not None:
        settings["kubernetes"] = {"context": kubernetes} if kubernetes else {"enabled": True}
        settings["discover"] = {"kubernetes": {"actions": []}}
    text = "\n".join([*_HEAD, *render(settings)]) + "\n"
    layout.config.unlink(missing_ok=True)
    # Nobody else may write what the console obeys, whatever the umask is.
    descriptor = os.open(layout.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    runbooks.write(layout.folder, rollback=(layout.of("ai-ops")[0].folder / ".git").is_dir())


def _server(url: str | None, interval: str) -> dict[str, object] | None:
    return {"url": url, "interval": interval} if url else None
