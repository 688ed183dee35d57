"""What Compose files say: services, health checks, dependencies, ports, volumes. Pure.

Invariant: several files are one project, a later one completing an earlier, as ``docker compose
-f`` does. What says how a container is made and run, and not what is watched, is passed over by
name; every other key is not understood. No variable of an environment is ever taken over.

Format: https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.discovery.finding import fit
from opsconsole.discovery.imported.drafting import (
    Drafting,
    File,
    Service,
    items,
    mapping,
    named,
    plain_text,
)
from opsconsole.model.written.draft import offered_ports
from opsconsole.model.written.units import format_duration, parse_duration

_ROOT: Final = frozenset({"name", "version", "services", "networks", "volumes", "secrets",
                          "configs"})  # fmt: skip
_TAKEN: Final = frozenset({
    "image", "container_name", "depends_on", "links", "ports", "healthcheck", "volumes", "labels",
    "deploy", "scale", "profiles",
})  # fmt: skip
_RUNS: Final = frozenset({
    "annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup",
    "cgroup_parent", "command", "configs", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota",
    "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "credential_spec", "develop",
    "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname", "entrypoint",
    "env_file", "environment", "expose", "extra_hosts", "gpus", "group_add", "hostname", "init",
    "ipc", "isolation", "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness",
    "memswap_limit", "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid",
    "pids_limit", "platform", "post_start", "pre_stop", "privileged", "pull_policy", "read_only",
    "restart", "runtime", "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period",
    "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode",
    "uts", "volumes_from", "working_dir",
})  # fmt: skip
_DEPLOY: Final = frozenset({
    "mode", "replicas", "resources", "placement", "restart_policy", "update_config",
    "rollback_config", "endpoint_mode", "labels",
})  # fmt: skip
_HEALTH: Final = frozenset({"test", "interval", "timeout", "retries", "start_period",
                            "start_interval", "disable"})  # fmt: skip
_SHORT_PORT: Final = re.compile(
    r"(?:(?P<host>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(?:(?P<public>\d{1,5}):)?(?P<private>\d{1,5})"
    r"(?:/(?P<protocol>tcp|udp))?"
)
_ASKED: Final = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\$?\{?HOSTNAME\}?)"
    r"(?::(?P<port>\d{1,5}))?(?P<path>/[^\s'\"|;&)<>]*)?"
)
_ANY: Final = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104 - compared, not bound
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LABEL: Final = "io.opsconsole."
_SERVERS: Final = {"prometheus": 9090, "alertmanager": 9093}
_NATIVE: Final = ("restart", "rollback", "scale")


@dataclass(frozen=True, slots=True)
class _Port:
    """What is reached at ``host:public`` leads to ``private`` inside."""

    private: int
    public: int
    host: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.public}"


def read(drafting: Drafting, files: Sequence[File]) -> None:
    """Every service of ``files``, which belong to one project."""
    project = next((name for each in files if (name := named(each.root.get("name")))), "")
    merged: dict[str, Any] = {}
    for file in files:
        drafting.unknown(file, (), _ROOT)
        for name, service in mapping(file.root.get("services")).items():
            if isinstance(service, dict):
                _say_what_is_unknown(drafting, file, name, service)
                merged[name] = _merged(merged.get(name, {}), service)
            elif service is not None:
                drafting.not_understood(file.at("services", name))
    names = {
        name: fit(f"{project}-{name}" if project else name, "")
        for name in merged
        if _NAME.fullmatch(name)
    }
    jobs = _ends_well(merged)
    where = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    for name, service in merged.items():
        if not names.get(name):
            drafting.not_understood(f"{where}: the name {name}")
            continue
        made = drafting.service(names[name], f"service {name} of {where}")
        _read(drafting, made, name, project, service, names)
        if name in jobs:
            made.stands, made.evidence = False, f"others wait for the end of {name}, in {where}"
        elif service.get("profiles") or service.get("scale") == 0 or _copies(service) == 0:
            made.stands = False
            made.evidence = f"{name} runs in some profiles alone, or in no copy, by {where}"


def _say_what_is_unknown(
    drafting: Drafting, file: File, name: str, service: Mapping[str, Any]
) -> None:
    drafting.unknown(file, ("services", name), _TAKEN | _RUNS)
    for key, known in (("deploy", _DEPLOY), ("healthcheck", _HEALTH)):
        if isinstance(service.get(key), dict):
            drafting.unknown(file, ("services", name, key), known)
    for index, port in enumerate(items(service.get("ports"))):
        if _port_of(port) is None and not _is_internal(port):
            drafting.not_understood(file.at("services", name, "ports", index))


def _merged(before: Any, after: Any) -> Any:
    """A later file completes an earlier one: mappings key by key, lists item by item."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {**before, **{key: _merged(before.get(key), each) for key, each in after.items()}}
    if isinstance(before, list) and isinstance(after, list):
        return [*before, *(each for each in after if each not in before)]
    return after


