"""What a change sends: JSON patches that name what they were made from. Pure.

Invariant: each patch tests the object's uid and carries the resourceVersion that was read, so that
the server itself refuses it (409, or 422 for another uid) when the object has changed since; and
each leaves a mark of the change, by which it is found again however the call ended. A template is
replaced whole: merged, what a bad version had added would stay.
"""

from collections.abc import Mapping

from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.marks import MARK
from opsconsole.operations.drivers.kubernetes.revisions import (
    CHANGE_CAUSE,
    RESTARTED_AT,
    without_hash,
)

Operation = dict[str, object]
Patch = tuple[Operation, ...]


def restarted(read: JsonObject, at: str, mark: str) -> Patch:
    """Its pods are replaced: ``at`` is written where ``kubectl rollout restart`` does."""
    return (*_pinned(read, mark), *_annotate(read, ("spec", "template"), {RESTARTED_AT: at}))


def with_template(read: JsonObject, template: JsonObject, cause: str, mark: str) -> Patch:
    """It runs ``template``, and says of itself that ``cause`` is why."""
    causes = {CHANGE_CAUSE: cause or None}
    return (
        *_pinned(read, mark, causes),
        {"op": "replace", "path": "/spec/template", "value": without_hash(template)},
    )


def scaled(read: JsonObject, to: int, mark: str) -> Patch:
    """So many copies are wanted of it."""
    return (*_pinned(read, mark), {"op": "add", "path": "/spec/replicas", "value": to})


def paused(read: JsonObject, mark: str, *, pause: bool) -> Patch:
    """Its rollout stands still, or goes on."""
    return (*_pinned(read, mark), {"op": "add", "path": "/spec/paused", "value": pause})


def cordoned(read: JsonObject, mark: str, *, cordon: bool) -> Patch:
    """No more pods are placed on it, or some are again."""
    return (*_pinned(read, mark), {"op": "add", "path": "/spec/unschedulable", "value": cordon})


def with_data(read: JsonObject, values: Mapping[str, str | None], mark: str) -> Patch:
    """A ConfigMap has these values; None for a key that it has not."""
    return (*_pinned(read, mark), *_set(read, ("data",), values))


def _pinned(read: JsonObject, mark: str, more: Mapping[str, str | None] | None = None) -> Patch:
    metadata = fields.mapping(read, "metadata")
    version = metadata["resourceVersion"]
    return (
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        *_annotate(read, (), {MARK: mark, **(more or {})}),
    )


def _annotate(read: JsonObject, path: tuple[str, ...], values: Mapping[str, str | None]) -> Patch:
    missing: Patch = ()
    if not isinstance(fields.at(read, *path, "metadata"), Mapping):
        missing = ({"op": "add", "path": _pointer((*path, "metadata")), "value": {}},)
    return (*missing, *_set(read, (*path, "metadata", "annotations"), values))


def _set(read: JsonObject, path: tuple[str, ...], values: Mapping[str, str | None]) -> Patch:
    """The object at ``path`` has ``values``, and what else it had."""
    there = fields.at(read, *path)
    if not isinstance(there, Mapping):
        kept = {key: value for key, value in values.items() if value is not None}
        return ({"op": "add", "path": _pointer(path), "value": kept},)
    return tuple(
        {"op": "remove", "path": _pointer((*path, key))}
        if value is None
        else {"op": "add", "path": _pointer((*path, key)), "value": value}
        for key, value in values.items()
        if value is not None or key in there
    )


def _pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)
