"""What every object of a cluster has: its name, its labels, what it belongs to. Pure.

Invariant: reading raises nothing; text is sanitised and bounded; of annotations only those that
are asked for are kept, because people and tools keep anything in them.

Shape: ``metadata`` of the Kubernetes API, ``v1``.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import integer, listed, mapping, read_time, text, texts

NAME_LIMIT: Final = 253
VALUE_LIMIT: Final = 256
OURS: Final = "opsconsole.io/"
"""Begins the labels and annotations that are for this console."""

_LABELS_LIMIT: Final = 64
_MANAGERS: Final = 100
_MANAGER: Final = 64
_KEPT: Final = frozenset({"deployment.kubernetes.io/revision", "kubernetes.io/change-cause"})
"""Annotations that are kept besides ours."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that made another one, and looks after it."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of an object; times are Unix seconds by the cluster's clock.

    ``deleted_at`` is when its deletion was asked for. Without its ``resourceVersion``, so that an
    object is equal to itself while nothing changes that is read of it.
    """

    uid: str
    name: str
    namespace: str = ""
    generation: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner: Owner | None = None
    created_at: float | None = None
    deleted_at: float | None = None


def read_metadata(item: Mapping[str, object]) -> Metadata | None:
    """The metadata of ``item``; None where it has no uid or no name."""
    found = mapping(item.get("metadata"))
    uid, name = text(found.get("uid"), NAME_LIMIT), text(found.get("name"), NAME_LIMIT)
    if not uid or not name:
        return None
    annotations = mapping(found.get("annotations"))
    kept = {key: annotations[key] for key in annotations if key in _KEPT or key.startswith(OURS)}
    return Metadata(
        uid,
        name,
        text(found.get("namespace"), NAME_LIMIT),
        integer(found.get("generation")) or 0,
        texts(found.get("labels"), _LABELS_LIMIT, VALUE_LIMIT),
        texts(kept, _LABELS_LIMIT, VALUE_LIMIT),
        _owner(found.get("ownerReferences")),
        read_time(found.get("creationTimestamp")),
        _deleted_at(found),
    )


def _deleted_at(found: Mapping[str, object]) -> float | None:
    """What is said is by when it has to be gone."""
    gone_by = read_time(found.get("deletionTimestamp"))
    patience = integer(found.get("deletionGracePeriodSeconds")) or 0
    return None if gone_by is None else gone_by - max(0, patience)


def _owner(references: object) -> Owner | None:
    for each in map(mapping, listed(references, _LABELS_LIMIT)):
        uid = text(each.get("uid"), NAME_LIMIT)
        if each.get("controller") is True and uid:
            kind, name = (text(each.get(key), NAME_LIMIT) for key in ("kind", "name"))
            return Owner(kind, name, uid)
    return None


@dataclass(frozen=True, slots=True)
class Touch:
    """Who changed a part of an object last, by the program's own name, and when."""

    by: str = ""
    at: float | None = None


NOBODY: Final = Touch()


def touched(item: Mapping[str, object], part: str) -> Touch:
    """Who changed ``spec.PART`` last, as far as the cluster has kept it.

    Shape: ``managedFields``, from 1.18 on; of the ``scale`` subresource from 1.22 on.
    """
    latest = Touch()
    for each in map(mapping, listed(mapping(item.get("metadata")).get("managedFields"), _MANAGERS)):
        at = read_time(each.get("time"))
        fields = mapping(mapping(each.get("fieldsV1")).get("f:spec"))
        if f"f:{part}" in fields and at is not None and at >= (latest.at or 0.0):
            latest = Touch(text(each.get("manager"), _MANAGER), at)
    return latest