def _ends_well(services: Mapping[str, Any]) -> frozenset[str]:
    """Those of which another waits until they have ended."""
    return frozenset(
        needed
        for service in services.values()
        for needed, how in mapping(mapping(service).get("depends_on")).items()
        if mapping(how).get("condition") == "service_completed_successfully"
    )


def _copies(service: Mapping[str, Any]) -> object:
    return mapping(service.get("deploy")).get("replicas")


def _read(
    drafting: Drafting,
    made: Service,
    name: str,
    project: str,
    service: Mapping[str, Any],
    names: Mapping[str, str],
) -> None:
    labels = dict(_labels(service.get("labels")))
    if project:
        made.put("group", project, "the name of the project")
    for key in ("group", "team"):
        said = plain_text(labels.get(f"{_LABEL}{key}"))
        if said:
            made.entries.pop(key, None)
            made.put(key, said, f"the label {_LABEL}{key}")
    own = plain_text(service.get("container_name")) or ""
    own = own if _NAME.fullmatch(own) else ""
    reference = own or (f"{project}/{name}" if project else name)
    made.put("containers", [reference], "container_name" if own else made.evidence)
    wanted = [*mapping(service.get("depends_on")), *_words(service.get("depends_on")),
              *(each.partition(":")[0] for each in _words(service.get("links")))]  # fmt: skip
    needs = [names[each] for each in dict.fromkeys(wanted) if names.get(each) and each != name]
    if needs:
        made.put("depends_on", needs, "depends_on")
    ports = [port for each in items(service.get("ports")) if (port := _port_of(each))]
    _read_health(drafting, made, service, ports, labels)
    _read_servers(drafting, name, service, ports)
    _read_actions(made, service, project, name, reference, labels)


