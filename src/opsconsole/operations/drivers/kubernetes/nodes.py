"""Which pods leave a node, and what their budgets of disruptions have room for. Pure.

Invariant: a pod that nobody would start again is never among those that are evicted: it is a
reason not to drain. Pods of a DaemonSet and of the node itself stay; what has ended is left alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.calls import PodPin
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.pods import is_ending
from opsconsole.text import sanitize

_MIRROR: Final = "kubernetes.io/config.mirror"
_OVER: Final = frozenset({"Succeeded", "Failed"})
_SHOWN: Final = 120
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Leaving:
    """The pods of a node. ``alone`` are those that nobody starts again, ``local`` those whose data
    is lost with the node's."""

    evicted: tuple[PodPin, ...] = ()
    staying: int = 0
    alone: tuple[str, ...] = ()
    local: tuple[str, ...] = ()


def leaving(pods: Iterable[JsonObject]) -> Leaving:
    """What becomes of each pod of a node that is drained."""
    evicted, alone, local, staying = [], [], [], 0
    for pod in pods:
        if fields.text(pod, "status", "phase") in _OVER or is_ending(pod):
            continue
        owner = _controller(pod)
        if owner == "DaemonSet" or fields.annotation(pod, _MIRROR):
            staying += 1
        elif not owner:
            alone.append(name_of(pod))
        else:
            evicted.append(pin_of(pod))
            if any("emptyDir" in each for each in fields.objects(pod, "spec", "volumes")):
                local.append(name_of(pod))
    ordered = sorted(evicted, key=lambda each: (each.namespace, each.name))
    return Leaving(tuple(ordered), staying, tuple(sorted(alone)), tuple(sorted(local)))


def room(budgets: Iterable[JsonObject], pods: Iterable[JsonObject]) -> Iterator[tuple[str, bool]]:
    """What each budget that one of ``pods`` is under has room for, and whether that is none."""
    listed = tuple(pods)
    for budget in budgets:
        if not any(covers(budget, pod) for pod in listed):
            continue
        status = fields.mapping(budget, "status")
        healthy, needed = (
            fields.number(status, f"{each}Healthy") for each in ("current", "desired")
        )
        allowed = fields.number(status, "disruptionsAllowed")
        said = f"budget {name_of(budget)}: {healthy} healthy, {needed} must stay"
        if healthy < needed:
            yield f"{said}: fewer than that already, so it gives no room until they are well", True
        elif not allowed:
            yield f"{said}: it gives no room", True
        else:
            yield f"{said}: room for {allowed} at a time", False


def covers(budget: JsonObject, pod: JsonObject) -> bool:
    """Whether ``pod`` is under ``budget``."""
    there, here = (fields.text(each, "metadata", "namespace") for each in (budget, pod))
    return there == here and selects(fields.mapping(budget, "spec", "selector"), labels_of(pod))


def selects(selector: JsonObject, labels: Mapping[str, object]) -> bool:
    """Whether a selector is for what has ``labels``; an empty one is for all."""
    wanted = fields.mapping(selector, "matchLabels")
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(each, labels) for each in fields.objects(selector, "matchExpressions"))


def labels_of(read: JsonObject) -> Mapping[str, object]:
    """The labels of an object."""
    return fields.mapping(read, "metadata", "labels")


def pin_of(pod: JsonObject) -> PodPin:
    """One pod, and none after it."""
    found = (fields.text(pod, "metadata", key) for key in ("namespace", "name", "uid"))
    return PodPin(*found)


def name_of(read: JsonObject) -> str:
    """``shop/web``, as it is shown."""
    found = (fields.text(read, "metadata", key) for key in ("namespace", "name"))
    return sanitize("/".join(found), limit=_SHOWN)


def listed(names: Iterable[str]) -> str:
    """The first of them, safe to show, and how many more there are."""
    found = tuple(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(sanitize(each, limit=_SHOWN) for each in found[:_NAMED]) + more


def _controller(pod: JsonObject) -> str:
    """The kind of what starts it again; '' where nothing does."""
    owners = fields.objects(pod, "metadata", "ownerReferences")
    return next(
        (fields.text(each, "kind") for each in owners if fields.truth(each, "controller")), ""
    )


def _holds(expression: JsonObject, labels: Mapping[str, object]) -> bool:
    key = fields.text(expression, "key")
    values = fields.at(expression, "values")
    among = labels.get(key) in (values if isinstance(values, list) else [])
    match fields.text(expression, "operator"):
        case "In":
            return key in labels and among
        case "NotIn":
            return not among
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
