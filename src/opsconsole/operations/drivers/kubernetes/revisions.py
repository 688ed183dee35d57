"""The revisions of a workload: what it ran, by its ReplicaSets or ControllerRevisions. Pure.

Invariant: two templates are one version when they differ in nothing but what the cluster adds
itself (``pod-template-hash``) and in when the pods were restarted. The version before is the
newest that is *older* than the one that runs, by when it first came, never by its number: going
back gives an old version a new number, and by numbers one would go to and fro.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.drivers.kubernetes import fields
from opsconsole.operations.drivers.kubernetes.fields import JsonObject

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
CHANGE_CAUSE: Final = "kubernetes.io/change-cause"
HASH_LABEL: Final = "pod-template-hash"

_NUMBER: Final = "deployment.kubernetes.io/revision"
_HISTORY: Final = "deployment.kubernetes.io/revision-history"
"""The numbers that it had before; the cluster adds one with each time that it comes back."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. ``name`` is that of the object which keeps it, ``made`` when it first came.

    ``label`` is what the pods of a DaemonSet have of it, ``first`` the number that it first had,
    0 where nothing says so.
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
    first: int = 0

    @property
    def images(self) -> tuple[str, ...]:
        """The images of its containers."""
        return images_of(self.template)


def of_replica_sets(owner: str, replica_sets: Iterable[JsonObject]) -> tuple[Revision, ...]:
    """The revisions of the Deployment with the uid ``owner``, the newest number first."""
    return _sorted(
        _revision(
            each,
            max(_numbers(each, _NUMBER)),
            fields.mapping(each, "spec", "template"),
            first=min(_numbers(each, _NUMBER) + _numbers(each, _HISTORY)),
        )
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
    revisions: tuple[Revision, ...],
    now: Revision,
    *,
    never: Collection[str] = (),
    ready: Collection[str] = (),
) -> Revision | None:
    """What ``now`` is rolled back to; None where nothing is known to have run before it.

    ``never`` are versions that are not gone to: they were rolled back from, or failed. ``ready``
    are the names of revisions that have pods which are ready: while a rollout does not come
    through, that is what still serves, and none that was tried in between.
    """
    since = min(_came(each) for each in revisions if each.version == now.version)
    older = [
        each
        for each in revisions
        if each.version != now.version and each.version not in never and _came(each) < since
    ]
    serving = [each for each in older if each.name in ready]
    return max(serving or older, key=_came, default=None)


def _came(revision: Revision) -> tuple[float, int]:
    """By what revisions are ordered: when they first came, and within a second as what number."""
    return revision.made, revision.first


def _revision(kept: JsonObject, number: int, template: JsonObject, first: int = 0) -> Revision:
    return Revision(
        number,
        fields.text(kept, "metadata", "name"),
        fields.text(kept, "metadata", "uid"),
        fields.moment(kept, "metadata", "creationTimestamp") or 0.0,
        template,
        version_of(template),
        fields.annotation(kept, CHANGE_CAUSE),
        fields.label(kept, "controller-revision-hash"),
        first,
    )


def _sorted(found: Iterable[Revision]) -> tuple[Revision, ...]:
    with_template = (each for each in found if fields.mapping(each.template, "spec"))
    return tuple(sorted(with_template, key=lambda each: each.number, reverse=True))


def _numbers(kept: JsonObject, name: str) -> list[int]:
    """The numbers of an annotation; of what has none, and is not empty, 0."""
    written = fields.annotation(kept, name).split(",")
    found = [int(each) for each in written if each.isascii() and each.isdigit() and len(each) < 19]
    return found or ([0] if name == _NUMBER else [])


def _kept_template(kept: JsonObject) -> JsonObject:
    """The template within a ControllerRevision, which is a patch that says so of itself."""
    template = fields.mapping(kept, "data", "spec", "template")
    return {key: value for key, value in template.items() if key != "$patch"}


def _with_metadata(template: JsonObject, key: str, value: JsonObject) -> dict[str, Any]:
    """``template`` with ``value`` as its ``key``; what is empty is as what is not there."""
    rest = {k: v for k, v in fields.mapping(template, "metadata").items() if k != key and v}
    return {**template, "metadata": {**rest, **({key: dict(value)} if value else {})}}
