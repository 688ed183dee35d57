"""From a request to a plan with a driver that sees what the test tells it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    ConfirmLevel,
    Operation,
    OperationState,
    Plan,
    Refusal,
    Step,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.driving.driver import Driver, Outcome, StepOutcome
from opsconsole.operations.planning import planner, policy
from opsconsole.operations.planning.declared import find
from tests.fakes import FakeClock

NOW = 1_700_000_000.0
COMMAND = {"command": ["true"]}
WEB = {
    "instances": ["http://10.0.0.1:80", "http://10.0.0.2:80"],
    "health": "/health",
    "actions": {
        "restart": {"http": {"post": "/restart"}, "auto_rollback": True},
        "rollback": {**COMMAND, "auto_rollback": True},
        "scale": {**COMMAND, "minimum": 2, "maximum": 5},
        "degrade": {**COMMAND, "for": "10m", "recover": COMMAND},
        "backup": {"files": ["data"]},
        "restore": COMMAND,
        "test": {"smoke": COMMAND},
    },
}
BARE = {"actions": {"restart": COMMAND, "backup": COMMAND}}


class Scripted(Driver):
    """Sees one fact, makes as many steps as it is told, and warns of one thing."""

    def __init__(self, steps: int = 2) -> None:
        self.count = steps

    async def observe(self) -> Mapping[str, str]:
        return {"image": "v2"}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        return tuple(
            Step(f"restart {n} of {facts['image']}", "http", "x") for n in range(self.count)
        )

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        return {"image": "v1"}

    def warnings(self) -> tuple[str, ...]:
        return ("mind the gap",)

    async def execute(self, step: Step) -> StepOutcome:
        raise AssertionError("planning changes nothing")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        return StepOutcome(Outcome.UNKNOWN)

    def undo(self) -> str:
        return "by going back"


def settings(**services: Any) -> Settings:
    """The services ``web`` and ``bare``, in production, unless ``services`` says otherwise."""
    return Settings.model_validate(
        {"docker": [], "services": services or {"web": WEB, "bare": BARE}}
    )


async def answer(
    request: ActionRequest,
    known: Settings | None = None,
    past: tuple[Operation, ...] = (),
    steps: int = 2,
) -> Plan | Refusal:
    known = known or settings()
    found = find(known, request.service, request.kind, request.name)
    assert found is not None
    return await planner.make_plan(known, found, request, Scripted(steps), past, FakeClock(NOW))


async def planned(request: ActionRequest, known: Settings | None = None, **more: Any) -> Plan:
    plan = await answer(request, known, **more)
    assert isinstance(plan, Plan), plan
    return plan


RESTART = ActionRequest("web", ActionKind.RESTART, reason="why")


async def test_a_plan_is_about_what_was_observed() -> None:
    plan = await planned(RESTART)
    assert (plan.service, plan.kind, plan.created_at) == ("web", ActionKind.RESTART, NOW)
    assert plan.fingerprint == {"image": "v2"}
    assert plan.goals == {"image": "v1"}
    assert [step.summary for step in plan.steps] == ["restart 0 of v2", "restart 1 of v2"]
    assert (plan.reason, plan.ends_at) == ("why", None)
    assert plan.warnings[-1] == "mind the gap"
    assert (await planned(RESTART)).id != plan.id


async def test_how_it_is_verified_by_what_there_is_to_look_at() -> None:
    web = settings()
    health = "2 copies healthy for 10 s within 300 s of the change, by /health"
    assert (await planned(RESTART)).verification == (health,)
    alone = replace(RESTART, parameters={"instance": web.instance_names("web")[0]})
    (line,) = (await planned(alone)).verification
    assert line.startswith(f"{alone.instance}, and all that is healthy now, healthy for 10 s")
    one = settings(web={**WEB, "instances": ["http://10.0.0.1:80"]})
    assert (await planned(RESTART, one)).verification[0].startswith("1 copy healthy for 10 s")
    smoke = ActionRequest("web", ActionKind.TEST, "smoke")
    assert (await planned(smoke)).verification == ("the call's own answer",)
    (nothing,) = (await planned(ActionRequest("bare", ActionKind.RESTART))).verification
    assert nothing.startswith("nothing: the service has no health probe")


@pytest.mark.parametrize(("instances", "health"), [(["http://10.0.0.1:80"], None), ([], "/health")])
async def test_without_instances_or_a_probe_there_is_no_health_to_look_at(
    instances: list[str], health: str | None
) -> None:
    known = settings(bare={**BARE, "instances": instances, "health": health})
    (line,) = (await planned(ActionRequest("bare", ActionKind.RESTART), known)).verification
    assert line.startswith("nothing: ")


async def test_what_sees_by_itself_or_puts_back_is_verified_by_that() -> None:
    unit = {"actions": {"restart": {"systemd": {"unit": "web.service"}}}}
    files = {"actions": {"backup": {"files": ["data"]}}}
    known = settings(unit=unit, files=files)
    plan = await planned(ActionRequest("unit", ActionKind.RESTART), known)
    assert plan.verification[0].startswith("what was changed is running and healthy for 10 s")
    plan = await planned(ActionRequest("files", ActionKind.RESTORE), known)
    assert plan.verification == (
        "every restored path is in place",
        "not the service's health: it has no health probe",
    )


async def test_a_backup_is_read_back_where_the_console_keeps_it() -> None:
    kept = await planned(ActionRequest("web", ActionKind.BACKUP))
    assert kept.verification == ("the backup is read back and every byte compared",)
    (line,) = (await planned(ActionRequest("bare", ActionKind.BACKUP))).verification
    assert line.startswith("nothing: the console cannot see what was copied")


async def test_a_rollback_by_itself_is_promised_where_there_is_one() -> None:
    plan = await planned(RESTART)
    seconds = settings().operations.rollback_countdown
    assert (plan.auto_rollback, plan.rollback_after) == (True, seconds)
    assert plan.undo.startswith("by going back; unless verified, rolled back by itself ")
    assert not any("auto_rollback" in warning for warning in plan.warnings)
    scale = await planned(ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"}))
    assert (scale.auto_rollback, scale.rollback_after) == (False, 0.0)
    assert scale.undo == "by going back"
    assert scale.warnings == ("mind the gap",)


async def test_a_rollback_by_itself_that_cannot_be_is_warned_of() -> None:
    back = await planned(ActionRequest("web", ActionKind.ROLLBACK))
    assert (back.auto_rollback, back.rollback_after) == (False, 0.0)
    assert "auto_rollback does nothing here: nothing is rolled back after rollback" in back.warnings
    lonely = settings(web={"actions": {"restart": {**COMMAND, "auto_rollback": True}}})
    plan = await planned(RESTART, lonely)
    assert (plan.auto_rollback, plan.undo) == (False, "by going back")
    assert "auto_rollback does nothing here: web declares no rollback" in plan.warnings


async def test_a_lone_target_is_warned_of_when_it_is_restarted() -> None:
    away = "there is one target: the service is away while it restarts"
    lone = settings(web={**WEB, "instances": ["http://10.0.0.1:80"]}, bare=BARE)
    assert away in (await planned(RESTART, lone, steps=1)).warnings
    assert away in (await planned(replace(RESTART, service="bare"), lone, steps=1)).warnings
    assert away not in (await planned(RESTART, lone, steps=2)).warnings
    scale = ActionRequest("web", ActionKind.SCALE, parameters={"to": "3"})
    assert away not in (await planned(scale, steps=1)).warnings
    both = (await planned(RESTART, steps=1)).warnings
    assert away not in both, "two copies are not one target"
    assert "one step restarts every copy (2): all may be away at once" in both
    one = replace(RESTART, parameters={"instance": settings().instance_names("web")[0]})
    alone = (await planned(one, steps=1)).warnings
    assert not any("away" in each for each in alone), "the other copy goes on answering"


@pytest.mark.parametrize("to", ["2", "3", "5"])
async def test_as_many_copies_as_the_bounds_allow(to: str) -> None:
    await planned(ActionRequest("web", ActionKind.SCALE, parameters={"to": to}))


@pytest.mark.parametrize("to", ["", "1", "6", "-3", "3.0", "three", "٣", "30000000000"])
async def test_other_numbers_of_copies_are_refused(to: str) -> None:
    refusal = await answer(ActionRequest("web", ActionKind.SCALE, parameters={"to": to}))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "bad-parameter"


@pytest.mark.parametrize(("duration", "lasts"), [(None, 600.0), (1.0, 1.0), (86400.0, 86400.0)])
async def test_a_degradation_ends(duration: float | None, lasts: float) -> None:
    plan = await planned(ActionRequest("web", ActionKind.DEGRADE, duration=duration))
    assert plan.ends_at == NOW + lasts
    assert plan.undo.startswith("recover: by itself at the end")
    assert planner.request_of(plan, "because").duration == lasts


async def test_what_ends_a_degradation_has_no_end_of_its_own() -> None:
    flags = {"env_file": {"file": "web.env", "set": {"MODE": "reduced"}}, "for": "10m"}
    known = settings(web={"actions": {"degrade": flags}})
    plan = await planned(ActionRequest("web", ActionKind.RECOVER), known)
    assert (plan.ends_at, plan.undo) == (None, "by going back")


def _with_alertmanager() -> Settings:
    return Settings.model_validate(
        {"docker": [], "alertmanager": [{"name": "am", "url": "http://10.0.0.9:9093"}]}
    )


async def test_a_silence_ends_and_is_verified_where_it_is_made() -> None:
    known = _with_alertmanager()
    parameters = silencing.parameters_of(('alertname="Down"',))
    request = ActionRequest("am", ActionKind.SILENCE, duration=60.0, parameters=parameters)
    plan = await planned(request, known)
    assert plan.ends_at == NOW + 60.0
    assert plan.verification == silencing.VERIFICATION
    refusal = await answer(replace(request, parameters={}), known)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "bad-parameter"


@pytest.mark.parametrize("duration", [0.0, -1.0, 86401.0])
async def test_a_degradation_of_no_time_or_more_than_a_day_is_refused(duration: float) -> None:
    refusal = await answer(ActionRequest("web", ActionKind.DEGRADE, duration=duration))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "bad-parameter"
    await planned(replace(RESTART, duration=duration))


async def test_one_instance_alone_is_one_that_there_is() -> None:
    refusal = await answer(replace(RESTART, parameters={"instance": "web-9"}))
    assert isinstance(refusal, Refusal)
    assert refusal.message == "web has no instance web-9"
    assert all(name in refusal.lifted_by for name in settings().instance_names("web"))
    scale = ActionRequest("web", ActionKind.SCALE, parameters={"to": "3", "instance": "web-1"})
    refusal = await answer(scale)
    assert isinstance(refusal, Refusal)
    assert refusal.message == "command cannot scale one instance of web alone"


@pytest.mark.parametrize(
    ("action", "why", "instead"),
    [
        ({"systemd": "web"}, "a unit is changed as a whole", "as a unit of its own"),
        ({"swarm": "web"}, "a Swarm decides itself which tasks run", "the Swarm starts another"),
        ({"pid_file": {"path": "web.pid", "start": ["web"]}}, "one process for all of it",
         "leave the instance out"),
    ],
)  # fmt: skip
async def test_what_knows_no_copies_says_why_and_what_to_do_instead(
    action: dict[str, object], why: str, instead: str
) -> None:
    known = settings(jobs={"actions": {"restart": action}})
    asked = ActionRequest("jobs", ActionKind.RESTART, parameters={"instance": "jobs-2"})
    refusal = await answer(asked, known)
    assert isinstance(refusal, Refusal)
    assert "one instance of jobs alone" in refusal.message
    assert why in refusal.message
    assert instead in refusal.lifted_by


async def test_which_containers_there_are_is_left_to_the_driver() -> None:
    action = {"docker": {"containers": ["worker-1"]}}
    known = settings(jobs={"actions": {"restart": action}})
    request = ActionRequest("jobs", ActionKind.RESTART, parameters={"instance": "worker-1"})
    assert (await planned(request, known)).instance == "worker-1"
    await planned(replace(request, parameters={"instance": "worker-2"}), known)
    bare = ActionRequest("bare", ActionKind.RESTART, parameters={"instance": "a"})
    refusal = await answer(bare)
    assert isinstance(refusal, Refusal)
    assert refusal.lifted_by == "name one of: none is declared"


def _done(state: OperationState, took: float | None, summary: str = "") -> Operation:
    ended = None if took is None else 100.0 + took
    return Operation(
        "op", "plan", "web", ActionKind.RESTART, "", state, "kim", "host", 100.0, 100.0,
        summary=summary, ended_at=ended,
    )  # fmt: skip


async def test_what_it_did_before_is_told() -> None:
    fresh = await planned(RESTART)
    assert (fresh.last_outcome, fresh.usual_duration) == ("", None)
    good, bad = OperationState.VERIFIED, OperationState.FAILED
    past = (_done(bad, 90.0, "it hung"), _done(good, 10.0), _done(good, 20.0), _done(good, None))
    plan = await planned(RESTART, past=past)
    assert plan.last_outcome == "failed by kim: it hung"
    assert plan.usual_duration == 15.0
    plan = await planned(RESTART, past=past[1:2])
    assert (plan.last_outcome, plan.usual_duration) == ("verified by kim", 10.0)


async def test_danger_and_kind_decide_how_it_is_confirmed() -> None:
    plan = await planned(RESTART)
    danger = settings().environment_of("web").danger
    assert plan.danger == danger
    assert plan.confirm is policy.confirm_level(RESTART.kind, danger, plan.effect)
    look = {"actions": {"test": {"smoke": {**COMMAND, "effect": "read"}}}}
    smoke = ActionRequest("web", ActionKind.TEST, "smoke")
    assert (await planned(smoke, settings(web=look))).confirm is ConfirmLevel.CHOICE


def test_a_request_of_a_replayed_moment_says_so() -> None:
    now = Snapshot(1, 50.0)
    assert planner.clean(RESTART).seen_at is None
    assert planner.clean(RESTART, now).seen_at is None
    assert planner.clean(RESTART, replace(now, replayed=True)).seen_at == 50.0


def test_the_words_of_a_request_are_made_safe() -> None:
    dirty = replace(RESTART, reason=" \x1b[31mred\x1b[0m ", parameters={"to": "3\x07"})
    found = planner.clean(dirty)
    assert "\x1b" not in found.reason
    assert found.reason == found.reason.strip() != ""
    assert "\x07" not in found.parameters["to"]
    long = replace(RESTART, reason="x" * (policy.REASON_LIMIT + 1))
    assert planner.clean(long) == long
    assert planner.clean(replace(long, reason="x" * policy.REASON_LIMIT)).reason != ""


async def test_a_plan_answers_the_request_that_it_came_from() -> None:
    request = replace(RESTART, parameters={"override": "yes"})
    assert planner.request_of(await planned(request), "why") == request


def _touching(*instances: str, kind: ActionKind = ActionKind.RESTART) -> Plan:
    steps = tuple(Step(f"restart {name}", "http", name, instance=name) for name in instances)
    return Plan(
        "plan", "web", kind, "", NOW, "production", "high", steps, {}, ConfirmLevel.CHOICE, (), ""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "healthy", "total", "left"),
    [
        (_touching("a"), "ab", 2, 1),
        (_touching("a"), "a", 2, 0),
        (_touching("a"), "b", 2, None),  # a was down before
        (_touching("a", "b"), "ab", 2, 1),  # one at a time
        (_touching("a", "b"), "abc", 3, 2),
        (_touching("a", "b"), "a", 2, None),
        (_touching("a"), "a", 1, None),
        (_touching("a"), "", 2, None),
        (_touching(""), "ab", 2, None),
        (_touching("a", kind=ActionKind.BACKUP), "ab", 2, None),
    ],
)
def test_how_many_instances_stay_healthy(
    plan: Plan, healthy: str, total: int, left: int | None
) -> None:
    assert planner.healthy_left(plan, frozenset(healthy), total) == left
