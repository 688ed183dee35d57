"""Files of other programs that are given as a configuration: known by their shape, and said.

Invariant: pure; what could be a configuration of this program is never taken for another's. A
configuration has none of the keys by which these are known.
"""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any, Final

_COMPOSE: Final = frozenset(
    {"image", "build", "container_name", "entrypoint", "ports", "volumes", "extends", "env_file"}
)
_COMPLETES: Final = frozenset(
    {"deploy", "environment", "command", "restart", "networks", "healthcheck", "expose", "scale"}
)
_OURS: Final = frozenset({"instances", "containers", "actions", "health", "logs", "objectives"})
_INI: Final = re.compile(r"\s*(?:[#;].*\n\s*)*\[[\w .@:\"-]+\]\s*(?:[#;].*)?(?:\n|$)")
_VARIABLES: Final = re.compile(r"\s*(?:#.*\n\s*)*(?:export )?[A-Za-z_]\w*=.*(?:\n|$)")
_NGINX: Final = re.compile(
    r"(?m)^\s*(?:server|http|events|upstream \w+|location \S+|[\w.*:-]+) \{\s*$"
)

WRITE_ONE: Final = "opsconsole init writes a first configuration of what runs here"
IMPORT: Final = "opsconsole import FILE… makes a configuration of it"
_CLUSTER: Final = f"name the cluster that it is in: kubernetes: {{context: NAME}}; {WRITE_ONE}"
_PROMETHEUS: Final = "name the server: prometheus: {url: http://…:9090}"


class Foreign(StrEnum):
    """What can be imported into a configuration."""

    COMPOSE = "a Compose file"
    PROMETHEUS = "a prometheus.yml"
    RULES = "a file of Prometheus rules"
    ALERTMANAGER = "an alertmanager.yml"
    DASHBOARD = "a Grafana dashboard"


def foreign(value: Any) -> Foreign | None:
    """What ``value`` is, of those; None for anything else."""
    if not isinstance(value, dict):
        return None
    known = (
        (_is_dashboard, Foreign.DASHBOARD),
        (_is_prometheus, Foreign.PROMETHEUS),
        (_has("route", "receivers"), Foreign.ALERTMANAGER),
        (_is_rules, Foreign.RULES),
        (_overlays, Foreign.COMPOSE),
    )
    return next((kind for is_it, kind in known if is_it(value)), None)


def other_program(value: Any, own: AbstractSet[str]) -> tuple[str, str]:
    """Whose file ``value`` is, as read from YAML, and what to do; '' where it may be ours.

    ``own`` are the keys of a configuration; with one of them it is none of another's but Compose's.
    """
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, dict):
        return "", ""
    if value.keys() & own:
        return ("a Compose file", IMPORT) if _is_compose(value) else ("", "")
    return next(((name, remedy) for name, is_it, remedy in _FORMS if is_it(value)), ("", ""))


def other_text(text: str) -> tuple[str, str]:
    """As ``other_program``, of a text that is no YAML."""
    if _INI.match(text):
        if re.search(r"(?m)^\[(?:Unit|Service|Timer|Install)\]", text):
            return "a systemd unit", "name it: services: {NAME: {instances: …, unit: NAME.service}}"
        return "an INI or TOML file", WRITE_ONE
    if text.lstrip().startswith(("<?xml", "<!DOCTYPE", "<html")):
        return "an XML or HTML file", WRITE_ONE
    if text.startswith("#!"):
        return "a script", WRITE_ONE
    if _NGINX.search(text):
        return "an nginx or Caddy configuration", WRITE_ONE
    if _VARIABLES.match(text) and ": " not in text.splitlines()[0]:
        return "a file of variables", WRITE_ONE
    return "", ""


def _of_list(value: list[Any]) -> tuple[str, str]:
    first = value[0] if value else None
    if not isinstance(first, dict):
        return "", ""
    if {"targets"} <= first.keys() and first.keys() <= {"targets", "labels"}:
        return "a file of Prometheus targets", _PROMETHEUS
    if "hosts" in first and {"tasks", "roles", "become"} & first.keys():
        return "an Ansible playbook", WRITE_ONE
    return "", ""


def _has(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda value: value.keys() >= set(keys)


def _is_compose(value: Mapping[str, Any]) -> bool:
    services = value.get("services")
    if not isinstance(services, dict):
        return False
    parts = [service for service in services.values() if isinstance(service, dict)]
    if any(part.keys() & _OURS for part in parts):
        return False
    return any(part.keys() & _COMPOSE for part in parts)


def _overlays(value: Mapping[str, Any]) -> bool:
    """Whether it is a Compose file, also one that only completes another."""
    services = value.get("services")
    parts = list(services.values()) if isinstance(services, dict) else []
    known = [part for part in parts if isinstance(part, dict) and part.keys() & _COMPLETES]
    ours = any(isinstance(part, dict) and part.keys() & _OURS for part in parts)
    return _is_compose(value) or (bool(known) and not ours)


def _is_dashboard(value: Mapping[str, Any]) -> bool:
    root = value.get("dashboard", value)
    return isinstance(root, dict) and "title" in root and bool({"panels", "rows"} & root.keys())


def _is_prometheus(value: Mapping[str, Any]) -> bool:
    if "scrape_configs" in value:
        return True
    return "global" in value and bool(value.keys() & {"rule_files", "alerting", "remote_write"})


def _is_rules(value: Mapping[str, Any]) -> bool:
    groups = value.get("groups")
    return isinstance(groups, list) and any(
        isinstance(group, dict) and "rules" in group for group in groups
    )


_FORMS: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], bool], str], ...]] = (
    ("a Kubernetes manifest", _has("apiVersion", "kind"), _CLUSTER),
    ("a Helm chart", _has("apiVersion", "name", "version"), WRITE_ONE),
    (
        "a Promtail configuration",
        _has("scrape_configs", "clients"),
        "name the files it reads: services: {NAME: {logs: [{file: …}]}}",
    ),
    ("a prometheus.yml", _is_prometheus, f"{_PROMETHEUS}; {IMPORT}"),
    (
        "an alertmanager.yml",
        _has("route", "receivers"),
        f"name the server: alertmanager: {{url: http://…:9093}}; {IMPORT}",
    ),
    (
        "a file of Prometheus rules",
        _is_rules,
        "name it: prometheus: {url: …, rule_files: [FILE]}",
    ),
    ("an OpenTelemetry collector's configuration", _has("receivers", "exporters"), WRITE_ONE),
    ("a blackbox exporter's configuration", _has("modules"), WRITE_ONE),
    ("a Grafana dashboard", _is_dashboard, IMPORT),
    ("a Grafana datasource file", _has("datasources"), _PROMETHEUS),
    ("a Traefik configuration", _has("entryPoints"), WRITE_ONE),
    ("a GitHub workflow", _has("jobs"), WRITE_ONE),
    ("a GitLab pipeline", _has("stages"), WRITE_ONE),
    ("an OpenAPI description", _has("openapi"), WRITE_ONE),
    ("an OpenAPI description", _has("swagger"), WRITE_ONE),
    ("a package.json", _has("name", "version", "dependencies"), WRITE_ONE),
    (
        "a runbook",
        lambda value: isinstance(value.get("steps"), list),
        "put it into runbooks/ beside the configuration",
    ),
    ("a theme", _has("background"), "put it into the folder of themes; see opsconsole themes"),
)
"""Each with how it is known and what to do; the first that fits."""
