"""Plans and outcomes as JSON, for the journal.

Invariant: what is decoded equals what was encoded. What is written where others read it was
``published`` before: nothing in it is a secret.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from opsconsole.hiding import MASK, hidden, without_query
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import (
    BY_PROMISE,
    SILENCING,
    ActionKind,
    ConfirmLevel,
    Copy,
    Effect,
    Group,
    Plan,
    Step,
)
from opsconsole.model.state import State
from opsconsole.text import sanitize

_GOAL: Final = " target"
_QUERY: Final = "query"
_LONGEST: Final = 1e9
_URL: Final = re.compile(r"(?:https?:/)?/\S*\?")


def encode(plan: Plan) -> str:
    """``plan`` as one JSON text."""
    return json.dumps(asdict(plan), ensure_ascii=True, sort_keys=True)


def published(plan: Plan) -> Plan:
    """``plan`` without secrets, and without the values of what queries ask for."""
    return decode(json.dumps(_published(asdict(plan))))


def decode(text: str) -> Plan:
    """The plan that ``encode`` wrote."""
    document: dict[str, Any] = json.loads(text)
    document["kind"] = ActionKind(document["kind"])
    document["effect"] = Effect(document["effect"])
    document["confirm"] = ConfirmLevel(document["confirm"])
    first = document["steps"][0]["driver"] if document["steps"] else ""
    document["steps"] = tuple(_step(step, first) for step in document["steps"])
    document["copies"] = tuple(
        Copy(**{**each, "state": State(each["state"])}) for each in document.get("copies", ())
    )
    document["group"] = _group(document)
    document.setdefault("goals", _older_goals(document["fingerprint"]))
    for name in ("verification", "warnings", "context"):
        document[name] = tuple(document.get(name, ()))
    return Plan(**document)


def usual_duration(text: str) -> float | None:
    """``usual_duration`` of an encoded plan, without decoding the rest. Raises ValueError."""
    value = json.loads(text)["usual_duration"]
    if value is None or 0.0 <= float(value) < _LONGEST:
        return None if value is None else float(value)
    raise ValueError(f"{value:g} is no duration")


def by_promise(text: str) -> bool:
    """Whether an encoded plan keeps a promise, without decoding the rest."""
    return BY_PROMISE in json.loads(text).get("parameters", {})


def subject(text: str) -> str:
    """What an encoded plan excludes other changes of."""
    document = json.loads(text)
    parameters = {str(key): str(value) for key, value in document.get("parameters", {}).items()}
    return subject_of(str(document["service"]), ActionKind(document["kind"]), parameters)


def group(text: str) -> Group | None:
    """Which of a group an encoded plan is, its texts made safe."""
    return _group(json.loads(text))


def about(text: str) -> str:
    """Which alerts an encoded plan is about, by their name or else by what matches them."""
    document = json.loads(text)
    if document.get("kind") not in SILENCING:
        return ""
    calls = (step.get("call", {}).get("matchers") or () for step in document.get("steps", ()))
    matchers = [each for found in calls for each in found if isinstance(each, dict)]
    named = [
        str(each.get("value", ""))
        for each in matchers
        if each.get("name") == "alertname" and not each.get("isRegex") and each.get("isEqual", True)
    ]
    return named[0] if named else str(document.get("fingerprint", {}).get("matchers", ""))


def _group(document: Mapping[str, Any]) -> Group | None:
    found = document.get("group")
    if found is None:
        return None
    then = tuple(sanitize(str(each)) for each in found["then"])
    return Group(sanitize(str(found["id"])), int(found["number"]), int(found["count"]), then)


def _published(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return hidden(without_query(value) if _URL.match(value) else value)
    if isinstance(value, Mapping):
        if name == _QUERY:
            return dict.fromkeys(value, MASK)
        return {key: _published(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_published(inner) for inner in value]
    return value


def _step(document: Mapping[str, Any], first: str) -> Step:
    return Step(**{**_older_marks(document, first), "effect": Effect(document["effect"])})


def _older_marks(document: Mapping[str, Any], first: str) -> dict[str, Any]:
    """``document`` with its marks, which version 0.1 wrote into ``call`` or not at all."""
    if "follows" in document:
        return dict(document)
    call = document["call"]
    return {
        **document,
        "instance": str(call.get("instance", "")),
        "away": bool(call.get("away")),
        "follows": bool(call.get("follows")) or document["driver"] != first,
    }


def _older_goals(fingerprint: Mapping[str, str]) -> dict[str, str]:
    """Version 0.1 named a goal after the fact that it is about."""
    return {
        fact.removesuffix(_GOAL): goal for fact, goal in fingerprint.items() if fact.endswith(_GOAL)
    }
