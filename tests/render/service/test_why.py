"""The sentence of a row, beside what is being done about it."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.service.why import why, why_beside
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
