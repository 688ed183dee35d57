"""Prometheus and its kin, Alertmanager and two exporters as child servers on free loopback ports.

Invariant: everything a server writes is below the folder it was given, and what is returned
answers its readiness endpoint. Configuration is written as JSON, which is YAML as well
(https://yaml.org/spec/1.2.2/#12-yaml-12-and-json).

Formats: https://prometheus.io/docs/prometheus/latest/configuration/configuration/ and
https://prometheus.io/docs/alerting/latest/configuration/.
"""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsconsole.demo import binaries
from opsconsole.demo.processes import (
    LOOPBACK,
    ServerError,
    ServerProcess,
    answers_http,
    free_port,
    start,
)

PROMETHEUS = "prometheus"
ALERTMANAGER = "prometheus-alertmanager"
NODE_EXPORTER = "prometheus-node-exporter"
BLACKBOX_EXPORTER = "prometheus-blackbox-exporter"
VICTORIA_METRICS = "victoria-metrics"
VMALERT = "vmalert"

# Upstream's own archives call three of the programs by shorter names than Debian does.
_PROGRAMS = {
    PROMETHEUS: (PROMETHEUS,),
    ALERTMANAGER: (ALERTMANAGER, "alertmanager"),
    NODE_EXPORTER: (NODE_EXPORTER, "node_exporter"),
    BLACKBOX_EXPORTER: (BLACKBOX_EXPORTER, "blackbox_exporter"),
    VICTORIA_METRICS: (VICTORIA_METRICS, "victoria-metrics-prod"),
    VMALERT: (VMALERT, "vmalert-prod"),
}


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


def available(name: str) -> bool:
    """Whether the program of ``name`` (PROMETHEUS, ALERTMANAGER, …) is on this machine."""
    return _find(name) is not None


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
    folder = _ready_folder(folder)
    write_prometheus_config(
        folder, jobs=jobs, rules=rules, alertmanagers=alertmanagers, interval=interval
    )
    return _start(
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
        "scrape_configs": [_scrape_config(job) for job in jobs],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}],
        },
    }
    group = {"name": "opsconsole", "rules": [_rule(rule) for rule in rules]}
    _write(folder / "rules.yml", {"groups": [group]})
    _write(folder / "prometheus.yml", config)


def reload(server: MonitoringServer) -> None:
    """Make a running server read its configuration again. Raises ServerError."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=5)
    try:
        connection.request("POST", "/-/reload")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.client.OK:
        raise ServerError(
            f"{server.process.name} refused its configuration\n{server.process.log_tail()}"
        )


def start_alertmanager(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """Alertmanager on its own (no cluster), which groups by alert name and notifies nobody."""
    folder = _ready_folder(folder)
    route = {
        "receiver": "nobody",
        "group_by": ["alertname"],
        "group_wait": "1s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    _write(folder / "alertmanager.yml", {"route": route, "receivers": [{"name": "nobody"}]})
    return _start(
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


def start_victoria_metrics(
    folder: Path, *, jobs: Sequence[ScrapeJob] = (), interval: str = "1s", port: int | None = None
) -> MonitoringServer:
    """VictoriaMetrics, single node, which scrapes ``jobs`` and answers as a Prometheus does."""
    folder = _ready_folder(folder)
    config = {
        "global": {"scrape_interval": interval},
        "scrape_configs": [_scrape_config(job) for job in jobs],
    }
    _write(folder / "scrape.yml", config)
    arguments = [
        f"-promscrape.config={folder / 'scrape.yml'}",
        f"-storageDataPath={folder / 'data'}",
        "-search.latencyOffset=0s",
        "-retentionPeriod=3",
    ]
    return _start(
        VICTORIA_METRICS, folder, port, arguments, ready="/health", listen="-httpListenAddr"
    )


def start_vmalert(
    folder: Path, datasource: str, *, rules: Sequence[AlertRule], port: int | None = None
) -> MonitoringServer:
    """vmalert, which evaluates ``rules`` every second at ``datasource`` and notifies nobody."""
    folder = _ready_folder(folder)
    group = {"name": "opsconsole", "rules": [_rule(rule) for rule in rules]}
    _write(folder / "rules.yml", {"groups": [group]})
    # It wants an Alertmanager to tell; nothing listens on the port of discard.
    arguments = [
        f"-datasource.url={datasource}",
        f"-rule={folder / 'rules.yml'}",
        "-evaluationInterval=1s",
        f"-notifier.url=http://{LOOPBACK}:9",
    ]
    return _start(VMALERT, folder, port, arguments, ready="/health", listen="-httpListenAddr")


def start_node_exporter(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """The exporter of this host's figures, limited to cheap collectors."""
    folder = _ready_folder(folder)
    collectors = ["cpu", "loadavg", "meminfo", "filesystem", "netdev", "uname", "time"]
    return _start(
        NODE_EXPORTER,
        folder,
        port,
        ["--collector.disable-defaults", *(f"--collector.{name}" for name in collectors)],
        ready="/metrics",
    )


def start_blackbox_exporter(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """The exporter that probes for others; modules ``http_2xx`` and ``tcp_connect``."""
    folder = _ready_folder(folder)
    http_module = {
        "prober": "http",
        "timeout": "2s",
        "http": {"preferred_ip_protocol": "ip4", "follow_redirects": False},
    }
    tcp_module = {"prober": "tcp", "timeout": "2s"}
    modules = {"http_2xx": http_module, "tcp_connect": tcp_module}
    _write(folder / "blackbox.yml", {"modules": modules})
    return _start(
        BLACKBOX_EXPORTER,
        folder,
        port,
        [f"--config.file={folder / 'blackbox.yml'}"],
        ready="/-/healthy",
    )


def blackbox_job(
    name: str, urls: Sequence[str], blackbox: str, *, module: str = "http_2xx"
) -> ScrapeJob:
    """A job that has the exporter at ``blackbox`` (``host:port``) probe each of ``urls``."""
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": blackbox},
    ]
    extra = {"params": {"module": [module]}, "relabel_configs": relabel}
    return ScrapeJob(name, urls, path="/probe", extra=extra)


def _start(
    name: str,
    folder: Path,
    port: int | None,
    arguments: Sequence[str],
    *,
    ready: str,
    listen: str = "--web.listen-address",
) -> MonitoringServer:
    program = _find(name)
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


def _ready_folder(folder: Path) -> Path:
    """Make the folder; absolute, as a server's working folder is another."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _find(name: str) -> Path | None:
    found = (binaries.find(program) for program in _PROGRAMS[name])
    return next((path for path in found if path is not None), None)


def _template_folder(program: Path) -> Path | None:
    """Where an unpacked Alertmanager's templates are, which it opens in its working folder."""
    folder = program.resolve().parents[1] / "share/prometheus/alertmanager"
    return folder if program.name == ALERTMANAGER and folder.is_dir() else None


def _scrape_config(job: ScrapeJob) -> dict[str, object]:
    return {
        "job_name": job.name,
        "metrics_path": job.path,
        "static_configs": [{"targets": list(job.targets), "labels": dict(job.labels)}],
        **job.extra,
    }


def _rule(rule: AlertRule) -> dict[str, object]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
