"""What a Kubernetes cluster runs, as services: Deployments, StatefulSets and DaemonSets. Pure.

Invariant: the same inventory always gives the same names, and a name says where it comes from:
``NAMESPACE-NAME``, with ``.KIND`` behind it where two kinds of a namespace have one name, and
``-CLUSTER`` where several clusters are looked at. What a declared service names already is no other
service. A label or an annotation is text of others: it can choose the path of the health endpoint,
the heading and what it depends on, and take actions away; never a command, never an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from opsconsole.config.discovery import NATIVE_ACTIONS, KubernetesDiscovery
from opsconsole.config.effective import FoundService
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.finding import Finding, fit, labelled, matches
from opsconsole.model.running.workloads import Inventory, Workload
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.kubernetes.objects.metadata import OURS

_PART_OF: Final = "app.kubernetes.io/part-of"
_PATH: Final = re.compile(r"/(?!/)\S*")
_SCALED: Final = frozenset({"deployment", "statefulset"})


def read(declared: Settings, inventory: Inventory) -> tuple[Finding, ...]:
    """The services of ``inventory`` that ``declared`` wants found, by name."""
    rules, place = declared.discover.kubernetes, inventory.place.name
    clusters = [each.name for each in declared.discovered_clusters]
    if rules is None or place not in clusters:
        return ()
    suffix = f"-{place}" if len(clusters) > 1 else ""
    named = dict(_named(inventory.workloads, declared, place, suffix))
    by = SourceId(SourceKind.KUBERNETES, place)
    return tuple(
        Finding(
            FoundService(
                name,
                Service.model_validate(
                    _document(each, place, rules, _needs(each, named, declared))
                ),
                by,
                f"{each.kind} {each.label} of namespace {_namespace(each)}",
            ),
            serves=True,
            is_over=False,
        )
        for name, each in sorted(named.items())
        if _is_wanted(name, each, rules)
    )


def _named(
    workloads: Iterable[Workload], declared: Settings, place: str, suffix: str
) -> Iterator[tuple[str, Workload]]:
    """Each workload with the name that it has as a service; what is declared is left out."""
    known = _references(declared, place)
    taken: set[str] = set()
    for each in sorted(workloads, key=lambda workload: workload.name):
        name = fit(f"{_namespace(each)}-{each.label}", suffix)
        owners = known.get(each.name, set())
        if owners - {name}:
            continue
        # A declared service that names other workloads is not this one.
        other = name in declared.services and not owners and _is_elsewhere(declared, name)
        if name in taken or other:
            name = fit(name, f".{_kind(each)}")
        if name and name not in taken:
            taken.add(name)
            yield name, each


def _references(declared: Settings, place: str) -> dict[str, set[str]]:
    """The declared services by the full names of their workloads in ``place``."""
    found: dict[str, set[str]] = {}
    for name, service in declared.services.items():
        for target in service.kubernetes:
            cluster = declared.cluster_of(target)
            if cluster is not None and cluster.name == place:
                found.setdefault(target.full_name(cluster), set()).add(name)
    return found


def _is_elsewhere(declared: Settings, name: str) -> bool:
    service = declared.services[name]
    return bool(service.kubernetes or service.containers) or any(
        each.container for each in service.instances
    )


def _is_wanted(name: str, workload: Workload, rules: KubernetesDiscovery) -> bool:
    if rules.namespaces and not matches(_namespace(workload), rules.namespaces):
        return False
    if rules.names and not matches(name, rules.names):
        return False
    return all(labelled(workload.labels, each) for each in rules.labels)


def _document(
    workload: Workload, place: str, rules: KubernetesDiscovery, needs: tuple[str, ...]
) -> dict[str, Any]:
    """What was found of it, and nothing else, is set."""
    target = {
        "workload": f"{_kind(workload)}/{workload.label}",
        "namespace": _namespace(workload),
        "cluster": place,
    }
    document: dict[str, Any] = {"kubernetes": [target], "logs": [{"kubernetes": target}]}
    labels = workload.labels
    document["group"] = labels.get(f"{OURS}group") or labels.get(_PART_OF) or _namespace(workload)
    if labels.get(f"{OURS}team"):
        document["team"] = labels[f"{OURS}team"]
    if needs:
        document["depends_on"] = needs
    health = labels.get(f"{OURS}health", "")
    if _PATH.fullmatch(health):
        document["health"] = {"path": health, **_asked(labels, rules)}
    allowed = _allowed(labels, rules)
    actions = {kind: {"kubernetes": target} for kind in _can(workload) if kind in allowed}
    if actions:
        document["actions"] = actions
    return document


def _asked(labels: Mapping[str, str], rules: KubernetesDiscovery) -> dict[str, Any]:
    """How its pods are asked for their health; nothing where nobody wants that."""
    if rules.health is None:
        return {}
    port = labels.get(f"{OURS}port", "")
    known = port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536
    return {"through": rules.health, **({"port": int(port)} if known else {})}


def _can(workload: Workload) -> tuple[str, ...]:
    """What a cluster can do to it by itself, in the order of a menu."""
    restart, rollback, scale = NATIVE_ACTIONS
    return (restart, rollback, scale) if _kind(workload) in _SCALED else (restart, rollback)


def _allowed(labels: Mapping[str, str], rules: KubernetesDiscovery) -> frozenset[str]:
    """What the rules allow and no annotation leaves out."""
    said = labels.get(f"{OURS}actions")
    allowed = frozenset[str](rules.actions)
    return allowed if said is None else allowed & frozenset(_words(said))


def _needs(
    workload: Workload, named: Mapping[str, Workload], declared: Settings
) -> tuple[str, ...]:
    """The services that it says it needs, as far as there are such: of its own namespace first."""
    own = {
        each.label: name for name, each in named.items() if _namespace(each) == _namespace(workload)
    }
    wanted = _words(workload.labels.get(f"{OURS}depends-on", ""))
    found = (
        own.get(each) or (each if each in named or each in declared.services else "")
        for each in wanted
    )
    return tuple(dict.fromkeys(each for each in found if each and named.get(each) is not workload))


def _namespace(workload: Workload) -> str:
    return workload.name.partition("/")[0]


def _kind(workload: Workload) -> str:
    return workload.kind.lower()


def _words(text: str) -> list[str]:
    return [each.strip() for each in text.replace(",", " ").split()]
