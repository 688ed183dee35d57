"""What the report says of an episode that is not over."""

from dataclasses import replace

from opsconsole.model.remedies.episodes import HeldBack
from opsconsole.model.remedies.rules import HoldCode
from opsconsole.render.automation.report import report
from tests.watcher.remedies.stage import NOW, counting


def test_what_goes_on_says_which_rule_holds_it_back_and_since_when() -> None:
    holds = (
        HeldBack(HoldCode.EVIDENCE, NOW),
        HeldBack(HoldCode.STORM, NOW + 10),
        HeldBack(HoldCode.STORM, NOW + 700),
    )
    held = replace(counting("web", NOW), counting_from=None, counting_to=None, holds=holds)
    said = "\n".join(report((), (held,), NOW - 60, NOW + 900))
    assert "  goes on since 2023-11-14 22:11:49Z: held back by storm since" in said
    assert "since 2023-11-14 22:13:30Z: too much is bad at once" in said


def test_what_counts_down_says_when_it_begins() -> None:
    said = report((), (counting("web", NOW),), NOW - 60, NOW + 10)
    assert said[-1].endswith("restart in 20s")
