"""Names in a configuration that refer to other names in it.

Invariant: works on the plain values before the schema does, and takes what has another shape for
absent, so that a wrong name is reported together with every wrong key.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from opsconsole.config.actions import ON_ENGINE
from opsconsole.config.files.problems import KeyPath, did_you_mean
from opsconsole.config.hosts import HERE
from opsconsole.config.log_figures import figures_of
from opsconsole.config.notify import ALL
from opsconsole.config.remedy_references import check_remedies
from opsconsole.config.remote_hosts import check_hosts
from opsconsole.config.services import NO_PROMETHEUS
from opsconsole.config.settings import PLACES, Settings
from opsconsole.model.written.expressions import BUILT_IN, ExpressionError, parse, quantity_of

Finding = tuple[KeyPath, str, str]
"""Where, what is wrong, and a suggestion or ''."""


def check_references(settings: Any) -> Iterator[Finding]:
    """Every name that refers to nothing, every name given twice and every circle."""
    services = _mapping(_mapping(settings).get("services"))
    yield from _check_sources(settings)
    yield from _check_dependencies(services)
    yield from check_hosts(_mapping(settings))
    yield from _check_receivers(_mapping(settings))
    yield from check_remedies(_mapping(settings))
    environments = _mapping(_mapping(settings).get("environments"))
    backends = [*_names_of(_mapping(settings).get("prometheus"), "prometheus"), NO_PROMETHEUS]
    engines = list(_engines(_mapping(settings)))
    clusters = _names_of(_mapping(settings).get("kubernetes"), "kubernetes")
    yield from _check_discovery(settings, engines, clusters)
    yield from _check_unit_hosts(_mapping(settings), engines)
    owners: dict[str, str] = {}
    for name, service in services.items():
        path: KeyPath = ("services", name)
        yield from _check_name((*path, "environment"), service, environments, "environment")
        yield from _check_name((*path, "prometheus"), service, backends, "prometheus")
        yield from _check_engines(path, service, engines)
        yield from _check_clusters(path, service, clusters)
        yield from _check_instances(path, _mapping(service), owners)
        yield from _check_figures(path, _mapping(service))


def _check_name(
    path: KeyPath, service: Any, known: Sequence[str] | Mapping[str, Any], kind: str
) -> Iterator[Finding]:
    name = _mapping(service).get(kind)
    if isinstance(name, str) and name not in known:
        yield path, f"no {kind} is called {name!r}", did_you_mean(name, known)


def _engines(settings: Mapping[str, Any]) -> Iterator[str]:
    """The names of the places that are given, or are there where none is."""
    for key in PLACES:
        yield from _places(settings, key)


def _places(settings: Mapping[str, Any], key: str) -> list[str]:
    given = _names_of(settings.get(key), key)
    return given or [each.name for each in Settings.model_fields[key].default]


def _check_engines(path: KeyPath, service: Any, engines: Sequence[str]) -> Iterator[Finding]:
    """Every ``engine`` of a service, its instances, its logs and its actions."""
    yield from _check_name((*path, "engine"), service, engines, "engine")
    for key in ("instances", "logs"):
        for index, item in enumerate(_items(_mapping(service).get(key))):
            yield from _check_name((*path, key, index, "engine"), item, engines, "engine")
    actions = _mapping(service).get("actions")
    for where, target in _targets((*path, "actions"), actions, ON_ENGINE):
        yield from _check_name((*where, "engine"), target, engines, "engine")


def _check_clusters(path: KeyPath, service: Any, clusters: Sequence[str]) -> Iterator[Finding]:
    """Every workload of a service, its logs and its actions is in exactly one cluster."""
    named = _mapping(service).get("kubernetes")
    targets: list[tuple[KeyPath, Any]] = (
        [((*path, "kubernetes", index), each) for index, each in enumerate(named)]
        if isinstance(named, list)
        else [((*path, "kubernetes"), named)]
    )
    actions = _mapping(service).get("actions")
    targets += _targets((*path, "actions"), actions, frozenset({"kubernetes"}))
    for index, log in enumerate(_items(_mapping(service).get("logs"))):
        targets.append(((*path, "logs", index, "kubernetes"), _mapping(log).get("kubernetes")))
    for where, target in targets:
        if not isinstance(target, (str, dict)):
            continue
        if not clusters:
            yield where, "no cluster is given", "give one: kubernetes: {context: …}"
        elif _mapping(target).get("cluster") is not None:
            yield from _check_name((*where, "cluster"), target, clusters, "cluster")
        elif len(clusters) > 1:
            several = f"does not say which of the clusters {', '.join(clusters)} it is about"
            yield where, several, "write {workload: …, cluster: …}"


def _check_discovery(
    settings: Any, engines: Sequence[str], clusters: Sequence[str]
) -> Iterator[Finding]:
    discover = _mapping(_mapping(settings).get("discover"))
    if discover.get("prometheus") is not None and not _mapping(settings).get("prometheus"):
        wrong = "no Prometheus is given that could be asked for its jobs"
        yield ("discover", "prometheus"), wrong, "give one: prometheus: {url: …}"
    if discover.get("kubernetes") is not None and not clusters:
        wrong = "no Kubernetes cluster is given that could be looked at"
        yield ("discover", "kubernetes"), wrong, "give one: kubernetes: {context: …}"
    listed = _mapping(discover.get("kubernetes")).get("clusters")
    for index, name in enumerate([listed] if isinstance(listed, str) else _items(listed)):
        where: KeyPath = ("discover", "kubernetes", "clusters", index)
        yield from _check_name(where, {"cluster": name}, clusters, "cluster")
    named = _mapping(discover.get("docker")).get("engines")
    for index, name in enumerate([named] if isinstance(named, str) else _items(named)):
        path: KeyPath = ("discover", "docker", "engines", index)
        yield from _check_name(path, {"engine": name}, engines, "engine")


def _check_unit_hosts(settings: Mapping[str, Any], engines: Sequence[str]) -> Iterator[Finding]:
    """Hosts whose units are looked at are there, and no engine has their name."""
    systemd = _mapping(settings.get("discover")).get("systemd")
    hosts = [*_mapping(settings.get("hosts")), HERE]
    listed = _mapping(systemd).get("hosts")
    for index, name in enumerate([listed] if isinstance(listed, str) else _items(listed)):
        where: KeyPath = ("discover", "systemd", "hosts", index)
        if isinstance(name, str) and not any(fnmatchcase(each, name) for each in hosts):
            yield where, f"no host is called {name!r}", did_you_mean(name, hosts)
    services = _mapping(settings.get("services")).values()
    named = {_mapping(each).get("host") for each in services if _mapping(each).get("units")}
    for name in hosts:
        if name in engines and (systemd or name in named):
            yield ("hosts", name), f"an engine is called {name!r} too", "call one of them otherwise"


def _targets(path: KeyPath, action: Any, drivers: frozenset[str]) -> Iterator[tuple[KeyPath, Any]]:
    """What actions and the ones within them name for one of ``drivers``."""
    for key, value in _mapping(action).items():
        if key in drivers:
            yield (*path, key), value
        else:
            yield from _targets((*path, key), value, drivers)


def _check_sources(settings: Any) -> Iterator[Finding]:
    taken: list[str] = []
    for key in ("prometheus", "alertmanager", *PLACES):
        names = _names_of(_mapping(settings).get(key), key)
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (key, index), f"two of them are called {name!r}; give each a name", ""
            elif key in PLACES and name in taken:
                yield (key, index), f"an engine is called {name!r} already; give it a name", ""
        taken += _places(settings, key) if key in PLACES else []


def _check_receivers(settings: Mapping[str, Any]) -> Iterator[Finding]:
    known = _names_of(settings.get("alertmanager"), "alertmanager")
    receivers = _mapping(_mapping(settings.get("notify")).get("receivers"))
    for name, receiver in receivers.items():
        path: KeyPath = ("notify", "receivers", name, "alertmanager")
        given = _mapping(receiver).get("alertmanager")
        if given == ALL and not known:
            yield path, "no Alertmanager is configured; write one under alertmanager", ""
        for each in [] if given == ALL else [given] if isinstance(given, str) else _strings(given):
            if each not in known:
                yield path, f"no Alertmanager is called {each!r}", did_you_mean(each, known)


def _check_dependencies(services: Mapping[str, Any]) -> Iterator[Finding]:
    needs = {
        name: _strings(_mapping(service).get("depends_on")) for name, service in services.items()
    }
    for name, wanted in needs.items():
        for index, other in enumerate(wanted):
            path: KeyPath = ("services", name, "depends_on", index)
            if other == name:
                yield path, "a service cannot depend on itself", ""
            elif other not in services:
                yield path, f"no service is called {other!r}", did_you_mean(other, services)
    for circle in _circles(needs):
        path = ("services", circle[0], "depends_on")
        yield path, f"depends on itself: {' → '.join([*circle, circle[0]])}", ""


def _circles(needs: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Each circle once, beginning with its first name in the file; self-loops apart."""
    done: set[str] = set()
    circles: list[tuple[str, ...]] = []
    for start in needs:
        trail: list[str] = []
        pending: list[tuple[str, bool]] = [(start, True)]
        while pending:
            name, entering = pending.pop()
            if not entering:
                done.add(trail.pop())
            elif name in trail:
                circle = trail[trail.index(name) :]
                if len(circle) > 1:
                    circles.append(tuple(circle))
            elif name not in done:
                trail.append(name)
                pending.append((name, False))
                pending.extend((other, True) for other in reversed(needs.get(name, ())))
    return circles


