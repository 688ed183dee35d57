"""What a cluster runs, as services."""

from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.discovery.finding import Finding
from opsconsole.discovery.inventories import read
from opsconsole.model.running.workloads import Inventory, Place, PlaceKind, Workload

BED = Place(PlaceKind.CLUSTER, "bed")
_CONFIG = """
docker: []
kubernetes: {clusters}
discover: {{kubernetes: {rules}}}
services: {services}
"""


def settings(
    folder: Path, rules: str = "true", services: str = "{}", clusters: str = "[{name: bed}]"
) -> Settings:
    path = folder / "opsconsole.yaml"
    path.write_text(_CONFIG.format(rules=rules, services=services, clusters=clusters))
    path.chmod(0o600)
    return load(path, {})


def workload(name: str, **labels: str) -> Workload:
    kind = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
    said = {key.replace("__", "/").replace("_", "-"): each for key, each in labels.items()}
    return Workload(name, name, kind[name.split("/")[1]], BED, "web:1", 2, 2, labels=said)


def found(declared: Settings, *workloads: Workload, place: Place = BED) -> dict[str, Finding]:
    inventory = Inventory(place, "https://api:6443", "v1.36.0", (), workloads)
    return {each.found.name: each for each in read(declared, inventory, None)}


def document(finding: Finding) -> dict[str, Any]:
    dumped: dict[str, Any] = finding.found.service.model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    return dumped


def test_a_workload_is_a_service_with_what_its_cluster_can_do(tmp_path: Path) -> None:
    web = found(settings(tmp_path), workload("shop/deployment/web"))["shop-web"]
    target = {"workload": "deployment/web", "namespace": "shop", "cluster": "bed"}
    assert document(web) == {
        "kubernetes": [target],
        "logs": [{"kubernetes": target}],
        "group": "shop",
        "actions": {
            "restart": {"kubernetes": target},
            "rollback": {"kubernetes": target},
            "scale": {"kubernetes": target},
        },
    }
    assert web.found.evidence == "Deployment web of namespace shop"
    assert (web.serves, web.is_over) == (True, False)


def test_what_is_on_every_node_is_not_scaled(tmp_path: Path) -> None:
    agent = found(settings(tmp_path), workload("shop/daemonset/agent"))["shop-agent"]
    assert set(document(agent)["actions"]) == {"restart", "rollback"}


@pytest.mark.parametrize(
    ("labels", "key", "value"),
    [
        ({"opsconsole.io__team": "orders"}, "team", "orders"),
        ({"opsconsole.io__group": "front"}, "group", "front"),
        ({"app.kubernetes.io__part_of": "store"}, "group", "store"),
        ({"opsconsole.io__health": "/healthz"}, "health", {"path": "/healthz"}),
        ({"opsconsole.io__depends_on": "db, nowhere web"}, "depends_on", ["shop-db"]),
        # Nothing of others becomes an address or a command.
        ({"opsconsole.io__health": "//evil.example/x"}, "health", None),
        ({"opsconsole.io__health": "http://evil.example/x"}, "health", None),
        ({"opsconsole.io__command": "rm -rf /"}, "command", None),
    ],
)  # fmt: skip
def test_what_annotations_say(
    labels: dict[str, str], key: str, value: object, tmp_path: Path
) -> None:
    known = found(
        settings(tmp_path),
        workload("shop/deployment/web", **labels),
        workload("shop/statefulset/db"),
    )
    assert document(known["shop-web"]).get(key) == value


@pytest.mark.parametrize(
    ("rules", "port", "health"),
    [
        ("true", "8080", {"path": "/healthz"}),
        ("{health: proxy}", "", {"path": "/healthz", "through": "proxy"}),
        ("{health: pods}", "8080", {"path": "/healthz", "through": "pods", "port": 8080}),
        ("{health: pods}", "http", {"path": "/healthz", "through": "pods"}),
        ("{health: pods}", "٣", {"path": "/healthz", "through": "pods"}),
        ("{health: pods}", "70000", {"path": "/healthz", "through": "pods"}),
    ],
)
def test_pods_are_asked_where_the_configuration_wants_it_and_an_annotation_says_where(
    rules: str, port: str, health: dict[str, object], tmp_path: Path
) -> None:
    said = {"opsconsole.io__health": "/healthz", "opsconsole.io__port": port}
    web = workload("shop/deployment/web", **said)
    known = found(settings(tmp_path, rules), web)["shop-web"]
    assert document(known)["health"] == health


@pytest.mark.parametrize(
    ("said", "left"),
    [("restart", {"restart"}), ("", set()), ("delete, scale", {"scale"})],
)
def test_an_annotation_only_takes_actions_away(said: str, left: set[str], tmp_path: Path) -> None:
    web = workload("shop/deployment/web", opsconsole__io="", **{"opsconsole.io__actions": said})
    known = found(settings(tmp_path), web)["shop-web"]
    assert set(document(known).get("actions", {})) == left


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        ("true", {"shop-web", "shop-db", "tools-web"}),
        ("{namespaces: sh*}", {"shop-web", "shop-db"}),
        ("{names: '*-web'}", {"shop-web", "tools-web"}),
        ("{labels: tier=front}", {"shop-web"}),
        ("{clusters: bed, namespaces: none}", set()),
    ],
)
def test_rules_only_leave_out(rules: str, names: set[str], tmp_path: Path) -> None:
    known = found(
        settings(tmp_path, rules),
        workload("shop/deployment/web", tier="front"),
        workload("shop/statefulset/db"),
        workload("tools/deployment/web"),
    )
    assert set(known) == names


def test_what_a_declared_service_names_is_no_other_one(tmp_path: Path) -> None:
    declared = settings(
        tmp_path, services="{api: {kubernetes: {workload: deployment/web, namespace: shop}}}"
    )
    known = found(declared, workload("shop/deployment/web"), workload("shop/deployment/other"))
    assert set(known) == {"shop-other"}


def test_a_declared_service_of_the_name_is_filled_in_where_it_is_the_same(tmp_path: Path) -> None:
    same = "{shop-web: {kubernetes: {workload: deployment/web, namespace: shop}}}"
    assert set(found(settings(tmp_path, services=same), workload("shop/deployment/web"))) == {
        "shop-web"
    }
    other = "{shop-web: {kubernetes: {workload: deployment/web, namespace: else}}}"
    assert set(found(settings(tmp_path, services=other), workload("shop/deployment/web"))) == {
        "shop-web.deployment"
    }


def test_two_kinds_of_one_name_and_two_clusters_are_kept_apart(tmp_path: Path) -> None:
    both = workload("shop/deployment/web"), workload("shop/statefulset/web")
    assert set(found(settings(tmp_path), *both)) == {"shop-web", "shop-web.statefulset"}
    two = settings(tmp_path, clusters="[{name: bed}, {name: bay}]")
    assert set(found(two, both[0])) == {"shop-web-bed"}
    away = Place(PlaceKind.CLUSTER, "away")
    assert not found(two, both[0], place=away)
