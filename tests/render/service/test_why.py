"""The sentence of a row, beside what is being done about it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.service.why import sentence, why, why_beside
from tests.ui import fleet

SERVICES = {each.name: each for each in fleet.on_fire().services}
DOING = "▶ call clear_old_indices 40s of about 2m00s by ana@bastion-2"


@given(st.sampled_from(["ai-service", "elasticsearch", "oatie"]), st.integers(12, 160))
def test_a_call_under_way_cuts_no_cause(name: str, width: int) -> None:
    alone = why(SERVICES[name], width)
    line = why_beside(SERVICES[name], DOING, width)
    assert line_width(line) <= width
    said = line[0].text
    assert said == alone or "…" not in said


def test_what_is_done_is_told_where_there_is_room() -> None:
    assert DOING in plain([why_beside(SERVICES["elasticsearch"], DOING, 160)])
    assert "▶" in plain([why_beside(SERVICES["elasticsearch"], DOING, 40)])


def test_a_change_that_does_not_fit_takes_nothing_else_away() -> None:
    change = Fact(FactCode.CONFIGURATION_CHANGED, after="command, readiness probe, resources")
    loop = Fact(
        FactCode.CRASH_LOOP, subject="web-7f9", count=3, figure=3.0, limit=18.0, because=(change,)
    )
    whole = "web-7f9 restarts in a loop, ×3 in 18s, exit 3"
    assert sentence(loop, 200).startswith(f"{whole} since ")
    assert sentence(loop, 60) == whole
    assert sentence(loop, 40) == "web-7f9 restarts in a loop, ×3 in 18s"


def test_a_copy_that_its_reason_names_is_named_once() -> None:
    fails = Fact(
        FactCode.PROBE_FAILS, None, "web-2", after="pod web-2 died, exit 3", figure=1.0, limit=2.0
    )
    assert sentence(fails, 80) == "pod web-2 died, exit 3"
    assert sentence(replace(fails, subject="web"), 80) == "web: pod web-2 died, exit 3"
