"""Prometheus and Alertmanager as child servers on free loopback ports.

Invariant: everything a server writes is below the folder it was given, and what is returned
answers its readiness endpoint. Configuration is written as JSON, which is YAML as well
(https://yaml.org/spec/1.2.2/#12-yaml-12-and-json).

Formats: https://prometheus.io/docs/prometheus/latest/configuration/configuration/ and
https://prometheus.io/docs/alerting/latest/configuration/.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from opsconsole.dataclass import dataclass
from opsconsole.demo import binaries
from opsconsole.demo.processes import (
    LOOPBACK,
    ServerError,
    ServerProcess,
    answers_http,
    free_port,
    start,
)

# The names of each program: Debian's first, then that of upstream's own archive.
PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """What Prometheus scrapes: ``targets`` are ``host:port``. ``extra`` is raw configuration."""

    name: str
    targets: Sequence[str]
    path: str = "/metrics"
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alerting rule. ``hold`` is how long ``expr`` must be true: ``2s``, ``1m``."""

    name: str
    expr: str
    hold: str = "0s"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitoringServer:
    """A running server of the family, reached at ``url``; its files are in ``folder``."""

    process: ServerProcess
    folder: Path
    port: int

    @property
    def address(self) -> str:
        """``host:port``, as a scrape target or an Alertmanager is named."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The server's base URL, without a slash at the end."""
        return f"http://{self.address}"

    def stop(self) -> None:
        """Stop the server; its folder stays."""
        self.process.stop()


def available(names: Sequence[str]) -> bool:
    """Whether a program is on this machine under one of its ``names``."""
    return _find(names) is not None


def start_prometheus(
    folder: Path,
    *,
    jobs: Sequence[ScrapeJob] = (),
    rules: Sequence[AlertRule] = (),
    alertmanagers: Sequence[str] = (),
    interval: str = "1s",
    retention: str = "15d",
    port: int | None = None,
) -> MonitoringServer:
    """Prometheus with its data in ``folder``; ``alertmanagers`` are ``host:port``.

    ``interval`` is both the scrape and the evaluation interval; data that is older than
    ``retention`` is dropped. Raises ServerError.
    """
    folder = ready_folder(folder)
    write_prometheus_config(
        folder, jobs=jobs, rules=rules, alertmanagers=alertmanagers, interval=interval
    )
    return start_server(
        PROMETHEUS,
        folder,
        port,
        [
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={retention}",
            "--web.enable-lifecycle",
            # Alertmanagers are discovered after 5 s; an alert that fires before is lost until
            # it is sent again, which takes a minute by default.
            "--rules.alert.resend-delay=2s",
        ],
        ready="/-/ready",
    )


def write_prometheus_config(
    folder: Path,
    *,
    jobs: Sequence[ScrapeJob] = (),
    rules: Sequence[AlertRule] = (),
    alertmanagers: Sequence[str] = (),
    interval: str = "1s",
) -> None:
    """Write ``prometheus.yml`` and ``rules.yml`` into ``folder``, which is made if missing."""
    config = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": [scrape_config(job) for job in jobs],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}],
        },
    }
    group = {"name": "opsconsole", "rules": [rule_config(rule) for rule in rules]}
    write_json(folder / "rules.yml", {"groups": [group]})
    write_json(folder / "prometheus.yml", config)


def start_alertmanager(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """Alertmanager on its own (no cluster), which groups by alert name and notifies nobody."""
    folder = ready_folder(folder)
    route = {
        "receiver": "nobody",
        "group_by": ["alertname"],
        "group_wait": "1s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    write_json(folder / "alertmanager.yml", {"route": route, "receivers": [{"name": "nobody"}]})
    return start_server(
        ALERTMANAGER,
        folder,
        port,
        [
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            "--cluster.listen-address=",
        ],
        ready="/-/ready",
    )


def start_server(
    names: Sequence[str],
    folder: Path,
    port: int | None,
    arguments: Sequence[str],
    *,
    ready: str,
    listen: str = "--web.listen-address",
) -> MonitoringServer:
    """A program of the family by its ``names``, once it answers at the path ``ready``.

    ``listen`` is its option for an address. Raises ServerError.
    """
    name = names[0]
    program = _find(names)
    if program is None:
        raise ServerError(f"{name} is not on this machine", remedy="run make servers")
    chosen = free_port() if port is None else port
    process = start(
        name,
        [program, *arguments, f"{listen}={LOOPBACK}:{chosen}"],
        log=folder / f"{name}.log",
        ready=lambda: answers_http(chosen, ready),
        deadline=30,
        env=binaries.environment(),
        folder=_template_folder(program) or folder,
    )
    return MonitoringServer(process, folder, chosen)


def ready_folder(folder: Path) -> Path:
    """Make the folder; absolute, as a server's working folder is another."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _find(names: Sequence[str]) -> Path | None:
    found = (binaries.find(name) for name in names)
    return next((path for path in found if path is not None), None)


def _template_folder(program: Path) -> Path | None:
    """Where an unpacked Alertmanager's templates are, which it opens in its working folder."""
    folder = program.resolve().parents[1] / "share/prometheus/alertmanager"
    return folder if program.name == ALERTMANAGER[0] and folder.is_dir() else None


def scrape_config(job: ScrapeJob) -> dict[str, object]:
    """A job as Prometheus and VictoriaMetrics have it in their configuration."""
    return {
        "job_name": job.name,
        "metrics_path": job.path,
        "static_configs": [{"targets": list(job.targets), "labels": dict(job.labels)}],
        **job.extra,
    }


def rule_config(rule: AlertRule) -> dict[str, object]:
    """A rule as Prometheus and vmalert have it in their configuration."""
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }


def write_json(path: Path, content: object) -> None:
    """Write a configuration, which is YAML as well, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
