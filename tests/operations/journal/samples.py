"""Plans and intents that the journal's tests keep."""

import hashlib

from opsconsole.model.operation import ActionKind, ConfirmLevel, Effect, Plan, Step
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.who import Who

KIM = Who("kim", 1000, 1000, 7, "bastion-1", "pts/3", 4711)


def op(name: str) -> str:
    """The id of the operation that a test calls ``name``."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def plan(identity: str, kind: ActionKind = ActionKind.RESTART, service: str = "web") -> Plan:
    """A plan with one step."""
    step = Step("restart web-1", "docker", "abc", {"name": "web-1", "count": 3}, Effect.CHANGE)
    return Plan(
        identity, service, kind, "", 1.0, "production", "high", (step,),
        {"web-1 id": "abc"}, ConfirmLevel.TYPED_NAME, ("healthy",), "not at all", "why",
        ("one target",), "verified", 12.5, Effect.CHANGE, None, {"to": "3"}, True,
    )  # fmt: skip


def intent(name: str, kind: ActionKind = ActionKind.RESTART, service: str = "web") -> Intent:
    """An intent to carry out ``plan``."""
    return Intent(
        op(name), plan(f"plan-{name}", kind, service), KIM, "why", "digest", "/c.yaml", "/"
    )


def own_of(made: Intent) -> OwnConfiguration:
    """The configuration of a process that was started with the one of ``made``."""
    return OwnConfiguration(made.config_path, made.base)
