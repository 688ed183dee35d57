"""Plans as the journal keeps them: read as written, those of older versions too."""

import json
from typing import Any

import pytest

from opsconsole.model.operation import ActionKind, ConfirmLevel, Effect, Plan, Step
from opsconsole.operations.journal import plan_codec

_PLAN = Plan(
    id="0123456789abcdef",
    service="web",
    kind=ActionKind.ROLLBACK,
    name="",
    created_at=1.5,
    environment="production",
    danger="high",
    steps=(
        Step("check v1.9 out", "git", "/srv/web", {"tag": "v1.9"}),
        Step("restart web-1", "docker", "abc", {"name": "web-1"}, instance="web-1", follows=True),
        Step("pause web-2", "docker", "def", {}, Effect.READ, instance="web-2", away=True),
    ),
    fingerprint={"tag": "v2.0", "tag target": "v1.9"},
    confirm=ConfirmLevel.CHOICE,
    verification=("it is healthy",),
    undo="not at all",
    goals={"tag": "v1.9"},
)


def test_what_is_decoded_is_what_was_encoded() -> None:
    assert plan_codec.decode(plan_codec.encode(_PLAN)) == _PLAN


def _older(*steps: dict[str, Any]) -> Plan:
    """A plan as version 0.1 wrote it: marks of a step in its call, goals among the facts."""
    document = json.loads(plan_codec.encode(_PLAN))
    del document["goals"]
    document["steps"] = [
        {"summary": "does it", "target": "there", "effect": "change", **step} for step in steps
    ]
    return plan_codec.decode(json.dumps(document))


def test_an_older_rollback_has_its_goals() -> None:
    assert _older().goals == {"tag": "v1.9"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"driver": "git", "call": {}}, {"driver": "docker", "call": {"follows": True}}),
        ({"driver": "env_file", "call": {}}, {"driver": "pid_file", "call": {}}),
        ({"driver": "files", "call": {"do": "restore"}}, {"driver": "systemd", "call": {}}),
        ({"driver": "http", "call": {}}, {"driver": "http", "call": {"follows": True}}),
    ],
)
def test_what_follows_in_an_older_plan_is_marked(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert [step.follows for step in _older(first, second).steps] == [False, True]


def test_what_an_older_step_touches_and_takes_away_is_known() -> None:
    plan = _older(
        {"driver": "docker", "call": {"instance": "web-1", "away": True}},
        {"driver": "docker", "call": {"instance": "web-2", "away": False}},
        {"driver": "docker", "call": {}},
    )
    told = [(step.instance, step.away, step.follows) for step in plan.steps]
    assert told == [("web-1", True, False), ("web-2", False, False), ("", False, False)]
