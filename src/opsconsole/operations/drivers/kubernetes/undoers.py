"""Who will undo a change of a workload, and how fast: by what stands on it and beside it. Pure.

Invariant: it warns, and forbids nothing: people scale to nothing on purpose. Only what is seen is
named; what could not be looked at is said by who looked.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.text import sanitize


class Part(StrEnum):
    """What of an object a change changes."""

    COPIES = "copies"
    DECLARED = "declared"
    """What is declared elsewhere as well: a template, a value, whether a rollout is paused."""

    RUN = "run"
    """When its pods began, which nothing declares."""


_ARGO: Final = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
_FLUX: Final = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
_HELM: Final = "meta.helm.sh/release-name"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_KEDA: Final = "scaledobject.keda.sh/name"
_SHOWN: Final = 100


def undoers(
    changed: JsonObject,
    part: Part,
    kind: str,
    scalers: Iterable[JsonObject] = (),
    scaled: Iterable[JsonObject] = (),
) -> tuple[str, ...]:
    """A line for each that will undo a change of ``part`` of ``changed``, an object of ``kind``.

    ``scalers`` are the HorizontalPodAutoscalers of its namespace, ``scaled`` KEDA's ScaledObjects.
    """
    if part is Part.RUN:
        return ()
    found = list(_of_origin(changed))
    if part is Part.COPIES:
        found = [*_of_scalers(changed, kind, scalers, scaled), *found]
    return tuple(found)


def scaler_of(changed: JsonObject, kind: str, scalers: Iterable[JsonObject]) -> JsonObject | None:
    """The HorizontalPodAutoscaler that scales ``changed``; None where none does."""
    return next((each for each in scalers if _is_for(changed, kind, each)), None)


def _is_for(changed: JsonObject, kind: str, scaler: JsonObject) -> bool:
    target = fields.mapping(scaler, "spec", "scaleTargetRef")
    # KEDA leaves the kind out where it is a Deployment.
    named = fields.text(target, "kind") or "Deployment"
    return named == kind and fields.text(target, "name") == fields.text(changed, "metadata", "name")


def _of_scalers(
    changed: JsonObject, kind: str, scalers: Iterable[JsonObject], scaled: Iterable[JsonObject]
) -> Iterator[str]:
    keda = next((each for each in scaled if _is_for(changed, kind, each)), None)
    if keda is not None:
        seconds = fields.number(keda, "spec", "pollingInterval", default=30)
        yield (
            f"KEDA's ScaledObject {_name(keda)} ({_bounds(keda, 'ReplicaCount', 0, 100)}) sets the "
            f"number of copies again within {seconds} s"
        )
    scaler = scaler_of(changed, kind, scalers)
    if scaler is None or (keda is not None and fields.label(scaler, _KEDA)):
        return
    yield (
        f"the autoscaler {_name(scaler)} ({_bounds(scaler, 'Replicas', 1, 1)}) sets the number of "
        "copies again: more within 15 s, fewer once it has wanted fewer for 300 s, unless it says "
        "otherwise; with 0 copies it does nothing"
    )


def _bounds(scaler: JsonObject, what: str, least: int, most: int) -> str:
    fewest = fields.number(scaler, "spec", f"min{what}", default=least)
    return f"{fewest} to {fields.number(scaler, 'spec', f'max{what}', default=most)}"


def _of_origin(changed: JsonObject) -> Iterator[str]:
    argo = _first(changed, _ARGO)
    if argo:
        yield (
            f"Argo CD ({argo}) puts back what its source says, about 5 s later where self-heal is "
            "on, else with its next sync"
        )
    flux = _first(changed, _FLUX)
    if flux:
        yield f"Flux ({flux}) puts back what its source says, at its next reconciliation"
    release = fields.annotation(changed, _HELM)
    if (release or fields.label(changed, _MANAGED_BY) == "Helm") and not argo and not flux:
        named = sanitize(release, limit=_SHOWN) or "its release"
        yield f"the next upgrade by Helm ({named}) puts back what its chart says"


def _first(changed: JsonObject, names: tuple[str, ...]) -> str:
    found = (fields.annotation(changed, each) or fields.label(changed, each) for each in names)
    return sanitize(next(filter(None, found), ""), limit=_SHOWN)


def _name(scaler: JsonObject) -> str:
    return sanitize(fields.text(scaler, "metadata", "name"), limit=_SHOWN)
