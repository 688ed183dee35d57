"""Changing a service by a program: bounded, without a shell, and told as it was."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Operation,
    OperationState,
)
from tests.contents import contents
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState


def _config(argv: str, more: str = "") -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      call:
        it: {{command: {{argv: {argv}, {more or "timeout: 20s"}}}}}
"""


async def _call(place: Place, reason: str = "") -> Operation:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.CALL, "it"))
    return await ended(operator, (await performed(operator, plan, reason)).id)


def _lives(process: int) -> bool:
    """Whether it still runs; what nobody has collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_its_output_and_exit_are_kept(place: Place) -> None:
    place.write(_config("[echo, all, well]"))
    operation = await _call(place)
    assert operation.state is _S.VERIFIED
    assert "output: all well" in operation.evidence


async def test_another_exit_code_fails(place: Place) -> None:
    place.write(_config("[sh, -c, 'echo no disk >&2; exit 3']"))
    operation = await _call(place)
    assert operation.state is _S.FAILED
    assert "exit 3" in operation.summary
    assert "output: no disk" in operation.evidence


async def test_no_shell_and_no_option_comes_in_by_the_reason(place: Place, tmp_path: Path) -> None:
    place.write(_config("[printf, '<%s>', '{reason}']"))
    operation = await _call(place, f"--version; touch {tmp_path}/injected $(id)")
    assert f"output: < --version; touch {tmp_path}/injected $(id)>" in operation.evidence
    assert not (tmp_path / "injected").exists()


async def test_it_gets_a_small_environment_of_its_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "canary-7f3a")
    place.write(_config("[env]", "env: {MODE: quick}"))
    operation = await _call(place, "load")
    names = {
        line.removeprefix("output: ").split("=")[0] for line in operation.evidence if "=" in line
    }
    assert names <= {"PATH", "LANG", "HOME", "OPS_SERVICE", "OPS_ACTION", "OPS_REASON", "MODE"}
    assert "output: OPS_REASON=load" in operation.evidence
    assert b"canary-7f3a" not in b"".join(contents(place.state).values())


async def test_a_flood_with_escape_codes_is_bounded_and_harmless(place: Place) -> None:
    place.write(
        _config("[sh, -c, 'head -c 20000000 /dev/zero; printf \"\\n\\033]52;c;aGk=\\007end\\n\"']")
    )
    operation = await _call(place)
    assert operation.state is _S.VERIFIED
    assert sum(len(line) for line in operation.evidence) < 10_000
    assert "output: \u241b]52;c;aGk=\u2407end" in operation.evidence


async def test_at_its_limit_the_whole_group_is_ended_and_the_outcome_unknown(
    place: Place, tmp_path: Path
) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/child; wait"
    place.write(_config(f"[sh, -c, '{script}']", "timeout: 500ms"))
    operation = await _call(place)
    assert operation.state is _S.INCONCLUSIVE
    assert "ended after its limit" in operation.summary
    assert not _lives(int((tmp_path / "child").read_text()))


async def test_a_daemon_that_holds_the_output_is_not_waited_for(
    place: Place, tmp_path: Path
) -> None:
    place.write(_config(f"[sh, -c, 'sleep 1000 & echo $! > {tmp_path}/child; echo started']"))
    operation = await _call(place)
    child = int((tmp_path / "child").read_text())
    assert _lives(child)
    os.kill(child, 9)
    assert operation.state is _S.VERIFIED


async def test_a_program_that_is_not_there_is_refused(place: Place) -> None:
    place.write(_config("[no-such-program]"))
    operator = place.operator()
    answer = await operator.plan(ActionRequest("web", ActionKind.CALL, "it"), None)
    assert refused(answer) == "cannot-look"


async def test_a_program_that_was_replaced_after_the_plan_is_not_run(
    place: Place, tmp_path: Path
) -> None:
    program = tmp_path / "deploy"
    program.write_text("#!/bin/sh\necho planned\n")
    program.chmod(0o700)
    place.write(_config(f"[{program}]"))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.CALL, "it"))
    program.write_text("#!/bin/sh\necho another one\n")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "program file was" in operation.summary


async def test_without_anything_to_look_at_a_restart_is_inconclusive(place: Place) -> None:
    place.write(
        _config("['true']").replace("call:\n        it:", "restart:").replace("20s}}", "20s}}")
    )
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    assert "inconclusive" in plan.verification[0]
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.INCONCLUSIVE
    assert operation.steps[0].state == "done"


@pytest.mark.parametrize("loose", ["program", "bin", "work"])
async def test_a_program_or_folder_that_others_may_write_is_refused(
    place: Place, tmp_path: Path, loose: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    program = tmp_path / "bin" / "program"
    program.write_text("#!/bin/sh\n")
    places = {"program": program, "bin": program.parent, "work": tmp_path / "work"}
    for each in places.values():
        each.chmod(0o755)
    place.write(_config(f"[{program}]", f"cwd: {tmp_path}/work"))
    request = ActionRequest("web", ActionKind.CALL, "it")
    await planned(place.operator(), request)
    places[loose].chmod(0o777)
    answer = await place.operator().plan(request, None)
    assert refused(answer) == "others-may-write"
    assert f"chmod go-w {places[loose]}" in str(answer)


@pytest.mark.parametrize("word", ["backup", "to"])
async def test_a_word_that_stands_for_nothing_is_refused(word: str, place: Place) -> None:
    place.write(_config(f"[echo, --, '{{{word}}}']"))
    request = ActionRequest("web", ActionKind.CALL, "it")
    answer = await place.operator().plan(request, None)
    assert refused(answer) == "cannot-look"
    assert f"{{{word}}} stands for nothing" in str(answer)
    await planned(place.operator(), replace(request, parameters={word: "2"}))
