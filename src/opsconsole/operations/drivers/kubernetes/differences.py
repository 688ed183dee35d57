"""What differs between two templates of pods, a line for each thing. Pure.

Invariant: no line holds the value of an environment variable, of an argument or of an annotation,
which may be secrets: of these it is said that they differ, and no more. Lists whose items have
names are compared by name, so that one more container is not a change of all that follow.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.revisions import RESTARTED_AT, without_hash
from opsconsole.text import sanitize

LIMIT: Final = 20
"""Lines that are shown; of more it is said how many there are."""

_SHOWN: Final = 100
_WHOLE: Final = frozenset({"args", "command"})
_KEPT_BACK: Final = frozenset({"env", "annotations", "httpHeaders", "volumeAttributes", "options"})
_NAMED_BY: Final = ("name", "containerPort", "mountPath", "key")


def differences(old: JsonObject, new: JsonObject) -> tuple[str, ...]:
    """What is otherwise in ``new``, by the path of each; () where nothing is but a restart."""
    found = tuple(_lines((), _bare(old), _bare(new)))
    if len(found) <= LIMIT:
        return found
    return (*found[:LIMIT], f"and {len(found) - LIMIT} more")


def _bare(template: JsonObject) -> JsonObject:
    bare = without_hash(template)
    metadata = bare["metadata"]
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != RESTARTED_AT}
    kept = {k: v for k, v in metadata.items() if k not in {"annotations", "creationTimestamp"}}
    return {**bare, "metadata": {**kept, **({"annotations": annotations} if annotations else {})}}


def _lines(path: tuple[str, ...], old: object, new: object) -> Iterator[str]:
    if old == new:
        return
    before, after = _parts(old), _parts(new)
    found: list[str] = []
    if before is not None and after is not None and not _is_kept_back(path):
        for key in (*before, *(key for key in after if key not in before)):
            found += _lines((*path, key), before.get(key), after.get(key))
    yield from found or [_line(path, old, new)]


def _is_kept_back(path: tuple[str, ...]) -> bool:
    """Whether what is at ``path`` is said to differ, and no more: arguments, one variable."""
    return bool(path) and (path[-1] in _WHOLE or bool(_KEPT_BACK.intersection(path[:-1])))


def _line(path: tuple[str, ...], old: object, new: object) -> str:
    if _is_kept_back(path) or path[-1] in _KEPT_BACK:
        return f"{_name(path)}: {_verb(old, new)}"
    if old is None:
        return f"{_name(path)}: added, {_value(new)}"
    if new is None:
        return f"{_name(path)}: {_value(old)}, removed"
    return f"{_name(path)}: {_value(old)} → {_value(new)}"


def _verb(old: object, new: object) -> str:
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _parts(value: object) -> dict[str, object] | None:
    """What ``value`` consists of, by name; None where it is one thing."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return None
    by = next((key for key in _NAMED_BY if all(key in each for each in value)), "")
    names = [str(each[by]) if by else str(n) for n, each in enumerate(value)]
    return dict(zip(names, value, strict=True)) if len(set(names)) == len(names) else None


def _name(path: tuple[str, ...]) -> str:
    """``containers.web.image``: where it is, without what is the same for all."""
    return sanitize(".".join(path[1:] if path[:1] in {("spec",), ("metadata",)} else path))


def _value(value: object) -> str:
    if isinstance(value, (dict, list)):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    return sanitize(str(value).lower() if isinstance(value, bool) else str(value), limit=_SHOWN)
