"""What the tests start beside Prometheus and Alertmanager: their kin and two exporters.

Invariant: as ``opsconsole.demo.prometheus`` has it.
"""

import http.client
from collections.abc import Sequence
from pathlib import Path

from opsconsole.demo.processes import LOOPBACK, ServerError
from opsconsole.demo.prometheus import (
    AlertRule,
    MonitoringServer,
    ScrapeJob,
    ready_folder,
    rule_config,
    scrape_config,
    start_server,
    write_json,
)

NODE_EXPORTER = ("prometheus-node-exporter", "node_exporter")
BLACKBOX_EXPORTER = ("prometheus-blackbox-exporter", "blackbox_exporter")
VICTORIA_METRICS = ("victoria-metrics", "victoria-metrics-prod")
VMALERT = ("vmalert", "vmalert-prod")


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


def start_victoria_metrics(
    folder: Path, *, jobs: Sequence[ScrapeJob] = (), interval: str = "1s", port: int | None = None
) -> MonitoringServer:
    """VictoriaMetrics, single node, which scrapes ``jobs`` and answers as a Prometheus does."""
    folder = ready_folder(folder)
    config = {
        "global": {"scrape_interval": interval},
        "scrape_configs": [scrape_config(job) for job in jobs],
    }
    write_json(folder / "scrape.yml", config)
    arguments = [
        f"-promscrape.config={folder / 'scrape.yml'}",
        f"-storageDataPath={folder / 'data'}",
        "-search.latencyOffset=0s",
        "-retentionPeriod=3",
    ]
    return start_server(
        VICTORIA_METRICS, folder, port, arguments, ready="/health", listen="-httpListenAddr"
    )


def start_vmalert(
    folder: Path, datasource: str, *, rules: Sequence[AlertRule], port: int | None = None
) -> MonitoringServer:
    """vmalert, which evaluates ``rules`` every second at ``datasource`` and notifies nobody."""
    folder = ready_folder(folder)
    group = {"name": "opsconsole", "rules": [rule_config(rule) for rule in rules]}
    write_json(folder / "rules.yml", {"groups": [group]})
    # It wants an Alertmanager to tell; nothing listens on the port of discard.
    arguments = [
        f"-datasource.url={datasource}",
        f"-rule={folder / 'rules.yml'}",
        "-evaluationInterval=1s",
        f"-notifier.url=http://{LOOPBACK}:9",
    ]
    return start_server(VMALERT, folder, port, arguments, ready="/health", listen="-httpListenAddr")


def start_node_exporter(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """The exporter of this host's figures, limited to cheap collectors."""
    folder = ready_folder(folder)
    collectors = ["cpu", "loadavg", "meminfo", "filesystem", "netdev", "uname", "time"]
    return start_server(
        NODE_EXPORTER,
        folder,
        port,
        ["--collector.disable-defaults", *(f"--collector.{name}" for name in collectors)],
        ready="/metrics",
    )


def start_blackbox_exporter(folder: Path, *, port: int | None = None) -> MonitoringServer:
    """The exporter that probes for others; modules ``http_2xx`` and ``tcp_connect``."""
    folder = ready_folder(folder)
    http_module = {
        "prober": "http",
        "timeout": "2s",
        "http": {"preferred_ip_protocol": "ip4", "follow_redirects": False},
    }
    tcp_module = {"prober": "tcp", "timeout": "2s"}
    modules = {"http_2xx": http_module, "tcp_connect": tcp_module}
    write_json(folder / "blackbox.yml", {"modules": modules})
    return start_server(
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
