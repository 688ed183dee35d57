"""What a workload makes its pods of: images, and marks of all else by its name. Pure.

Invariant: no value of an environment, a command or an annotation leaves this file, only marks.

Shape: a ``v1`` ``PodTemplateSpec`` of Kubernetes 1.20 to 1.36.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.json_fields import listed, mapping, text, texts
from opsconsole.sources.kubernetes.objects.containers import CONTAINERS
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT, VALUE_LIMIT
from opsconsole.sources.marks import mark

RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
_PARTS: Final = 400
_ENTRIES: Final = 200
_PLAIN: Final = {
    "command": "command",
    "args": "arguments",
    "resources": "resources",
    "readinessProbe": "readiness probe",
    "livenessProbe": "liveness probe",
    "startupProbe": "startup probe",
    "ports": "ports",
    "envFrom": "environment sources",
    "volumeMounts": "mounts",
    "securityContext": "privileges",
}
_OF_POD: Final = {
    "serviceAccountName": "service account",
    "nodeSelector": "node selector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "securityContext": "privileges",
}


@dataclass(frozen=True, slots=True)
class Template:
    """``images`` by the container's name; ``restarted`` is the mark of the last ordered restart."""

    images: Mapping[str, str] = field(default_factory=dict)
    made_of: Mapping[str, str] = field(default_factory=dict)
    restarted: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def image(self) -> str:
        """The image of the first container."""
        return next(iter(self.images.values()), "")


def read_template(value: object) -> Template:
    """The template ``value``, empty where it is none."""
    found = mapping(value)
    meta, spec = mapping(found.get("metadata")), mapping(found.get("spec"))
    containers = [
        (text(each.get("name"), NAME_LIMIT), each)
        for of in ("containers", "initContainers")
        for each in map(mapping, listed(spec.get(of), CONTAINERS))
    ]
    annotations = mapping(meta.get("annotations"))
    parts = sorted(dict(_parts(containers, spec, annotations)).items())[:_PARTS]
    restarted = annotations.get(RESTARTED)
    return Template(
        {name: text(each.get("image"), VALUE_LIMIT) for name, each in containers},
        dict(parts),
        mark(restarted) if restarted else "",
        texts(meta.get("labels"), CONTAINERS, VALUE_LIMIT),
    )


def _parts(
    containers: list[tuple[str, Mapping[str, object]]],
    spec: Mapping[str, object],
    annotations: Mapping[str, object],
) -> Iterator[tuple[str, str]]:
    for number, (name, each) in enumerate(containers):
        of = "" if number == 0 else f"{_name(name)} "
        for entry in map(mapping, listed(each.get("env"), _ENTRIES)):
            yield f"{of}env {_name(entry.get('name'))}", mark(entry)
        for key, word in _PLAIN.items():
            if each.get(key):
                yield f"{of}{word}", mark(each[key])
    for volume in map(mapping, listed(spec.get("volumes"), CONTAINERS)):
        yield f"volume {_name(volume.get('name'))}", mark(volume)
    for key, word in _OF_POD.items():
        if spec.get(key):
            yield word, mark(spec[key])
    for key, value in list(annotations.items())[:_ENTRIES]:
        if key != RESTARTED:
            yield f"annotation {_name(key)}", mark(value)


def _name(value: object) -> str:
    """Without what separates names where several are listed."""
    return text(value, 64).replace(",", " ")
