"""The revisions of a workload: what it ran, by its ReplicaSets or ControllerRevisions. Pure.

Invariant: two templates are one version when they differ in nothing but what the cluster adds
itself (``pod-template-hash``) and in when the pods were restarted. The version before is the
newest that is *older* than the one that runs, by when it first came, never by its number: going
back gives an old version a new number, and by numbers one would go to and fro.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
CHANGE_CAUSE: Final = "kubernetes.io/change-cause"
HASH_LABEL: Final = "pod-template-hash"

_NUMBER: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. ``name`` is that of the object which keeps it, ``made`` when it first came.

    ``label`` is what the pods of a DaemonSet have of it.
    ``template`` is whole, as it can be put back; ``version`` its digest.
    """

    number: int
    name: str
    uid: str
    made: float
    template: JsonObject
    version: str
    cause: str = ""
    label: str = ""

    @property
    def images(self) -> tuple[str, ...]:
        """The images of its containers."""
        return images_of(self.template)


def of_replica_sets(owner: str, replica_sets: Iterable[JsonObject]) -> tuple[Revision, ...]:
    """The revisions of the Deployment with the uid ``owner``, the newest number first."""
    return _sorted(
        _revision(each, _written(each, _NUMBER), fields.mapping(each, "spec", "template"))
        for each in replica_sets
        if fields.owner(each) == owner
    )


def of_controller_revisions(owner: str, kept: Iterable[JsonObject]) -> tuple[Revision, ...]:
    """The revisions of the StatefulSet or DaemonSet with the uid ``owner``, the newest first."""
    return _sorted(
        _revision(each, fields.number(each, "revision"), _kept_template(each))
        for each in kept
        if fields.owner(each) == owner
    )


def version_of(template: JsonObject) -> str:
    """The digest of what a template runs, however often its pods were restarted."""
    bare = without_hash(template)
    annotations = {
        key: value
        for key, value in fields.mapping(bare, "metadata", "annotations").items()
        if key != RESTARTED_AT
    }
    bare = _with_metadata(bare, "annotations", annotations)
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:16]


def without_hash(template: JsonObject) -> dict[str, Any]:
    """``template`` without the label that a ReplicaSet adds to it."""
    labels = fields.mapping(template, "metadata", "labels")
    kept = {key: value for key, value in labels.items() if key != HASH_LABEL}
    return _with_metadata(template, "labels", kept)


def images_of(template: JsonObject) -> tuple[str, ...]:
    """The images of a template's containers, in their order."""
    containers = fields.objects(template, "spec", "containers")
    return tuple(fields.text(each, "image") for each in containers)


def running(
    revisions: tuple[Revision, ...], template: JsonObject, *, observed: bool
) -> Revision | None:
    """The revision that a workload with ``template`` runs, or goes to; None where none is kept.

    ``observed``: its controller has seen the template, and then the newest number is its.
    """
    bare = without_hash(template)
    exactly = (each for each in revisions if without_hash(each.template) == bare)
    same = (each for each in revisions if each.version == version_of(template))
    newest = iter(revisions if observed else ())
    return next(exactly, None) or next(same, None) or next(newest, None)


def before(
    revisions: tuple[Revision, ...], now: Revision, left: Collection[str] = ()
) -> Revision | None:
    """What ``now`` is rolled back to; None where nothing is known to have run before it.

    ``left`` are the versions that were rolled back from: they are never gone to.
    """
    since = min(_first(each) for each in revisions if each.version == now.version)
    older = (
        each
        for each in revisions
        if each.version != now.version and each.version not in left and _first(each) < since
    )
    return max(older, key=_first, default=None)


def _first(revision: Revision) -> tuple[float, int]:
    """By what revisions are ordered: when they first came, and their numbers within a second."""
    return revision.made, revision.number


def _revision(kept: JsonObject, number: int, template: JsonObject) -> Revision:
    return Revision(
        number,
        fields.text(kept, "metadata", "name"),
        fields.text(kept, "metadata", "uid"),
        fields.moment(kept, "metadata", "creationTimestamp") or 0.0,
        template,
        version_of(template),
        fields.annotation(kept, CHANGE_CAUSE),
        fields.label(kept, "controller-revision-hash"),
    )


def _sorted(found: Iterable[Revision]) -> tuple[Revision, ...]:
    with_template = (each for each in found if fields.mapping(each.template, "spec"))
    return tuple(sorted(with_template, key=lambda each: each.number, reverse=True))


def _written(kept: JsonObject, name: str) -> int:
    written = fields.annotation(kept, name)
    return int(written) if written.isascii() and written.isdigit() and len(written) < 19 else 0


def _kept_template(kept: JsonObject) -> JsonObject:
    """The template within a ControllerRevision, which is a patch that says so of itself."""
    template = fields.mapping(kept, "data", "spec", "template")
    return {key: value for key, value in template.items() if key != "$patch"}


def _with_metadata(template: JsonObject, key: str, value: JsonObject) -> dict[str, Any]:
    """``template`` with ``value`` as its ``key``; what is empty is as what is not there."""
    rest = {k: v for k, v in fields.mapping(template, "metadata").items() if k != key and v}
    return {**template, "metadata": {**rest, **({key: dict(value)} if value else {})}}
