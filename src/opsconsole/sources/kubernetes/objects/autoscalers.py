"""What changes the number of copies by itself, and how many may be taken away. Pure.

Shapes: ``HorizontalPodAutoscaler`` of ``autoscaling`` v2, v2beta2 and v1, ``PodDisruptionBudget``
of ``policy`` v1 and v1beta1.
"""

from collections.abc import Mapping

from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Autoscaler
from opsconsole.sources.json_fields import integer, listed, mapping, read_time, text
from opsconsole.sources.kubernetes.objects.containers import CONTAINERS, read_conditions
from opsconsole.sources.kubernetes.objects.metadata import (
    NAME_LIMIT,
    VALUE_LIMIT,
    Metadata,
    read_metadata,
)
from opsconsole.sources.kubernetes.objects.workloads import full_name


@dataclass(frozen=True, slots=True)
class Scaler:
    """An autoscaler; ``of`` is the full name of the workload that it scales."""

    meta: Metadata
    of: str
    autoscaler: Autoscaler


@dataclass(frozen=True, slots=True)
class Budget:
    """A disruption budget of the pods that it selects."""

    meta: Metadata
    selector: Mapping[str, object]
    allowed: int | None

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether pods with ``labels`` are among them."""
        wanted = mapping(self.selector.get("matchLabels"))
        if any(labels.get(key) != value for key, value in wanted.items()):
            return False
        terms = listed(self.selector.get("matchExpressions"), CONTAINERS)
        return all(_holds(mapping(each), labels) for each in terms)


def read_scaler(item: Mapping[str, object]) -> Scaler | None:
    """The autoscaler ``item``; None where it is none, or scales what is none of ours."""
    meta = read_metadata(item)
    spec, status = mapping(item.get("spec")), mapping(item.get("status"))
    most, target = integer(spec.get("maxReplicas")), mapping(spec.get("scaleTargetRef"))
    kind, name = (text(target.get(key), NAME_LIMIT) for key in ("kind", "name"))
    if meta is None or most is None or not name:
        return None
    shares: dict[str, float] = {}
    others: list[str] = []
    for each in map(mapping, listed(spec.get("metrics"), CONTAINERS)):
        resource = mapping(each.get("resource"))
        share = integer(mapping(resource.get("target")).get("averageUtilization"))
        if each.get("type") == "Resource" and share is not None:
            shares[text(resource.get("name"), NAME_LIMIT)] = share / 100
        else:
            others.append(_named(each))
    plain = integer(spec.get("targetCPUUtilizationPercentage"))
    if plain is not None:
        shares["cpu"] = plain / 100
    least = integer(spec.get("minReplicas"))
    conditions = read_conditions(status)
    broken = [conditions[key] for key in ("AbleToScale", "ScalingActive") if key in conditions]
    fault = next((each.message for each in broken if each.status == "False"), "")
    autoscaler = Autoscaler(
        meta.name,
        1 if least is None else least,
        most,
        shares.get("cpu"),
        shares.get("memory"),
        tuple(others),
        integer(status.get("desiredReplicas")),
        read_time(status.get("lastScaleTime")),
        fault[:VALUE_LIMIT],
    )
    return Scaler(meta, full_name(meta.namespace, kind, name), autoscaler)


def read_budget(item: Mapping[str, object]) -> Budget | None:
    """The disruption budget ``item``; None where it is none."""
    meta = read_metadata(item)
    if meta is None:
        return None
    allowed = integer(mapping(item.get("status")).get("disruptionsAllowed"))
    return Budget(meta, mapping(mapping(item.get("spec")).get("selector")), allowed)


def _named(metric: Mapping[str, object]) -> str:
    """What a metric that is no share of a resource is called."""
    kind = text(metric.get("type"), NAME_LIMIT)
    own = mapping(metric.get(f"{kind[:1].lower()}{kind[1:]}"))
    inner = mapping(own.get("metric"))
    return text(inner.get("name") or own.get("name"), NAME_LIMIT) or kind


def _holds(term: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    key = term.get("key")
    values = listed(term.get("values"), CONTAINERS)
    known = labels.get(key) if isinstance(key, str) else None
    match term.get("operator"):
        case "In":
            return known is not None and known in values
        case "NotIn":
            return known is None or known not in values
        case "Exists":
            return known is not None
        case "DoesNotExist":
            return known is None
    return False