def _check_instances(
    path: KeyPath, service: Mapping[str, Any], owners: dict[str, str]
) -> Iterator[Finding]:
    instances = service.get("instances")
    items = instances if isinstance(instances, list) else [instances] if instances else []
    for index, instance in enumerate(items):
        numbered = str(path[-1]) if len(items) == 1 else f"{path[-1]}-{index + 1}"
        name = _mapping(instance).get("name")
        name = name if isinstance(name, str) else numbered
        owner = owners.setdefault(name, str(path[-1]))
        if owner != path[-1] or name in _earlier(items[:index], str(path[-1]), len(items)):
            message = f"an instance of {owner} is called {name!r} already"
            yield (*path, "instances", index), message, ""


def _earlier(items: Sequence[Any], service: str, count: int) -> list[str]:
    return [
        str(_mapping(item).get("name") or (service if count == 1 else f"{service}-{number}"))
        for number, item in enumerate(items, 1)
    ]


def _check_figures(path: KeyPath, service: Mapping[str, Any]) -> Iterator[Finding]:
    """The figures of objectives and rules are built in, declared, or counted in a log."""
    known = [*BUILT_IN, *_mapping(service.get("metrics"))]
    for source in _items(service.get("logs")):
        known.extend(figures_of(_mapping(_mapping(source).get("patterns"))))
    texts: list[tuple[KeyPath, Any]] = [
        ((*path, "objectives", index), text)
        for index, text in enumerate(_items(service.get("objectives")))
    ]
    texts += [
        ((*path, "alerts", index, "when"), _mapping(rule).get("when"))
        for index, rule in enumerate(_items(service.get("alerts")))
    ]
    for where, text in texts:
        name = _figure(text)
        if name and name not in known:
            message = f"no metric or log pattern of this service is called {name!r}"
            there_are = f"there are {', '.join(known)}; and state, and availability"
            yield where, message, did_you_mean(name, known) or there_are


def _figure(text: Any) -> str:
    """The figure that an expression is about; '' for none and for what cannot be read."""
    if not isinstance(text, str):
        return ""
    try:
        quantity = quantity_of(parse(text))
    except ExpressionError:
        return ""
    return quantity.name if quantity else ""


def _names_of(sources: Any, default: str) -> list[str]:
    items = sources if isinstance(sources, list) else [sources] if sources else []
    return [str(_mapping(item).get("name", default)) for item in items]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(item for item in _items(value) if isinstance(item, str))
