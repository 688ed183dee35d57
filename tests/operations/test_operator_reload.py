"""Each setting that may be read again while a console runs, and where its door feels it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opsconsole.config.changes import AT_START_ONLY
from opsconsole.config.loader import load
from opsconsole.config.settings import Operations
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Plan,
    Refusal,
)
from opsconsole.operations.operator import Operator
from tests.operations.place import Place, planned, restarted
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]
RESTART = ActionRequest("web", ActionKind.RESTART, reason="a test")

_CONFIG = """
docker: []
environment: {name: here, danger: DANGER}
read_only: READ_ONLY
wall: {enabled: WALL}
operations:
  cooldown: COOLDOWN
  restart_limit: LIMIT
  restart_window: WINDOW
  rollback_countdown: COUNTDOWN
  backups: BACKUPS
services:
  web:
    instances: [URL]
    health: /health
    actions:
      restart: {http: {post: /restart}, auto_rollback: true, min_healthy: HELD, deadline: 5s}
      rollback: {http: {post: /rollback}}
      backup: {files: [data]}
"""
_FIRST = {
    "DANGER": "low", "READ_ONLY": "false", "WALL": "false", "COOLDOWN": "0.001ms", "LIMIT": "1",
    "WINDOW": "0.001ms", "COUNTDOWN": "30s", "BACKUPS": "kept", "HELD": "0.2s",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What one console says of a restart of ``web``."""

    plan: Plan | Refusal
    menu: str
    performed: str
    backups: int

    def refused_everywhere(self) -> str:
        """The one code with which plan, menu and a plan made before are refused, or ''."""
        planned = self.plan.code if isinstance(self.plan, Refusal) else ""
        (code,) = {planned, self.menu, self.performed}
        return code

    def planned(self) -> Plan:
        """The plan, which was not refused."""
        assert isinstance(self.plan, Plan), self.plan
        return self.plan


@dataclass(frozen=True)
class Case:
    """``key`` of the configuration, what the file says first and then, and who feels it."""

    key: str
    first: dict[str, str]
    then: dict[str, str]
    felt: Callable[[Seen], object]
    expected: tuple[object, object]


_REFUSED = Seen.refused_everywhere

CASES = (
    Case("operations.cooldown", {}, {"COOLDOWN": "1h"}, _REFUSED, ("", "cooling-down")),
    Case(
        "operations.restart_limit",
        {"WINDOW": "1h", "LIMIT": "2"},
        {"LIMIT": "1"},
        _REFUSED,
        ("", "restart-loop"),
    ),
    Case("operations.restart_window", {}, {"WINDOW": "1h"}, _REFUSED, ("", "restart-loop")),
    Case(
        "operations.rollback_countdown",
        {},
        {"COUNTDOWN": "7s"},
        lambda seen: seen.planned().rollback_after,
        (30.0, 7.0),
    ),
    Case("operations.backups", {}, {"BACKUPS": "moved"}, lambda seen: seen.backups, (0, 1)),
    Case("read_only", {}, {"READ_ONLY": "true"}, _REFUSED, ("", "read-only")),
    Case("wall.enabled", {}, {"WALL": "true"}, _REFUSED, ("", "read-only")),
    Case(
        "environment", {}, {"DANGER": "high"}, lambda seen: seen.planned().danger, ("low", "high")
    ),
    Case(
        "services",
        {},
        {"HELD": "0.7s"},
        lambda seen: "healthy for 0.7 s" in seen.planned().verification[0],
        (False, True),
    ),
)


def _write(place: Place, server: RecordingServer, values: dict[str, str]) -> None:
    text = _CONFIG.replace("URL", server.url)
    for word, value in values.items():
        text = text.replace(word, value)
    place.write(text)


async def _seen(operator: Operator, earlier: Plan) -> Seen:
    """What is felt, ``earlier`` being a plan of before; one that may start is not started."""
    (menu,) = (each for each in operator.actions("web") if each.kind is ActionKind.RESTART)
    unconfirmed = replace(earlier, confirm=ConfirmLevel.TYPED_NAME)
    performed = await operator.perform(unconfirmed, Confirmation("", "a test"))
    assert isinstance(performed, Refusal)
    listed = await operator.backups.of("web")
    assert not isinstance(listed, Refusal), listed
    return Seen(
        await operator.plan(RESTART, None),
        menu.refusal.code if menu.refusal else "",
        "" if performed.code == "wrong-confirmation" else performed.code,
        len(listed),
    )


def test_every_setting_of_operations_is_in_the_table() -> None:
    told = {case.key for case in CASES} | set(AT_START_ONLY)
    assert {f"operations.{name}" for name in Operations.model_fields} <= told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
async def test_a_reload_is_felt(place: Place, serve: Serve, tmp_path: Path, case: Case) -> None:
    server = serve()
    (tmp_path / "moved" / "web" / "backup-20260101T000000Z-abcdef").mkdir(parents=True)
    first = _FIRST | case.first
    _write(place, server, first)
    operator = place.operator()
    await restarted(operator)
    earlier = await planned(operator, RESTART)
    before = case.felt(await _seen(operator, earlier))
    _write(place, server, first | case.then)
    operator.use(load(place.config))
    assert (before, case.felt(await _seen(operator, earlier))) == case.expected


@pytest.mark.parametrize("key", ["READ_ONLY", "WALL"])
async def test_what_a_reload_has_closed_no_reload_opens(
    place: Place, serve: Serve, key: str
) -> None:
    server = serve()
    _write(place, server, _FIRST)
    operator = place.operator()
    earlier = await planned(operator, RESTART)
    for value in ("true", "false"):
        _write(place, server, _FIRST | {key: value})
        operator.use(load(place.config))
        assert (await _seen(operator, earlier)).refused_everywhere() == "read-only"
    assert server.changes == []
