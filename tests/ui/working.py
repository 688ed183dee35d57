"""Fleets with operations under way, degradations, verdicts and backups."""

from dataclasses import replace

from opsconsole.model.asked.backups import BackupView
from opsconsole.model.operation import (
    ActionKind,
    ActionView,
    Degradation,
    Effect,
    Operation,
    OperationState,
    Refusal,
    StepResult,
)
from opsconsole.model.snapshot import Snapshot
from tests.ui import fleet
from tests.ui.fleet import NOW

DAY = 86_400.0

EVERY_ACTION = (
    ActionView(
        ActionKind.RESTART, "", "docker", "restart the containers one by one",
        refusal=Refusal("cooling-down", "it was restarted 12 s ago",
                        "wait 48 s, or override with a reason"),
    ),
    ActionView(ActionKind.DEGRADE, "", "http", "answer from the cache", lasts=1800.0),
    ActionView(ActionKind.RECOVER, "", "http", "answer from the models again"),
    ActionView(ActionKind.BACKUP, "", "files", "copy the model and the error map"),
    ActionView(ActionKind.RESTORE, "", "backup", "put a backup of the model back"),
    ActionView(ActionKind.ROLLBACK, "", "docker", "go back to image v1.4.2"),
    ActionView(ActionKind.SCALE, "", "docker", "1 to 5 containers", bounds=(1, 5)),
    ActionView(ActionKind.TEST, "database", "http", "ask the database", Effect.READ),
    ActionView(ActionKind.CALL, "recover_external_apis", "http", "recover the external APIs"),
)  # fmt: skip


def operation(number: int, service: str, **more: object) -> Operation:
    """One run, by default under way since 12 s."""
    made = Operation(
        f"op-{number}", f"plan-{number}", service, ActionKind.RESTART, "",
        OperationState.VERIFYING, "ops", "bastion-2", NOW - 12, NOW - 1,
        steps=(
            StepResult("restart container a-1", "done", "started 8 s ago", NOW - 12, NOW - 8),
            StepResult("restart container a-2", "running", "", NOW - 8),
            StepResult("restart container a-3", "waiting"),
        ),
        usual_duration=42.0,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def ended(number: int, service: str, state: OperationState, **more: object) -> Operation:
    """A run that has a verdict since ten minutes."""
    steps = (StepResult("restart container a-1", "done", "in 4.2 s", NOW - 640, NOW - 636),)
    return operation(
        number, service, state=state, who="kim", host="bastion-1", started_at=NOW - 640,
        ended_at=NOW - 600, steps=steps, evidence=("a-1 answered 200 for 10 s",),
        **{"summary": "healthy for 10 s; p95 42 ms, before it 1.9 s", **more},
    )  # fmt: skip


def acting(*, actions: tuple[ActionView, ...] = EVERY_ACTION) -> Snapshot:
    """A calm fleet where two services are worked on and one is degraded on purpose."""
    views = tuple(replace(each, actions=actions) for each in fleet.calm_services())
    return replace(
        fleet.calm(),
        services=views,
        operations=(
            operation(1, "ai-service"),
            operation(2, "oatie", kind=ActionKind.BACKUP, usual_duration=None, who="ann",
                      host="bastion-1", started_at=NOW - 65),
            ended(3, "errorscope", OperationState.FAILED,
                  summary="not healthy within 5 min: connection refused"),
            ended(4, "redis", OperationState.VERIFIED),
            ended(5, "postgres", OperationState.INCONCLUSIVE, summary="it could not be told"),
        ),
        degradations=(
            Degradation("op-9", "gateway", NOW + 720, "kim", "bastion-1", "high load"),
        ),
    )  # fmt: skip


def backups() -> tuple[BackupView, ...]:
    """Three of them, one damaged."""
    return (
        BackupView("20251121T081407Z-a1", "ai-service", NOW - 3600, 48_000_000, 12),
        BackupView("20251120T081407Z-b2", "ai-service", NOW - DAY, 47_000_000, 12,
                   unsteady=True, verified_at=NOW - 60),
        BackupView("20251118T081407Z-c3", "ai-service", None, fault="data/7 is not as written"),
    )  # fmt: skip
