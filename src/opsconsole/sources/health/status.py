"""What a JSON object says of its own health.

Invariant: only keys that are about health are read, and of several that are understood the worst
is believed: a process that is alive and not ready is not ready. A word, a truth, a zero or one
and an HTTP code are understood where they belong, and nothing else is guessed.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from opsconsole.model.state import State
from opsconsole.sources.health.words import state_of, state_of_sentence
from opsconsole.sources.strict_json import Json

StatusFound = tuple[str, Json, State | None]
"""A key, its value, and the state that it names; None where it is not understood."""

_STATUS_KEYS: Final = (
    "status",
    "state",
    "overall_status",
    "overallstatus",
    "overall",
    "health",
    "health_status",
    "healthy",
    "ok",
    "pass",
    "passed",
    "ready",
    "available",
    "alive",
    "up",
    "result",
)
_YES_OR_NO: Final = frozenset(
    {"healthy", "ok", "pass", "passed", "ready", "available", "alive", "up"}
)
_INNER_KEYS: Final = ("code", "level", "value", "indicator")
"""What a status that is an object itself says it by, beside the keys above."""

_CODE_KEYS: Final = frozenset({"status", "code", "state", "health", "result"})
_ENVELOPES: Final = ("data", "result", "response", "payload")
_WRAPPED: Final = frozenset({"success", "successful", "ok", "true", "200"})
_DEPTH: Final = 2


def find_status(body: Mapping[str, Json]) -> StatusFound | None:
    """The body's own status, keys in any case; None without one.

    Of several that are understood the worst, and of those alike the first.
    """
    found = list(_statuses(body, _STATUS_KEYS, _DEPTH))
    understood = [each for each in found if each[2] is not None]
    if understood:
        return max(understood, key=lambda each: each[2].urgency if each[2] else 0)
    return _by_message(body, found[0]) if found else None


def opened(body: Mapping[str, Json]) -> dict[str, Json] | None:
    """What an envelope holds (``{"status": "success", "data": {…}}``); None for any other body.

    The word of an envelope is about the answer, not about health.
    """
    status = find_status(body)
    word = status[1] if status is not None else body.get("success", body.get("code"))
    if str(word).lower() not in _WRAPPED:
        return None
    for name in _ENVELOPES:
        inner = body.get(name)
        if isinstance(inner, dict) and (status is None or status[0] != name):
            return inner
    return None


def complaint(body: Mapping[str, Json]) -> bool:
    """Whether a body without a status is nothing but the report of an error."""
    errors = (body.get("error"), body.get("errors"))
    return any(bool(each) and not isinstance(each, (int, float)) for each in errors)


def _statuses(body: Mapping[str, Json], keys: tuple[str, ...], depth: int) -> Iterator[StatusFound]:
    by_name = {key.lower(): key for key in body}
    for name in keys:
        key = by_name.get(name)
        if key is None or isinstance(body[key], list):
            continue
        value = body[key]
        if isinstance(value, dict):
            if depth:
                inner = list(_statuses(value, (*_STATUS_KEYS, *_INNER_KEYS), depth - 1))
                yield from ((f"{key}.{path}", said, state) for path, said, state in inner)
            continue
        yield key, value, _state(name, value)


def _state(name: str, value: Json) -> State | None:
    if isinstance(value, int) and not isinstance(value, bool):
        if name in _YES_OR_NO and value in (0, 1):
            return State.OK if value else State.DOWN
        return state_of(value) if name in _CODE_KEYS else None
    state = state_of(value)
    if state is None and isinstance(value, str):
        return state_of_sentence(value)
    return state


def _by_message(body: Mapping[str, Json], found: StatusFound) -> StatusFound:
    """A status that is a program's own number, beside a message in words."""
    key, value, _ = found
    message = body.get("message")
    if isinstance(value, int) and not isinstance(value, bool) and isinstance(message, str):
        return key, value, state_of_sentence(message)
    return found