def _words(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _labels(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    for each in _words(value):
        key, _, said = each.partition("=")
        yield key, said


def _port_of(port: object) -> _Port | None:
    """A port that is published at a known one of this host; None where it is not."""
    if isinstance(port, dict):
        private, public = plain_text(port.get("target")), plain_text(port.get("published"))
        text = f"{public}:{private}/{port.get('protocol', 'tcp')}"
        host = plain_text(port.get("host_ip", "")) or ""
        text = f"{host}:{text}" if host else text
    else:
        text = plain_text(port) or ""
    match = _SHORT_PORT.fullmatch(text)
    if match is None or match["public"] is None or match["protocol"] == "udp":
        return None
    host = match["host"] or ""
    numbers = int(match["private"]), int(match["public"])
    if not all(0 < each < 1 << 16 for each in numbers):
        return None
    return _Port(*numbers, "127.0.0.1" if host in _ANY else host)


def _is_internal(port: object) -> bool:
    """Whether it is at no port of the host that is known before it runs, or is none of TCP."""
    if isinstance(port, dict):
        return port.get("published") is None or port.get("protocol") == "udp"
    match = _SHORT_PORT.fullmatch(plain_text(port) or "")
    return match is not None and (match["public"] is None or match["protocol"] == "udp")


def _read_health(
    drafting: Drafting,
    made: Service,
    service: Mapping[str, Any],
    ports: Sequence[_Port],
    labels: Mapping[str, Any],
) -> None:
    check = mapping(service.get("healthcheck"))
    asked = _ASKED.search(_test_of(check))
    path, inside, why = "", None, "its health check"
    said = re.fullmatch(r"(\d{1,5})?(/(?!/)\S*)", plain_text(labels.get(f"{_LABEL}health")) or "")
    if said is not None:
        path, inside, why = said[2], int(said[1]) if said[1] else None, f"the label {_LABEL}health"
    elif asked is not None:
        default = 443 if asked[0].startswith("https") else 80
        path, inside = asked["path"] or "/", int(asked["port"] or default)
    published = [each for each in ports if inside in {None, each.private}]
    if path and published and "$" not in path and not path.startswith("//"):
        url = published[0].url
        url = url.replace("http:", "https:") if asked and asked[0].startswith("https") else url
        made.put("instances", [url], "the port that it publishes")
        made.put("health", path, why)
        _read_times(drafting, made, check)
        return
    if ports:
        urls = [each.url for each in ports]
        for entry in offered_ports(urls, "the ports that it publishes"):
            made.put(entry.key, entry.value, entry.why, stands=False)
        drafting.leave_open(f"{made.evidence} publishes {', '.join(urls)}: on which path is its "
                            "health?")  # fmt: skip


def _test_of(check: Mapping[str, Any]) -> str:
    return " ".join(each for each in items(check.get("test")) if isinstance(each, str))


def _read_times(drafting: Drafting, made: Service, check: Mapping[str, Any]) -> None:
    for key in ("interval", "timeout"):
        said = plain_text(check.get(key))
        if said is None:
            continue
        try:
            seconds = parse_duration(said)
        except ValueError:
            drafting.not_understood(f"{made.evidence}: {key} of its health check")
            continue
        if seconds > 0:
            made.put(key, format_duration(seconds), f"{key} of its health check")
    retries = check.get("retries")
    if isinstance(retries, int) and not isinstance(retries, bool) and retries > 0:
        made.put("thresholds", {"failures": retries}, "retries of its health check")


def _read_servers(
    drafting: Drafting, name: str, service: Mapping[str, Any], ports: Sequence[_Port]
) -> None:
    """A Prometheus or an Alertmanager that is one of the services, where it is published."""
    image = (plain_text(service.get("image")) or "").rpartition("/")[2].partition(":")[0]
    if image not in _SERVERS:
        return
    for port in ports:
        if port.private == _SERVERS[image]:
            why = f"service {name} of image {image} publishes it"
            drafting.server(image, port.url, why, called=name)
            drafting.note(f"a {image}", f"{why}, at {port.url}")


def _read_actions(
    made: Service,
    service: Mapping[str, Any],
    project: str,
    name: str,
    reference: str,
    labels: Mapping[str, Any],
) -> None:
    said = plain_text(labels.get(f"{_LABEL}actions"))
    allowed = _NATIVE if said is None else tuple(each.strip() for each in said.split(","))
    target = {"containers": [reference]}
    if "restart" in allowed:
        made.add(
            "actions", "restart", {"docker": target}, "its engine can, one copy after the other"
        )
    if "rollback" in allowed:
        why = "its engine can, to the image before"
        back = {"docker": {**target, "image": "previous"}}
        made.add("actions", "rollback", back, why, stands=False)
    if "scale" in allowed and project and "container_name" not in service:
        begin = f"{project}-{name}-*"
        why = f"its engine can; deploy says {_copies(service) or service.get('scale') or 1}"
        made.add("actions", "scale", {"docker": {"containers": [begin]}}, why, stands=False)
    for volume in _volumes(service.get("volumes")):
        called = f"{project}_{volume}" if project else volume
        why = f"volume {volume}, by the name that its engine shows"
        made.add("actions", "backup", {"volume": {"volume": called}}, why, stands=False)


def _volumes(value: object) -> Iterator[str]:
    """Its named volumes."""
    for each in items(value):
        if isinstance(each, dict):
            source = plain_text(each.get("source")) if each.get("type") == "volume" else None
        else:
            source = (plain_text(each) or "").partition(":")[0] if ":" in str(each) else None
        if source and _NAME.fullmatch(source):
            yield source
