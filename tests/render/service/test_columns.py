"""The columns of the services table: what gives way to what, and how old figures look."""

from dataclasses import replace

import pytest

from opsconsole.model.snapshot import Reporting
from opsconsole.model.state import State
from opsconsole.render.ink.cells import Line, Role, line_width, plain
from opsconsole.render.service import columns as grid
from opsconsole.render.service.table import Sort
from tests.ui import fleet

NOW = fleet.NOW


def text(line: Line) -> str:
    return plain([line])


def shown(width: int, name: int = 13) -> dict[str, int]:
    return {column.id: column.width for column in grid.columns_for(width, name)}


def context(**doing: str) -> grid.Context:
    return grid.Context(NOW, 900.0, {}, doing)


@pytest.mark.parametrize("name", range(1, 41))
def test_why_has_room_and_never_less_of_it_on_a_wider_screen(name: int) -> None:
    before = 0
    for width in range(60, 320):
        why = shown(width, name)["why"]
        assert why >= before, width
        assert width < 80 or why >= 40, width
        assert width < 120 or why >= 45, width
        before = why


@pytest.mark.parametrize("name", [8, 13, 20, 28])
def test_a_figure_that_has_come_stays_on_a_wider_screen(name: int) -> None:
    before: set[str] = set()
    for width in range(60, 320):
        here = set(shown(width, name))
        assert here >= before, width
        before = here


def test_what_gives_way_first_comes_last() -> None:
    order = ["p95", "errors", "requests", "spark", "version", "cpu", "memory", "p50", "p99"]
    for width in range(60, 320):
        here = set(shown(width))
        assert {"state", "service", "for", "copies", "why"} <= here, width
        there = [each in here for each in order]
        assert there == sorted(there, reverse=True), width
        assert "version" not in here or shown(width)["why"] >= 60, width


@pytest.mark.parametrize("longest", [5, 24, 60])
def test_columns_fill_the_width(longest: int) -> None:
    services = fleet.hostile().services
    for width in range(60, 260, 3):
        columns = grid.columns_for(width, longest)
        assert line_width(grid.header(columns, Sort.STATE)) in {width, width - 1}
        for service in services:
            assert line_width(grid.row(service, columns, context())) in {width, width - 1}, width


def test_figures_of_what_does_not_answer_are_marked_as_old() -> None:
    columns = grid.columns_for(200)
    down, degraded, stale = fleet.burning_services()[2], fleet.burning_services()[7], None
    stale = next(each for each in fleet.burning_services() if each.stale)
    assert (down.name, degraded.name) == ("ai-service", "oatie")
    assert "~1.8s" in text(grid.row(down, columns, context()))
    assert "~" not in text(grid.row(degraded, columns, context()))
    assert "~384ms" in text(grid.row(stale, columns, context()))
    assert "?/1" in text(grid.row(stale, columns, context()))
    old = [span for span in grid.row(down, columns, context()) if "~1.8s" in span.text]
    assert old[0].role is Role.STALE


def test_no_errors_are_a_blank_and_unknown_ones_a_dash() -> None:
    column = next(each for each in grid.columns_for(160) if each.id == "errors")
    well = fleet.service("a", (State.OK,), 0.1)
    assert column.cell(well, context(), column.width).text == ""
    unknown = replace(well, error_rate=None)
    assert column.cell(unknown, context(), column.width).text == "–"
    some = replace(well, error_rate=0.041)
    assert column.cell(some, context(), column.width).text == "4.1%"


def test_what_is_done_stands_behind_the_reason_and_never_hides_it() -> None:
    service = fleet.service("a", (State.DOWN,), 0.1, reason="out of memory ×3, limit 4G")
    columns = grid.columns_for(80)
    row = text(grid.row(service, columns, context(a="▶ restart 12s by ops@bastion-2")))
    assert "out of memory ×3" in row
    assert "▶ restart" in row
    assert row.index("out of memory") < row.index("▶ restart")


def test_a_long_name_keeps_both_of_its_ends() -> None:
    service = fleet.service("ai-embeddings-europe-canary", (State.OK,), 0.1)
    row = text(grid.row(service, grid.columns_for(80, 27), context()))
    assert " ai-emb" in row
    assert "canary " in row


def test_a_sum_that_not_all_copies_report_says_at_least() -> None:
    columns = grid.columns_for(200, chosen=("cpu", "memory"))
    known = replace(fleet.service("a", (State.OK,), 0.1), cpu=0.35, memory=3 << 20)
    some = replace(known, reporting=Reporting(cpu=1, memory=3, running=3))
    shown_of = [plain([grid.row(each, columns, context())]) for each in (known, some)]
    assert ["≥35%" in each for each in shown_of] == [False, True]
    assert all(" 3.0M" in each for each in shown_of)
