"""The menu of actions: what is blocked says why, in whole."""

import pytest

from opsconsole.model.operation import ActionKind, ActionView, Refusal
from opsconsole.render.forms.actions import about_lines
from opsconsole.render.ink.cells import line_width, plain

WHY = "a deploy ended 12 min ago by kim and is still being watched until its objectives hold again"


@pytest.mark.parametrize("width", [40, 76, 110])
def test_a_reason_is_never_cut(width: int) -> None:
    refusal = Refusal("recent-change", WHY, "wait until 09:24Z, or --override with a reason")
    view = ActionView(ActionKind.ROLLBACK, "rollback", "docker", "go back", refusal=refusal)
    lines = about_lines(view, width)
    assert all(line_width(line) <= width for line in lines)
    said = " ".join(plain(lines).split())
    assert f"blocked: {WHY}" in said
    assert "lifted by: wait until 09:24Z, or --override with a reason" in said


@pytest.mark.parametrize("summary", ["restart by command", "start it again", "go by commander"])
def test_by_what_it_is_done_is_said_once(summary: str) -> None:
    said = plain(about_lines(ActionView(ActionKind.RESTART, "", "command", summary), 90))
    assert said.split().count("command") == 1
    assert said.strip().endswith("by command")
