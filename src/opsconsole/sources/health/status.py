"""What a JSON object says of its own health.

Invariant: only keys that are about health are read, and of several that are understood the worst
is believed: a process that is alive and not ready is not ready. A word, a truth, a zero or one
and an HTTP code are understood where they belong, and nothing else is guessed.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from opsconsole.model.state import State
from opsconsole.sources.health.words import state_of, state_of_sentence
from opsconsole.sources.strict_json import Json

StatusFound = tuple[str, Json, State | None]
"""A key, its value, and the state that it names; None where it is not understood."""

_STATUS_KEYS: Final = (
    "status",
    "state",
    "overallstatus",
    "globalstatus",
    "overall",
    "overallhealth",
    "overallresult",
    "health",
    "healthstatus",
    "healthrollup",
    "healthy",
    "ok",
    "pass",
    "passed",
    "ready",
    "available",
    "alive",
    "up",
    "reachable",
    "result",
    "success",
)
_YES_OR_NO: Final = frozenset(
    {"healthy", "ok", "pass", "passed", "ready", "available", "alive", "up", "reachable"}
)
_YES_AND_NO: Final = {"yes": State.OK, "no": State.DOWN}
_ILL: Final = {
    "degraded": State.DEGRADED,
    "unhealthy": State.DOWN,
    "unavailable": State.DOWN,
    "failed": State.DOWN,
    "failing": State.DOWN,
    "down": State.DOWN,
    "error": State.DOWN,
}
"""What says something where it is true, and nothing where it is false."""

# Beside one of these a zero or one is how many, not whether.
_COUNTS: Final = frozenset(
    {"total", "desired", "expected", "wanted", "max", "maximum", "capacity", "size", "count"}
    | {"used", "busy", "idle", "free", "unhealthy", "unready", "notready", "unavailable", "failed"}
    | {"failing", "failures", "down", "dead", "degraded", "errors", "pending", "replicas"}
    | {"offline"}
)
_INNER_KEYS: Final = ("code", "level", "value", "indicator")
"""What a status that is an object itself says it by, beside the keys above."""

_OF_BODY: Final = {key: place for place, key in enumerate(_STATUS_KEYS)}
_OF_OBJECT: Final = {key: place for place, key in enumerate((*_STATUS_KEYS, *_INNER_KEYS))}
"""The keys by their place in the order in which they are read."""

_CODE_KEYS: Final = frozenset({"status", "code", "state", "health", "result"})
_ENVELOPES: Final = ("data", "result", "response", "payload", "body")
_WRAPPED: Final = frozenset({"success", "successful", "ok", "true", "200"})
_DEPTH: Final = 2
_LONGEST_KEY: Final = 60
_SEPARATORS: Final = re.compile(r"[\s_.-]+")


def find_status(body: Mapping[str, Json]) -> StatusFound | None:
    """The body's own status, keys in any case, with any separators, with or without ``is``.

    None without one.

    Of several that are understood the worst, and of those alike the first.
    """
    found = list(_statuses(body, _OF_BODY, _DEPTH))
    understood = [each for each in found if each[2] is not None]
    if understood:
        return max(understood, key=lambda each: each[2].urgency if each[2] else 0)
    return _by_message(body, found[0]) if found else None


def is_weak(found: StatusFound) -> bool:
    """Whether it may only say that the question was answered: ``{"success": true, …}``."""
    return plain(found[0]) == "success" and found[2] is State.OK


def opened(
    body: Mapping[str, Json], status: StatusFound | None
) -> dict[str, Json] | list[Json] | None:
    """What an envelope holds (``{"status": "success", "data": {…}}``); None for any other body.

    ``status`` is what was found in it: the word of an envelope is about the answer, not about
    health.
    """
    word = status[1] if status is not None else body.get("success", body.get("code"))
    if str(word).lower() not in _WRAPPED:
        return None
    for name in _ENVELOPES:
        inner = body.get(name)
        if isinstance(inner, (dict, list)) and (status is None or status[0] != name):
            return inner
    return None


def complaint(body: Mapping[str, Json]) -> bool:
    """Whether a body without a status is nothing but the report of an error."""
    errors = (body.get("error"), body.get("errors"))
    return any(bool(each) and not isinstance(each, (int, float)) for each in errors)


def _statuses(
    body: Mapping[str, Json], keys: Mapping[str, int], depth: int
) -> Iterator[StatusFound]:
    for key, name in _named(body, keys):
        value = body[key]
        if isinstance(value, list):
            continue
        if isinstance(value, dict):
            if depth:
                inner = list(_statuses(value, _OF_OBJECT, depth - 1))
                yield from ((f"{key}.{path}", said, state) for path, said, state in inner)
            continue
        count = name in _YES_OR_NO and _is_count(body, value)
        yield key, value, None if count else state_under(name, value)
    yield from ((key, True, _ILL[plain(key)]) for key in body if _says_ill(key, body[key]))


def plain(key: str) -> str:
    """A key without its case and separators: ``healthStatus`` and ``health-status`` are one."""
    return _plain(key) if len(key) <= _LONGEST_KEY else key


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    return _SEPARATORS.sub("", key.lower())


def is_status_key(key: str) -> bool:
    """Whether what stands under it is about health."""
    return bool(list(_named({key: None}, _OF_BODY)))


def state_under(key: str, value: Json) -> State | None:
    """What a value means under a key that is about health; None where it is not understood."""
    name = plain(key).removeprefix("is")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name in _YES_OR_NO and value in (0, 1):
            return State.OK if value else State.DOWN
        return state_of(value) if name in _CODE_KEYS else None
    state = state_of(value)
    if state is not None or not isinstance(value, str):
        return state
    if name in _YES_OR_NO and value.lower() in _YES_AND_NO:
        return _YES_AND_NO[value.lower()]
    return state_of_sentence(value)


def _named(body: Mapping[str, Json], names: Mapping[str, int]) -> list[tuple[str, str]]:
    """Those keys of a body that mean one of the names, in the order of the names."""
    found: list[tuple[str, str]] = []
    for key in body:
        name = plain(key)
        if name not in names:
            name = name.removeprefix("is")
        if name in names:
            found.append((key, name))
    return sorted(found, key=lambda pair: names[pair[1]]) if len(found) > 1 else found


def _says_ill(key: str, value: Json) -> bool:
    return value is True and plain(key) in _ILL


def _is_count(body: Mapping[str, Json], value: Json) -> bool:
    """Whether a number is one of several that count things: ``{"ready": 1, "total": 3}``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    others = (number for key, number in body.items() if plain(key) in _COUNTS)
    return any(isinstance(other, int) and not isinstance(other, bool) for other in others)


def _by_message(body: Mapping[str, Json], found: StatusFound) -> StatusFound:
    """A status that is a program's own number, beside a message in words."""
    key, value, _ = found
    message = body.get("message")
    if isinstance(value, int) and not isinstance(value, bool) and isinstance(message, str):
        return key, value, state_of_sentence(message)
    return found
