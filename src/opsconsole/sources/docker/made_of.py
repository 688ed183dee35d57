"""What a container was made of: names with marks, by which two makings are compared. Pure.

Invariant: no value leaves this file. A mark says whether two values are the same and nothing else:
it is keyed by a secret of this process, so that not even a short value can be guessed from it.

Shape: ``GET /containers/{id}/json`` of the Docker Engine API.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.sources.json_fields import mapping, text

_LIMIT: Final = 200
_NAME_LIMIT: Final = 64
_KEY: Final = secrets.token_bytes(32)
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
            yield f"env {_name(name)}", _mark(value)
    mounts = root.get("Mounts")
    for mount in map(mapping, mounts if isinstance(mounts, list) else ()):
        # A volume without a name gets another one each time.
        source = mount.get("Source") if mount.get("Type") == "bind" else mount.get("Driver")
        place = text(mount.get("Destination"), _NAME_LIMIT)
        yield f"mount {_name(place)}", _mark([mount.get("Type"), source, mount.get("RW")])
    for name, (part, key) in _PLAIN.items():
        given = mapping(root.get(part)).get(key)
        if given:
            yield name, _mark(given)


def _name(words: str) -> str:
    """Without what separates names where several are listed."""
    return text(words, _NAME_LIMIT).replace(",", " ")


def _mark(value: object) -> str:
    written = json.dumps(value, sort_keys=True, default=str).encode("utf-8", "replace")
    return hashlib.blake2b(written, key=_KEY, digest_size=16).hexdigest()
