"""What a ``prometheus.yml`` says: jobs, rule files, Alertmanagers. Pure.

Invariant: each job is a service, or the service of a Compose file that all of its targets are; how
it is scraped is the server's affair. A target is taken as it is written, as an offer where only a
network of containers may reach it.

Format: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from opsconsole.discovery.imported.drafting import (
    Drafting,
    File,
    is_reached,
    items,
    mapping,
    named,
    plain_text,
    url_of,
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
        _read_job(drafting, file, path, name, job)
    alerting = mapping(file.root.get("alerting"))
    if alerting:
        drafting.unknown(file, ("alerting",), _ALERTING)
    for index, server in enumerate(items(alerting.get("alertmanagers"))):
        _read_alertmanager(drafting, file, index, mapping(server))


def offer_server(drafting: Drafting, kind: str, why: str, *more: Entry) -> None:
    """A server whose address no file says, at its usual port."""
    drafting.guess_server(kind, _USUAL[kind], why, *more)


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


def _read_job(
    drafting: Drafting, file: File, path: tuple[str | int, ...], job: str, config: Mapping[str, Any]
) -> None:
    targets = list(_targets(config))
    why = f"job {job} of {file.name}"
    name = _service_of(drafting, job, targets) or named(job)
    known = name in drafting.services
    service = drafting.merge(name, why) if known else drafting.service(name, why)
    service.put("job", job, f"{why}: its targets are its copies")
    service.put("labels", {"job": job}, "the series of that job")
    scheme = plain_text(config.get("scheme")) or "http"
    urls: list[str] = []
    for each in targets:
        url = url_of(each, scheme)
        if url:
            urls.append(url)
        else:
            drafting.not_understood(f"{file.at(*path)}: a target of job {job}")
    if urls:
        service.put("instances", list(dict.fromkeys(urls)), f"targets of {why}", stands=False)
        service.put("health", "/health", "a guess", stands=False)


def _targets(config: Mapping[str, Any]) -> Iterator[object]:
    for each in items(config.get("static_configs")):
        yield from items(mapping(each).get("targets"))


def _service_of(drafting: Drafting, job: str, targets: list[object]) -> str:
    """The service of a Compose file, by name, that ``job`` is about: by its name, or all its
    targets."""
    hosts = {(plain_text(each) or "").partition(":")[0] for each in targets}
    for names in ({named(job)}, hosts):
        (called, *others) = names or {""}
        found = [
            name
            for name, each in drafting.services.items()
            if called and (name == called or name.endswith(f"-{called}")) and each.is_composed
        ]
        if not others and len(found) == 1 and not drafting.services[found[0]].jobs:
            return found[0]
    return ""


def _read_alertmanager(
    drafting: Drafting, file: File, index: int, server: Mapping[str, Any]
) -> None:
    scheme = plain_text(server.get("scheme")) or "http"
    prefix = (plain_text(server.get("path_prefix")) or "").rstrip("/")
    why = f"alerting of {file.name}"
    for target in _targets(server):
        url = url_of(target, scheme, prefix)
        if not url:
            drafting.not_understood(file.at("alerting", "alertmanagers", index))
            continue
        host = urlsplit(url).hostname or ""
        at = drafting.published("alertmanager", host)
        if at:
            drafting.note("an alertmanager", f"{why} names {url}, which is the one at {at}")
            continue
        drafting.server("alertmanager", url, why, stands=is_reached(host))
        drafting.note("an alertmanager", f"{why}, at {url}")
    if not any(_targets(server)):
        drafting.not_understood(file.at("alerting", "alertmanagers", index))
