"""Components and status of a JSON health body.

Invariant: only what carries a status of its own, or stands in a place made for components, is a
component. A component's ``details`` and ``data`` are never searched for a status (Spring shows
Elasticsearch' colour there), and what a component says never overrides the body's own status.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from opsconsole.model.health import Component, whole
from opsconsole.model.state import State, worst
from opsconsole.sources.health.figures import LATENCY_KEYS, seconds
from opsconsole.sources.health.status import find_status, plain
from opsconsole.sources.health.words import is_unused, state_of, state_of_breaker
from opsconsole.sources.strict_json import Json
from opsconsole.text import sanitize

COMPONENT_LIMIT: Final = 500
"""Components of one parent; deeper ones each have as many."""

DEPTH_LIMIT: Final = 6
_HOLDERS_LIMIT: Final = 4
NAME_LIMIT: Final = 80
MESSAGE_LIMIT: Final = 300

_CONTAINERS: Final = ("components", "checks", "entries", "results", "services", "dependencies")
# Names that also hold plain facts: only parts that carry a status count in them.
_LOOSE_CONTAINERS: Final = ("details", "info")
# Places of parts where the body says nothing of itself and they are no objects with a status.
_PLACES: Final = frozenset(
    {"health", "status", "state", "statuses", "healthchecks", "subsystems", "modules", "systems"}
    | {"upstreams", "backends", "probes", "indicators", "nodes"}
)
# What is below these is about something else, whatever it is called.
_NO_PLACES: Final = frozenset(
    {"details", "data", "metadata", "metrics", "config", "configuration", "settings", "labels"}
    | {"env", "environment", "params", "options", "build", "git", "conditions", "spec", "request"}
    | {"annotations", "headers", "links"}
)
# Words that say how something is set, or what it is called, not how it is.
_SETTING: Final = re.compile(
    r"(?:^|[_.-])(?:level|mode|env|environment|version|kind|type|policy|default|severity|theme"
    r"|region|zone|role|tier|colou?r|slot|stage|channel|track|lane|deployment)$",
    re.IGNORECASE,
)
_FACT: Final = re.compile(
    r"(?:^|[_.-]|(?<=[a-z]))(?:commit|build|built|hash|sha|revision|branch|tag|name|id|uuid|time"
    r"|timestamp|date|uptime|since|started|url|uri|ip|address|message|description|edition|host"
    r"|hostname|release|documentation|now)$",
    re.IGNORECASE,
)
_NOT_USED: Final = "not in use"
_NAMES: Final = (
    "name",
    "key",
    "checker",
    "component",
    "service",
    "checkname",
    "id",
    "componentid",
    "title",
)
_MESSAGES: Final = ("message", "error", "output", "detail", "reason", "description", "exception")
_SAYING: Final = frozenset(_MESSAGES)
_COMPLAINTS: Final = frozenset({"error", "errors"})
"""What is said under these names is about a failure, whatever words it is said in."""

_BREAKERS: Final = ("circuit_breaker", "circuitBreaker", "circuit", "breaker")
_BREAKING: Final = frozenset(_BREAKERS)
_POSITIONS: Final = {State.OK: "closed", State.DEGRADED: "half open", State.DOWN: "open"}


def find_components(body: Mapping[str, Json], *, alone: bool) -> tuple[Component, ...]:
    """The components of a body: in a container, else whatever carries a status beside it.

    ``alone``: the body has no status of its own, so that every part of it counts, wherever it is.
    """
    found = _contained(body)
    if found and not alone:
        return found
    named = {part.name for part in found}
    beside = [part for part in _beside(body) if part.name not in named]
    return tuple(islice((*found, *beside), COMPONENT_LIMIT))


def _contained(body: Mapping[str, Json]) -> tuple[Component, ...]:
    by_name = {key.lower(): key for key in body}
    for name in _CONTAINERS:
        if name in by_name and isinstance(body[by_name[name]], (dict, list)):
            found = read_container(body[by_name[name]])
            if found:
                return found
    for name in _LOOSE_CONTAINERS:
        if name in by_name:
            found = tuple(_with_status(body[by_name[name]]))
            if found:
                return found
    return ()


def _beside(body: Mapping[str, Json]) -> Iterator[Component]:
    """What stands in the body itself: objects with a status, and lists of nothing but such."""
    for name, entry in islice(body.items(), COMPONENT_LIMIT):
        if name.lower() in _CONTAINERS:
            continue
        if isinstance(entry, list) and is_list_of_parts(entry):
            if any(_has_name(part) for part in entry):
                yield from read_container(entry)
            else:
                yield from filter(None, [_component(name, entry, 1)])
        elif isinstance(entry, dict) and find_status(entry) is not None:
            yield from filter(None, [_component(name, entry, 1)])
        else:
            yield from filter(None, [_holder(name, entry, 1)])


def _holder(name: str, value: Json, depth: int) -> Component | None:
    """What has no status itself and holds parts that do, as their worst; else None."""
    short = plain(name)
    if depth >= _HOLDERS_LIMIT or short in _NO_PLACES or not isinstance(value, (dict, list)):
        return None
    parts = tuple(islice(_held(value, depth + 1), COMPONENT_LIMIT))
    if not parts and short in _PLACES and isinstance(value, dict):
        words = read_container(value, depth + 1)
        parts = words if any(part.state is not State.UNKNOWN for part in words) else ()
    return (
        Component(sanitize(name, limit=NAME_LIMIT), whole(parts), children=parts) if parts else None
    )


def _held(value: Json, depth: int) -> Iterator[Component]:
    for name, entry in islice(_entries(value), COMPONENT_LIMIT):
        if plain(name) in _NO_PLACES:
            continue
        if isinstance(entry, dict) and find_status(entry) is not None:
            yield _from_object(sanitize(name, limit=NAME_LIMIT), entry, depth)
        elif isinstance(entry, list) and is_list_of_parts(entry):
            yield from read_container(entry, depth)
        else:
            yield from filter(None, [_holder(name, entry, depth)])


def is_list_of_parts(value: Sequence[Json]) -> bool:
    """Whether a list holds nothing but objects with a status."""
    return bool(value) and all(isinstance(entry, dict) and find_status(entry) for entry in value)


def read_container(value: Json, depth: int = 1) -> tuple[Component, ...]:
    """Every entry of an object or list that is a place for components."""
    made = (_component(name, entry, depth) for name, entry in _entries(value))
    return tuple(islice((one for one in made if one is not None), COMPONENT_LIMIT))


def flat_words(body: Mapping[str, Json], *, failed: bool) -> tuple[Component, ...]:
    """An object of nothing but words and numbers, a word of them a known one: each a component.

    A text that is not a known word is the error of its component when the answer ``failed``.
    Settings, names and times are none.
    """
    if any(isinstance(value, (dict, list, bool)) for value in body.values()):
        return ()
    words = {key: value for key, value in body.items() if isinstance(value, str)}
    states = {
        key: state_of(value)
        for key, value in words.items()
        if not _SETTING.search(key) and not _FACT.search(key)
    }
    if all(state is None or key.lower() in _COMPLAINTS for key, state in states.items()):
        return ()
    otherwise = State.DOWN if failed else State.UNKNOWN
    return tuple(
        Component(
            sanitize(key, limit=NAME_LIMIT),
            state or otherwise,
            "" if state and key.lower() not in _COMPLAINTS else _said(body[key]),
        )
        for key, state in islice(states.items(), COMPONENT_LIMIT)
    )


def _said(value: Json) -> str:
    return sanitize(str(value), limit=MESSAGE_LIMIT)


def message_of(body: Mapping[str, Json]) -> str:
    """What the body or component says in words, on one line."""
    by_name = {name: value for key, value in body.items() if (name := key.lower()) in _SAYING}
    if not by_name:
        return ""
    for key in _MESSAGES:
        value = by_name.get(key)
        if isinstance(value, str) and value.strip():
            return sanitize(value.strip(), limit=MESSAGE_LIMIT)
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return sanitize(str(value["message"]), limit=MESSAGE_LIMIT)
    return ""


def _with_status(value: Json) -> Iterator[Component]:
    for name, entry in islice(_entries(value), COMPONENT_LIMIT):
        if isinstance(entry, dict) and find_status(entry) is not None:
            found = _component(name, entry, 1)
            if found is not None:
                yield found


def _entries(value: Json) -> Iterable[tuple[str, Json]]:
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, list):
        return ((_name_of(entry, place), entry) for place, entry in enumerate(value, 1))
    return ()


def _name_of(entry: Json, place: int) -> str:
    return _has_name(entry) or f"#{place}"


def _has_name(entry: Json) -> str:
    if isinstance(entry, dict):
        by_name = {key.lower(): value for key, value in entry.items()}
        for key in _NAMES:
            name = by_name.get(key)
            if isinstance(name, str) and name:
                return name
    return ""


def _component(name: str, value: Json, depth: int) -> Component | None:
    shown = sanitize(name, limit=NAME_LIMIT)
    if isinstance(value, dict):
        return _from_object(shown, value, depth)
    if isinstance(value, list):
        return _from_nodes(shown, value, depth)
    if is_unused(value):
        return Component(shown, State.UNKNOWN, _NOT_USED, used=False)
    state = state_of(value)
    if state is None and isinstance(value, (int, float)):
        return None
    message = sanitize(str(value or ""), limit=MESSAGE_LIMIT) if state is None else ""
    return Component(shown, state or State.UNKNOWN, message)


def _from_nodes(name: str, nodes: list[Json], depth: int) -> Component | None:
    """A list of readings of one component, as in RFC health+json: the worst of them."""
    parts = [
        _from_object(f"{name} #{place}", node, depth)
        for place, node in enumerate(nodes[:COMPONENT_LIMIT], 1)
        if isinstance(node, dict)
    ]
    if not parts:
        return None
    first = max(parts, key=lambda part: part.state.urgency)
    children = tuple(parts) if len(parts) > 1 else first.children
    return Component(name, first.state, first.message, first.latency, children)


def _from_object(name: str, body: dict[str, Json], depth: int) -> Component:
    status = find_status(body)
    children = _children(body, depth)
    message = message_of(body)
    critical = body.get("critical") is not False
    if status is not None and status[2] is None and is_unused(status[1]):
        return Component(name, State.UNKNOWN, message or _NOT_USED, used=False)
    if status is not None:
        state = status[2] or _as_breaker(body, status[1]) or State.UNKNOWN
        if status[2] is None and state is State.UNKNOWN and not message:
            message = f"{status[0]} {sanitize(str(status[1]), limit=40)!r} not understood"
    elif children:
        state = whole(children)
    else:
        state = State.DOWN if body.get("error") else State.UNKNOWN
    breakers = [] if _BREAKING.isdisjoint(body) else list(_breakers(body))
    state, message = _behind_breaker(breakers, state, message)
    own = _as_breaker(body, status[1]) if status is not None else None
    latency, breaker = _latency(body), _position([own, *breakers] if own is not None else breakers)
    return Component(name, state, message, latency, children, breaker=breaker, critical=critical)


def _children(body: Mapping[str, Json], depth: int) -> tuple[Component, ...]:
    if depth >= DEPTH_LIMIT:
        return ()
    for key in _CONTAINERS:
        if isinstance(body.get(key), (dict, list)):
            return read_container(body[key], depth + 1)
    return () if find_status(body) is not None else tuple(_held(dict(body), depth + 1))


def _as_breaker(body: Mapping[str, Json], value: Json) -> State | None:
    """A component that is a circuit breaker itself, known by its threshold."""
    return state_of_breaker(value) if "failure_threshold" in body else None


def _behind_breaker(breakers: Iterable[State], state: State, message: str) -> tuple[State, str]:
    for found in breakers:
        if found is not State.OK:
            return worst((state, found)), message or f"circuit breaker {_POSITIONS[found]}"
    return state, message


def _breakers(body: Mapping[str, Json]) -> Iterator[State]:
    """What each circuit breaker that the component names means for its state."""
    for key in _BREAKERS:
        breaker = body.get(key)
        if isinstance(breaker, dict):
            breaker = breaker.get("state", breaker.get("status"))
        found = state_of_breaker(breaker)
        if found is not None:
            yield found


def _position(breakers: Sequence[State]) -> str:
    """The position of the component's circuit breakers, of which it may be one itself."""
    return _POSITIONS.get(worst(breakers), "") if breakers else ""


def _latency(body: Mapping[str, Json]) -> float | None:
    for key, value in body.items():
        unit = LATENCY_KEYS.get(key.lower())
        if unit is not None:
            found = seconds(value, unit)
            if found is not None:
                return found
    observed = body.get("observedUnit")
    if observed in ("ms", "s", "us", "ns"):
        return seconds(body.get("observedValue"), str(observed))
    return None
