"""Plans and outcomes as JSON, for the journal.

Invariant: what is decoded equals what was encoded. Nothing in a plan is a secret, because a
step's ``call`` names secrets by reference only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from opsconsole.model.operation import BY_PROMISE, ActionKind, ConfirmLevel, Effect, Plan, Step

_GOAL: Final = " target"


def encode(plan: Plan) -> str:
    """``plan`` as one JSON text."""
    return json.dumps(asdict(plan), ensure_ascii=True, sort_keys=True)


def decode(text: str) -> Plan:
    """The plan that ``encode`` wrote."""
    document: dict[str, Any] = json.loads(text)
    document["kind"] = ActionKind(document["kind"])
    document["effect"] = Effect(document["effect"])
    document["confirm"] = ConfirmLevel(document["confirm"])
    first = document["steps"][0]["driver"] if document["steps"] else ""
    document["steps"] = tuple(_step(step, first) for step in document["steps"])
    document.setdefault("goals", _older_goals(document["fingerprint"]))
    for name in ("verification", "warnings", "context"):
        document[name] = tuple(document.get(name, ()))
    return Plan(**document)


def usual_duration(text: str) -> float | None:
    """``usual_duration`` of an encoded plan, without decoding the rest."""
    value = json.loads(text)["usual_duration"]
    return None if value is None else float(value)


def by_promise(text: str) -> bool:
    """Whether an encoded plan keeps a promise, without decoding the rest."""
    return BY_PROMISE in json.loads(text).get("parameters", {})


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
