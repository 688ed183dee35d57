"""Who will undo a change: each that stands on the object or scales it, and nobody else."""

from typing import Any

import pytest

from opsconsole.operations.drivers.kubernetes.undoers import Part, undoers
from tests.operations.drivers.kubernetes.made import workload


def scaler(name: str = "web", target: str = "web", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 10,
            "scaleTargetRef": {"kind": "Deployment", "name": target},
        },
    }


SCALED = {"metadata": {"name": "web-so"}, "spec": {"scaleTargetRef": {"name": "web"}}}
ARGO = workload(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"})
FLUX = workload(labels={"kustomize.toolkit.fluxcd.io/name": "shop"})
HELM = workload(
    annotations={"meta.helm.sh/release-name": "shop"},
    labels={"app.kubernetes.io/managed-by": "Helm"},
)
FLUX_HELM = workload(
    annotations={"meta.helm.sh/release-name": "shop"},
    labels={"helm.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm"},
)


@pytest.mark.parametrize(
    ("changed", "part", "scalers", "scaled", "named"),
    [
        (workload(), Part.COPIES, [], [], []),
        (workload(), Part.COPIES, [scaler()], [], ["autoscaler web (2 to 10)"]),
        (workload(), Part.COPIES, [scaler(target="other")], [], []),
        (workload("StatefulSet"), Part.COPIES, [scaler()], [], []),
        (workload(), Part.DECLARED, [scaler()], [SCALED], []),
        (workload(), Part.COPIES, [], [SCALED], ["ScaledObject web-so (0 to 100)"]),
        (
            workload(),
            Part.COPIES,
            [scaler(**{"scaledobject.keda.sh/name": "web-so"})],
            [SCALED],
            ["ScaledObject web-so"],
        ),
        (
            workload(),
            Part.COPIES,
            [scaler("keda-hpa-web", **{"scaledobject.keda.sh/name": "web-so"})],
            [],
            ["autoscaler keda-hpa-web"],
        ),
        (ARGO, Part.COPIES, [scaler()], [], ["autoscaler web", "Argo CD"]),
        (ARGO, Part.DECLARED, [], [], ["Argo CD"]),
        (ARGO, Part.RUN, [scaler()], [SCALED], []),
        (FLUX, Part.DECLARED, [], [], ["Flux (shop)"]),
        (HELM, Part.DECLARED, [], [], ["Helm (shop)"]),
        (FLUX_HELM, Part.DECLARED, [], [], ["Flux (shop)"]),
    ],
)
def test_each_of_them_is_named(
    changed: dict[str, Any],
    part: Part,
    scalers: list[dict[str, Any]],
    scaled: list[dict[str, Any]],
    named: list[str],
) -> None:
    lines = undoers(changed, part, changed["kind"], scalers, scaled)
    assert len(lines) == len(named)
    for line, name in zip(lines, named, strict=True):
        assert name in line
