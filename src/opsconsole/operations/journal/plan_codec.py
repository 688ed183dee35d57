"""Plans and outcomes as JSON, for the journal.

Invariant: what is decoded equals what was encoded. Nothing in a plan is a secret, because a
step's ``call`` names secrets by reference only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from opsconsole.model.operation import ActionKind, ConfirmLevel, Effect, Plan, Step


def encode(plan: Plan) -> str:
    """``plan`` as one JSON text."""
    return json.dumps(asdict(plan), ensure_ascii=True, sort_keys=True)


def decode(text: str) -> Plan:
    """The plan that ``encode`` wrote."""
    document: dict[str, Any] = json.loads(text)
    document["kind"] = ActionKind(document["kind"])
    document["effect"] = Effect(document["effect"])
    document["confirm"] = ConfirmLevel(document["confirm"])
    document["steps"] = tuple(_step(step) for step in document["steps"])
    for name in ("verification", "warnings", "context"):
        document[name] = tuple(document.get(name, ()))
    return Plan(**document)


def usual_duration(text: str) -> float | None:
    """``usual_duration`` of an encoded plan, without decoding the rest."""
    value = json.loads(text)["usual_duration"]
    return None if value is None else float(value)


def _step(document: Mapping[str, Any]) -> Step:
    return Step(**{**document, "effect": Effect(document["effect"])})
