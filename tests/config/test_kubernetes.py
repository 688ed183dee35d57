"""Which cluster, namespace and workload a configuration means."""

from pathlib import Path

import pytest

from opsconsole.config.kubernetes import KubernetesAction, KubernetesTarget
from opsconsole.config.loader import load
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.model.source_id import SourceId, SourceKind

_TWO = """
docker: []
kubernetes:
  - {name: one, context: one, namespaces: shop}
  - {name: two, context: two, namespaces: [shop, web], enabled: false}
"""


def settings(folder: Path, text: str) -> Settings:
    path = folder / "opsconsole.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, {})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("deployment/web", "deployment/web"),
        ("deploy/web", "deployment/web"),
        ("Deployments/web.v2", "deployment/web.v2"),
        ("sts/db", "statefulset/db"),
        ("ds/agent", "daemonset/agent"),
    ],
)
def test_a_workload_is_written_as_kubectl_takes_it(written: str, meant: str) -> None:
    assert KubernetesTarget.model_validate(written).workload == meant


@pytest.mark.parametrize(
    "written",
    ["web", "job/web", "deployment/", "deployment/Web", "deployment/we b", "deployment/a/b"],
)
def test_nothing_else_is_taken_for_one(written: str) -> None:
    with pytest.raises(ValueError, match="takes a workload by kind and name"):
        KubernetesTarget.model_validate(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("deploymnt/shop", "deployment/shop"),
        ("Deployment/Shop", "deployment/shop"),
        ("shop", "deployment/shop"),
        ("statefulsett/db", "statefulset/db"),
    ],
)
def test_what_was_most_likely_meant_is_said_beside_what_was_written(
    written: str, meant: str
) -> None:
    with pytest.raises(ValueError, match=f"'{written}' is none, did you mean '{meant}'?"):
        KubernetesTarget.model_validate(written)


@pytest.mark.parametrize(
    ("target", "cluster", "full"),
    [
        ({"workload": "deployment/web", "cluster": "one"}, "one", "shop/deployment/web"),
        ({"workload": "deployment/web", "cluster": "two"}, "two", "default/deployment/web"),
        (
            {"workload": "deployment/web", "cluster": "one", "namespace": "web"},
            "one",
            "web/deployment/web",
        ),
    ],
)
def test_a_target_is_one_workload_of_one_cluster(
    target: dict[str, str], cluster: str, full: str, tmp_path: Path
) -> None:
    known = settings(tmp_path, _TWO)
    meant = KubernetesTarget.model_validate(target)
    found = known.cluster_of(meant)
    assert found is not None
    assert (found.name, meant.full_name(found)) == (cluster, full)


def test_no_cluster_is_chosen_by_its_place_in_the_file(tmp_path: Path) -> None:
    assert settings(tmp_path, _TWO).cluster_of(KubernetesTarget(workload="deployment/web")) is None


def test_a_cluster_that_is_not_enabled_is_not_read(tmp_path: Path) -> None:
    known = settings(tmp_path, _TWO)
    read = [name for name in ("one", "two") if known.reads(SourceId(SourceKind.KUBERNETES, name))]
    assert read == ["one"]
    assert known.engines == {"one": 5.0}


def test_workloads_become_services_of_the_clusters_that_are_named(tmp_path: Path) -> None:
    wanted = "discover: {kubernetes: {clusters: one}}"
    one = SourceId(SourceKind.KUBERNETES, "one")
    assert settings(tmp_path, _TWO + wanted).discovers(one)
    assert not settings(tmp_path, _TWO).discovers(one)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("deployment/web", ""),
        ({"node": "node-1", "do": "drain"}, ""),
        ({"workload": "sts/db", "do": "delete-stuck-pod"}, ""),
        ({"config_map": "flags", "set": {"MODE": "reduced"}}, ""),
        ({"workload": "deploy/web", "replicas": 1}, ""),
        ({"workload": "deploy/web", "revision": 3}, ""),
        ({}, "name exactly one of workload, node, config_map"),
        ({"workload": "deploy/web", "node": "node-1"}, "name exactly one of"),
        ({"config_map": "flags"}, "config_map and set belong together"),
        ({"workload": "deploy/web", "set": {"A": "1"}}, "config_map and set belong together"),
        ({"node": "node-1"}, "a node takes do: cordon, uncordon, drain"),
        ({"workload": "deploy/web", "do": "drain"}, "a node takes do:"),
        ({"node": "node-1", "do": "pause"}, "a node takes do:"),
        ({"config_map": "flags", "set": {"A": "1"}, "do": "pause"}, "do is of a workload or of"),
        ({"node": "n", "do": "cordon", "replicas": 1}, "replicas and revision are of a workload"),
        ({"node": "../secrets", "do": "cordon"}, "takes the name of an object"),
    ],
)
def test_an_action_is_about_one_thing_and_says_what_it_takes(written: object, why: str) -> None:
    if not why:
        KubernetesAction.model_validate(written)
        return
    with pytest.raises(ValueError, match=why):
        KubernetesAction.model_validate(written)


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({"health": {"through": "proxy"}}, ""),
        ({"health": {"through": "pods", "port": 8080}}, ""),
        ({"health": {"path": "/health", "port": 8080}}, "port is of pods"),
        ({"health": {"through": "proxy", "port": 0}}, "port"),
        ({"health": {"through": "proxy"}, "instances": "http://web"}, "leave instances out"),
        ({"health": {"through": "proxy"}, "kubernetes": []}, "name the workload"),
        ({"health": {"through": "proxy"}, "http": {"http_headers": {"X-A": "b"}}}, "not passed on"),
        ({"health": {"through": "pods"}, "http": {"http_headers": {"X-A": "b"}}}, ""),
    ],
)
def test_pods_are_asked_one_way_and_as_what_they_are(service: dict[str, object], why: str) -> None:
    written = {"kubernetes": "deployment/web", **service}
    if not why:
        Service.model_validate(written)
        return
    with pytest.raises(ValueError, match=why):
        Service.model_validate(written)
