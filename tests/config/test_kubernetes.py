"""Which cluster, namespace and workload a configuration means."""

from pathlib import Path

import pytest

from opsconsole.config.kubernetes import KubernetesTarget
from opsconsole.config.loader import load
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
