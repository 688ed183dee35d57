"""What a person decides a plan by: figures that are so, nothing promised that is not known."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    ConfirmLevel,
    Effect,
    OperationState,
    Plan,
    Step,
    StepResult,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.forms import decision
from opsconsole.render.forms import plan as render
from opsconsole.render.forms.decision import Setting
from opsconsole.render.ink.cells import line_width, plain
from tests.ui import fleet
from tests.ui.fake_engine import a_plan, an_operation

OK, DOWN = State.OK, State.DOWN
NAME = ConfirmLevel.TYPED_NAME


def restart(*copies: int) -> Plan:
    made = a_plan(ActionRequest("web", ActionKind.RESTART, ""), NAME)
    return replace(made, steps=tuple(made.steps[number - 1] for number in copies))


def setting(*states: State) -> Setting:
    needing = fleet.service("gateway", (OK,), 0.1, needs=("web",))
    snapshot: Snapshot = replace(
        fleet.calm(), services=(fleet.service("web", states, 0.1), needing)
    )
    return Setting.of(snapshot, "web")


@pytest.mark.parametrize(
    ("copies", "states", "said"),
    [
        ((1, 2, 3), (DOWN, DOWN, DOWN), "nobody more than now: no copy is well"),
        ((1,), (DOWN,), "nobody more than now: no copy is well"),
        ((1,), (State.UNKNOWN,), "nobody more than now: no copy is known to be well"),
        ((1,), (DOWN, State.UNKNOWN), "nobody more than now: no copy is known to be well"),
        ((1,), (DOWN, OK), "nobody more than now: 1 of 2 copies is well"),
        ((1,), (DOWN, OK, DOWN), "nobody more than now: 1 of 3 copies is well"),
        ((1,), (DOWN, OK, OK), "nobody more than now: 2 of 3 copies are well"),
        ((1, 2, 3), (OK, OK, OK),
         "nobody, if 2 of 3 copies carry the load: one at a time is away"),
        ((2,), (DOWN, OK, DOWN), "everybody who uses it: no copy answers while it is done"),
        ((1, 2), (OK, DOWN, DOWN), "everybody who uses it: no copy answers while it is done"),
    ],
)  # fmt: skip
def test_who_is_hit(copies: tuple[int, ...], states: tuple[State, ...], said: str) -> None:
    assert decision.who_is_hit(restart(*copies), setting(*states)) == f"{said}; gateway needs it"


@pytest.mark.parametrize("driver", ["swarm", "kubernetes"])
def test_who_is_hit_by_what_replaces_copies_by_its_own_strategy(driver: str) -> None:
    made = restart(1)
    rolling = replace(
        made, steps=tuple(replace(each, driver=driver, instance="") for each in made.steps)
    )
    said = "nobody, if fewer than 3 copies carry the load: they are replaced as its strategy has it"
    assert decision.who_is_hit(rolling, setting(OK, OK, OK)) == f"{said}; gateway needs it"
    alone = decision.who_is_hit(rolling, setting(OK))
    assert alone.startswith("everybody who uses it")


def test_the_sentence_has_the_figures() -> None:
    three = setting(OK, OK, OK)
    assert decision.sentence(restart(1, 2, 3), three) == (
        "restart 3 of 3 copies of web, one after the other, about 42 s."
    )
    assert decision.sentence(restart(2), three) == "restart 1 of 3 copies of web, about 42 s."
    back = a_plan(ActionRequest("web", ActionKind.ROLLBACK, ""), NAME)
    assert decision.sentence(back, three) == (
        "v1.5.0 → v1.4.2 on 3 of 3 copies of web, one after the other, about 42 s."
    )
    assert decision.choice(back) == "roll back 3 copies"


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("driver", ["docker", "command"])
def test_what_is_not_known_is_called_so(kind: ActionKind, driver: str) -> None:
    step = Step("do it", driver, "target")
    plan = replace(restart(1), kind=kind, steps=(step,), undo="", verification=())
    lost = decision.what_is_lost(plan)
    assert lost
    assert decision.who_is_hit(plan, Setting())
    assert decision.sentence(plan, Setting())
    assert "inconclusive" in decision.good_when(plan)
    if driver == "command" and kind in {ActionKind.RESTART, ActionKind.ROLLBACK, ActionKind.CALL}:
        assert "not known" in lost
    reading = replace(plan, effect=Effect.READ)
    assert decision.who_is_hit(reading, Setting()) == "nobody: it only reads"


def test_ids_have_twelve_digits_and_names_all_of_theirs() -> None:
    long = "sha256:" + "3f2a9c17b0de" + "0" * 52
    assert decision.short_ids(f"at {long}, of web-1") == "at 3f2a9c17b0de, of web-1"
    assert decision.short_ids("3f2a9c17b0de and deadbeef") == "3f2a9c17b0de and deadbeef"
    plan = replace(restart(1), fingerprint={"id": long})
    assert "3f2a9c17b0de0" not in plain(render.calls(plan, 90))
    assert "3f2a9c17b0de" in plain(render.calls(plan, 90))


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "type ai-service"), ("ai", "8 to go"), ("ai-service", "● as it should be"),
     ("ai-search", "✖ that is ai-search"), ("ai-sx", "✖ not ai-service"),
     ("ai-service2", "✖ not ai-service")],
)  # fmt: skip
def test_a_name_is_answered_letter_by_letter(typed: str, said: str) -> None:
    assert said in decision.name_answer(typed, "ai-service", ["ai-search", "ai-service"]).text


@pytest.mark.parametrize("height", range(7, 40))
@pytest.mark.parametrize("width", [50, 76, 96])
def test_a_plan_takes_the_lines_that_there_are(width: int, height: int) -> None:
    plan = replace(
        restart(1, 2, 3), context=("last verified backup: 3 d old",), ends_at=None,
        warnings=("one long warning " * 6, "another", "a third"),
    )  # fmt: skip
    lines = render.lines(plan, setting(OK, OK, DOWN), width, height, fleet.NOW)
    assert all(line_width(line) <= width for line in lines)
    assert len(lines) <= max(height, 8)
    said = plain(lines)
    for label in ("who is hit", "what is lost", "undone by", "good when", "▲ one long warning"):
        assert label in said
    assert "a third" in said or "+2 more: v" in said


def test_some_copies_or_all_can_be_asked_for() -> None:
    request = ActionRequest("web", ActionKind.RESTART, "", parameters={"override": "yes"})
    assert decision.with_copies(request, ["web-1"], 3) == {"override": "yes", "instance": "web-1"}
    assert decision.with_copies(request, ["web-1", "web-2", "web-3"], 3) == {"override": "yes"}
    assert isinstance(decision.with_copies(request, [], 3), str)
    two = {"override": "yes", "instance": "web-1,web-2"}
    assert decision.with_copies(request, ["web-1", "web-2"], 3) == two
    usual = ActionRequest("web", ActionKind.RESTART, "", parameters={"copies": "usual"})
    assert decision.with_copies(usual, ["web-1"], 3) == {"instance": "web-1"}
    assert decision.with_copies(usual, ["web-1", "web-2", "web-3"], 3) == {}


def test_a_command_is_a_sentence_with_its_line_below() -> None:
    line = "/opt/platform/bin/restart-everything --config=/etc/platform/web.yaml --graceful"
    step = Step(f"run {line}", "command", "/opt/platform/bin/restart-everything")
    made = replace(restart(1), steps=(step,), usual_duration=None)
    assert decision.sentence(made, setting(OK)) == (
        "restart web by the command restart-everything."
    )
    shown = plain(render.lines(made, setting(OK), 96, 40, fleet.NOW))
    assert shown.index("restart web by") < shown.index(line) < shown.index("who is hit")
    assert plain(render.calls(made, 96)).count("restart-everything") == 1
    again = plain(render.lines(made, setting(OK), 96, 8, fleet.NOW))
    assert "--graceful" not in again, "the calls are one key away"


@pytest.mark.parametrize("later", [0.0, 1.0, 59.0])
def test_how_long_it_lasts_is_one_figure_however_long_the_plan_is_read(later: float) -> None:
    made = replace(restart(1), created_at=fleet.NOW, ends_at=fleet.NOW + 4 * 3600)
    shown = plain(render.lines(made, setting(OK), 96, 40, fleet.NOW + later))
    assert "by itself after 4h, at " in shown
    assert "3h59m" not in shown


def test_nothing_of_a_verdict_stands_twice() -> None:
    run = an_operation(restart(1, 2), OperationState.FAILED)
    said = "POST /restart at web-1: HTTP 500 in 0.1 s"
    run = replace(
        run,
        summary=said,
        steps=(StepResult("POST /restart at web-1", "failed", "HTTP 500 in 0.1 s"),),
        evidence=(said, said, "web-1: down", "web-1: down"),
    )
    assert render.unsaid(run) == ["web-1: down"]
    shown = plain(render.operation(run, 96, fleet.NOW))
    assert shown.count("HTTP 500") == 1
    assert shown.count("web-1: down") == 1
