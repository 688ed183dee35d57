"""What a ``prometheus.yml`` says: jobs, rule files, Alertmanagers. Pure.

Invariant: each job is a service, or the service of a Compose file that all of its targets are; how
it is scraped is the server's affair. A target that only a network of containers reaches becomes no
URL.

Format: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from opsconsole.discovery.imported.drafting import (
    Drafting,
    File,
    Service,
    items,
    mapping,
    named,
    plain_text,
    reached,
)
from opsconsole.model.written.draft import Entry

_ROOT: Final = frozenset({
    "global", "scrape_configs", "rule_files", "alerting", "runtime", "storage", "remote_write",
    "remote_read", "tracing", "otlp",
})  # fmt: skip
_JOB: Final = frozenset({
    "job_name", "static_configs", "scheme", "metrics_path", "scrape_interval", "scrape_timeout",
    "params", "honor_labels", "honor_timestamps", "relabel_configs", "metric_relabel_configs",
    "basic_auth", "authorization", "oauth2", "tls_config", "proxy_url", "follow_redirects",
    "enable_http2", "sample_limit", "label_limit", "target_limit", "body_size_limit",
    "scrape_protocols", "scrape_classic_histograms", "bearer_token", "bearer_token_file",
    "label_name_length_limit", "label_value_length_limit", "enable_compression",
    "track_timestamps_staleness", "http_headers", "native_histogram_bucket_limit",
})  # fmt: skip
_ALERTING: Final = frozenset({"alertmanagers", "alert_relabel_configs"})
_USUAL: Final = {"prometheus": "http://127.0.0.1:9090", "alertmanager": "http://127.0.0.1:9093"}


def read(drafting: Drafting, file: File) -> None:
    """Every job of ``file``, and the servers that it names."""
    drafting.unknown(file, (), _ROOT)
    _read_server(drafting, file)
    for index, job in enumerate(items(file.root.get("scrape_configs"))):
        path = "scrape_configs", index
        name = plain_text(mapping(job).get("job_name"))
        if not name or not named(name):
            drafting.not_understood(file.at(*path))
            continue
        for key in mapping(job):
            if key not in _JOB and not key.endswith("_sd_configs"):
                drafting.not_understood(file.at(*path, key))
        _read_job(drafting, file, name, job)
    alerting = mapping(file.root.get("alerting"))
    if alerting:
        drafting.unknown(file, ("alerting",), _ALERTING)
    for index, server in enumerate(items(alerting.get("alertmanagers"))):
        _read_alertmanager(drafting, file, index, mapping(server))


def offer_server(drafting: Drafting, kind: str, why: str, *more: Entry) -> None:
    """A server whose address no file says, at its usual port."""
    url = Entry("url", _USUAL[kind], "a guess: its usual port")
    drafting.setting(Entry(kind, (url, *more), why, stands=False))


def _read_server(drafting: Drafting, file: File) -> None:
    files = [text for each in items(file.root.get("rule_files")) if (text := plain_text(each))]
    rules = (
        (Entry("rule_files", files, "rule_files, where it has not loaded them", stands=False),)
        if files
        else ()
    )
    if files:
        drafting.note("rule files", f"rule_files of {file.name}: {', '.join(files)}")
    offer_server(drafting, "prometheus", file.name, *rules)


def _read_job(drafting: Drafting, file: File, job: str, config: Mapping[str, Any]) -> None:
    targets = list(_targets(config))
    service = _service_of(drafting, job, targets) or drafting.service(
        named(job), f"job {job} of {file.name}"
    )
    why = f"job {job} of {file.name}"
    service.put("job", job, f"{why}: its targets are its copies")
    service.put("labels", {"job": job}, "the series of that job")
    scheme = plain_text(config.get("scheme")) or "http"
    urls = [f"{scheme}://{address}" for each in targets if (address := reached(each))]
    if urls and scheme in {"http", "https"}:
        service.put("instances", urls, f"targets of {why}", stands=False)
        service.put("health", "/health", "a guess", stands=False)


def _targets(config: Mapping[str, Any]) -> Iterator[object]:
    for each in items(config.get("static_configs")):
        yield from items(mapping(each).get("targets"))


def _service_of(drafting: Drafting, job: str, targets: list[object]) -> Service | None:
    """The service of a Compose file that ``job`` is about: by name, or by all of its targets."""
    hosts = {(plain_text(each) or "").partition(":")[0] for each in targets}
    for names in ({named(job)}, hosts):
        (called, *others) = names or {""}
        found = [
            each
            for name, each in drafting.services.items()
            if called and (name == called or name.endswith(f"-{called}")) and each.is_composed
        ]
        if not others and len(found) == 1 and not found[0].jobs:
            return found[0]
    return None


def _read_alertmanager(
    drafting: Drafting, file: File, index: int, server: Mapping[str, Any]
) -> None:
    scheme = plain_text(server.get("scheme")) or "http"
    prefix = (plain_text(server.get("path_prefix")) or "").rstrip("/")
    why = f"alerting of {file.name}"
    for target in _targets(server):
        address = reached(target)
        if address is None:
            offer_server(drafting, "alertmanager", file.name)
        else:
            url = f"{scheme}://{address}{prefix}"
            drafting.setting(Entry("alertmanager", (Entry("url", url, why),), why))
            drafting.note("an alertmanager", f"{why}, at {url}")
    if not any(_targets(server)):
        drafting.not_understood(file.at("alerting", "alertmanagers", index))
