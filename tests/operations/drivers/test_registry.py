"""The table of drivers: complete, and each of them what the table says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from opsconsole.config.actions import DRIVERS, Action
from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest, Step
from opsconsole.operations.drivers import registry
from opsconsole.operations.drivers.followed import Followed
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Sight,
    StepOutcome,
)
from opsconsole.threads import BoundedExecutor

_PAIRS = [
    (name, kind) for name, row in registry.DRIVERS.items() for kind in sorted(row.carries_out)
]


def test_each_driver_that_an_action_can_name_is_listed() -> None:
    assert set(registry.DRIVERS) == {*DRIVERS, "alertmanager", "own_rules"}


@pytest.mark.parametrize(("name", "kind"), _PAIRS)
def test_what_is_listed_can_be_imported(name: str, kind: ActionKind) -> None:
    assert callable(registry.DRIVERS[name].carries_out[kind]())


def test_each_kind_is_carried_out_by_some_driver() -> None:
    assert {kind for _, kind in _PAIRS} == set(ActionKind)


@pytest.mark.parametrize(
    ("kind", "able"),
    [
        (
            ActionKind.RESTART,
            {"docker", "swarm", "kubernetes", "systemd", "pid_file", "http", "command"},
        ),
        (ActionKind.RESTORE, {"files", "volume", "backup", "command"}),
        (
            ActionKind.ROLLBACK,
            {"docker", "swarm", "kubernetes", "git", "releases", "backup", "http", "command"},
        ),
    ],
)
def test_a_pair_that_is_not_listed_cannot_be_planned(kind: ActionKind, able: set[str]) -> None:
    assert {name for name, row in registry.DRIVERS.items() if kind in row.carries_out} == able
    action = Action.model_validate({"command": ["true"]})
    assert registry.can(action, kind)
    assert not registry.can(
        Action.model_validate({"env_file": {"file": "f", "set": {"A": "1"}}}), kind
    )


def test_who_ends_a_degradation_can_recover() -> None:
    able = [row for row in registry.DRIVERS.values() if row.ends_degradation]
    assert able
    assert all(ActionKind.RECOVER in row.carries_out for row in able)


def test_who_keeps_backups_makes_and_restores_them() -> None:
    able = [row for row in registry.DRIVERS.values() if row.keeps_backups]
    assert able
    assert all({ActionKind.BACKUP, ActionKind.RESTORE} <= set(row.carries_out) for row in able)


@dataclass
class Made(Driver):
    """Stands in for a driver, which is followed by another where it says so."""

    context: DriverContext
    after: DriverContext | None = None

    def follow_up(self) -> DriverContext | None:
        return self.after

    async def observe(self) -> Mapping[str, str]:
        return {}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        return ()

    async def execute(self, step: Step) -> StepOutcome:
        raise NotImplementedError

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        raise NotImplementedError

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        return ()

    def undo(self) -> str:
        return ""


def context(kind: ActionKind, action: dict[str, object], backup: str = "files") -> DriverContext:
    target: dict[str, object] = {"files": ["data"], "volume": {"volume": "data"}}
    actions = {"backup": {backup: target[backup]}} if backup else {}
    settings = Settings.model_validate({"docker": [], "services": {"web": {"actions": actions}}})
    request = ActionRequest("web", kind)
    made = Action.model_validate(action)
    machines, threads = cast(Machines, None), cast(BoundedExecutor, None)
    return DriverContext("web", kind, made, settings, Path(), machines, threads, request)


@pytest.mark.parametrize("backup", ["files", "volume", ""])
@pytest.mark.parametrize("kind", [ActionKind.RESTORE, ActionKind.ROLLBACK])
def test_what_restores_a_backup_is_of_the_kind_that_made_it(
    monkeypatch: pytest.MonkeyPatch, backup: str, kind: ActionKind
) -> None:
    made: list[str] = []
    for name in ("files", "volume"):

        def factory(given: DriverContext, name: str = name) -> Driver:
            made.append(name)
            return Made(given)

        monkeypatch.setattr(registry, f"_{name}_restore", lambda factory=factory: factory)
    driver = registry.make(context(kind, {"backup": "latest"}, backup))
    assert isinstance(driver, Made)
    assert made == [backup or "files"]


def test_a_driver_is_made_with_the_one_for_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    after = context(ActionKind.RESTART, {"command": ["true"]})
    alone = context(ActionKind.DEGRADE, {"env_file": {"file": "f", "set": {"A": "1"}}})

    def first(given: DriverContext) -> Driver:
        return Made(given, after if given is not alone else None)

    row = replace(registry.DRIVERS["env_file"], carries_out={ActionKind.DEGRADE: lambda: first})
    second = replace(registry.DRIVERS["command"], carries_out={ActionKind.RESTART: lambda: Made})
    monkeypatch.setattr(registry, "DRIVERS", {"env_file": row, "command": second})
    assert isinstance(registry.make(alone), Made)
    changing = replace(alone, service="web")
    driver = registry.make(changing)
    assert isinstance(driver, Followed)
    assert isinstance(driver._second, Made)
    assert (driver._first.context, driver._second.context) == (changing, after)  # type: ignore[attr-defined]


def test_what_cannot_follow_is_refused_before_anything_is_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    degrade = context(ActionKind.DEGRADE, {"env_file": {"file": "f", "set": {"A": "1"}}})

    def first(given: DriverContext) -> Driver:
        return Made(given, replace(degrade, kind=ActionKind.RESTART))

    row = replace(registry.DRIVERS["env_file"], carries_out={ActionKind.DEGRADE: lambda: first})
    monkeypatch.setattr(registry, "DRIVERS", {"env_file": row})
    with pytest.raises(ObserveError, match="what is to follow a degrade of web cannot be done by"):
        registry.make(degrade)
