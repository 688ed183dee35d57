"""What a container was made of: names with marks, by which two makings are compared. Pure.

Invariant: no value leaves this file, only marks.

Shape: ``GET /containers/{id}/json`` of the Docker Engine API.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.sources.json_fields import mapping, text
from opsconsole.sources.marks import mark

_LIMIT: Final = 200
_NAME_LIMIT: Final = 64
_PLAIN: Final = {
    "command": ("Config", "Cmd"),
    "entrypoint": ("Config", "Entrypoint"),
    "user": ("Config", "User"),
    "health check": ("Config", "Healthcheck"),
    "memory limit": ("HostConfig", "Memory"),
    "cpu limit": ("HostConfig", "NanoCpus"),
    "restart policy": ("HostConfig", "RestartPolicy"),
    "ports": ("HostConfig", "PortBindings"),
    "privileges": ("HostConfig", "Privileged"),
}


def made_of(root: Mapping[str, object]) -> dict[str, str]:
    """A mark for each part by its name: ``env LLM_URL``, ``mount /data``, ``command``."""
    found = dict(_parts(root))
    return {name: found[name] for name in sorted(found)[:_LIMIT]}


def _parts(root: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    env = mapping(root.get("Config")).get("Env")
    for entry in env if isinstance(env, list) else ():
        if isinstance(entry, str):
            name, _, value = entry.partition("=")
            yield f"env {_name(name)}", mark(value)
    mounts = root.get("Mounts")
    for mount in map(mapping, mounts if isinstance(mounts, list) else ()):
        # A volume without a name gets another one each time.
        source = mount.get("Source") if mount.get("Type") == "bind" else mount.get("Driver")
        place = text(mount.get("Destination"), _NAME_LIMIT)
        yield f"mount {_name(place)}", mark([mount.get("Type"), source, mount.get("RW")])
    for name, (part, key) in _PLAIN.items():
        given = mapping(root.get(part)).get(key)
        if given:
            yield name, mark(given)


def _name(words: str) -> str:
    """Without what separates names where several are listed."""
    return text(words, _NAME_LIMIT).replace(",", " ")
