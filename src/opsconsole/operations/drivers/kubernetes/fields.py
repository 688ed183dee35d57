"""Reading an object of a cluster's API, whose fields may be missing or of another type.

Invariant: what is not there, or is not what it should be, is read as empty; nothing raises.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

JsonObject = Mapping[str, Any]


def at(value: object, *path: str) -> object:
    """What is at ``path`` within objects; None where a part of it is not there."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object, *path: str) -> str:
    """The text at ``path``, as it is; '' where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str, default: int = 0) -> int:
    """The whole number at ``path``."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def truth(value: object, *path: str) -> bool:
    """Whether ``true`` is at ``path``."""
    return at(value, *path) is True


def mapping(value: object, *path: str) -> JsonObject:
    """The object at ``path``."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def objects(value: object, *path: str) -> tuple[JsonObject, ...]:
    """The objects of the list at ``path``."""
    found = at(value, *path)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return ()
    return tuple(each for each in found if isinstance(each, Mapping))


def moment(value: object, *path: str) -> float | None:
    """The time at ``path`` in Unix seconds, by the cluster's clock."""
    found = text(value, *path)
    try:
        read = datetime.fromisoformat(found)
    except ValueError:
        return None
    return None if read.tzinfo is None else read.timestamp()


def owner(value: object) -> str:
    """The uid of what controls an object; '' where nothing does."""
    owners = objects(value, "metadata", "ownerReferences")
    return next((text(each, "uid") for each in owners if truth(each, "controller")), "")


def label(value: object, name: str) -> str:
    """A label of an object; '' where it has none."""
    return text(mapping(value, "metadata", "labels"), name)


def annotation(value: object, name: str) -> str:
    """An annotation of an object; '' where it has none."""
    return text(mapping(value, "metadata", "annotations"), name)
