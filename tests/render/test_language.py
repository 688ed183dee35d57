"""The visual language, as far as it can be measured: form beside colour, one glyph for one word."""

import re
from dataclasses import replace
from itertools import combinations

import pytest

from opsconsole.config.themes import read_themes
from opsconsole.model.contrast import READABLE, contrast
from opsconsole.model.series import Trace
from opsconsole.model.snapshot import Snapshot
from opsconsole.render import resources
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.frame import header
from opsconsole.render.ink.cells import Line, Role, plain
from opsconsole.render.ink.chart import GOAL, LABEL_WIDTH, Curve, Plot, chart
from opsconsole.render.service import columns as grid
from opsconsole.render.service.diagnosis import rows as why_rows
from opsconsole.render.service.instances import page as copies_page
from opsconsole.render.service.latency import latency_chart
from opsconsole.render.service.standing import Standing
from opsconsole.render.service.summary import headline
from opsconsole.render.timeline import rows as events
from opsconsole.render.wall.panels import lines as wall_lines
from opsconsole.render.wall.scene import Scene, View
from opsconsole.ui.themes import BUILT_IN, Palette, RoleStyles, palette_of
from tests.ui import fleet

NOW = fleet.NOW
CARRY_FIGURES = (
    Role.TEXT, Role.STRONG, Role.MUTED, Role.STALE, Role.ACCENT, Role.OK, Role.DEGRADED, Role.DOWN,
    Role.UNKNOWN, Role.TRACE, Role.OBJECTIVE, Role.TRACE_OVER, Role.BAR, Role.KEY, Role.KEY_LABEL,
)  # fmt: skip


def palettes() -> list[Palette]:
    shipped = read_themes({}).themes.values()
    return [*BUILT_IN.values(), *map(palette_of, shipped)]


@pytest.mark.parametrize("palette", palettes(), ids=lambda each: each.name)
@pytest.mark.parametrize("role", CARRY_FIGURES)
def test_text_that_carries_a_figure_can_be_read(palette: Palette, role: Role) -> None:
    style = RoleStyles(palette).style(role)
    assert style.color is not None
    assert style.bgcolor is not None
    assert contrast(style.color.name, style.bgcolor.name) >= READABLE


def traces(level: float, rise: float) -> tuple[Trace, ...]:
    middle = fleet.trace(level, rise=rise)
    high = replace(middle, values=tuple(value and value * 1.6 for value in middle.values))
    return middle, high


def cells(drawn: list[Line], rows: int) -> list[list[tuple[str, Role]]]:
    """The cells of the plot, without its labels."""
    out = []
    for line in drawn[:rows]:
        line_cells = [(char, span.role) for span in line for char in span.text]
        out.append(line_cells[LABEL_WIDTH + 2 :])
    return out


@pytest.mark.parametrize("height", [6, 10, 16, 30])
@pytest.mark.parametrize("goal", [0.01, 0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("filled", [True, False])
def test_the_goal_is_seen_in_every_column(height: int, goal: float, filled: bool) -> None:
    for level, rise in ((0.06, 1.8), (0.2, 0.0), (2.0, 0.0)):
        trace, high = traces(level, rise)
        curves = (Curve(high, Role.TRACE_HIGH), Curve(trace, Role.TRACE, filled=filled))
        plot = Plot(curves, NOW, 900.0, goal)
        found = cells(chart(plot, 80, height), height - 2)
        assert any(
            all(role is Role.OBJECTIVE and char != " " for char, role in row)
            and len(row) == 80 - LABEL_WIDTH - 2
            for row in found
        )


def test_what_is_filled_above_the_goal_differs_by_form() -> None:
    trace, _ = traces(0.06, 1.8)
    plot = Plot((Curve(trace, Role.TRACE, filled=True),), NOW, 900.0, 0.3)
    found = cells(chart(plot, 80, 20), 18)
    at = next(number for number, row in enumerate(found) if any(char == GOAL for char, _ in row))
    above = {char for row in found[:at] for char, role in row if char != " "}
    below = {char for row in found[at + 1 :] for char, _ in row}
    assert chr(0x28FF) in below
    assert chr(0x28FF) not in above
    assert {role for row in found[:at] for char, role in row if char != " "} == {Role.TRACE_OVER}


def test_series_of_one_chart_differ_by_form() -> None:
    trace, _ = traces(0.1, 1.0)
    shapes = {}
    for name, curve in {
        "p50": Curve(trace, Role.TRACE_LOW),
        "p99": Curve(trace, Role.TRACE_HIGH, dotted=True),
        "area": Curve(trace, Role.TRACE, filled=True),
    }.items():
        shapes[name] = plain(chart(Plot((curve,), NOW, 900.0), 80, 12))
    for one, other in combinations(shapes, 2):
        assert shapes[one] != shapes[other]


def test_the_dotted_series_is_that_of_p99() -> None:
    service = fleet.on_fire().services[2]
    legend = plain(latency_chart(service, fleet.on_fire(), 100, 20, NOW, 900.0, full=True))
    assert "⠁" in legend or "⠈" in legend or any(0x2800 < ord(char) < 0x28FF for char in legend)


def everything(snapshot: Snapshot) -> str:
    """Every list and page that names states, as text."""
    out: list[Line] = []
    for width in (80, 120, 200):
        out.append(header.top(snapshot, snapshot.environment, width, NOW))
        context = grid.Context(NOW, 900.0, {})
        out += [grid.row(each, grid.columns_for(width), context) for each in snapshot.services]
        out += [alerts.row(each, width, NOW).line for each in snapshot.alerts]
        out += [events.row(each, width, NOW).line for each in snapshot.events]
        out += [row.line for row in resources.rows(snapshot, width, NOW)]
        for each in snapshot.services:
            out += headline(each, width, NOW)
            out += [row.row.line for row in why_rows(each, snapshot, width, 30, NOW, 900.0)]
            out += [row.row.line for row in copies_page(each, snapshot, width, NOW)]
        for view in View:
            if view is not View.BLIND:
                scene = Scene(snapshot, snapshot.environment, NOW, NOW, view=view)
                out += wall_lines(scene, width, 24)
    return plain(out)


GLYPHS = {each.value: each.glyph for each in Standing}


@pytest.mark.parametrize("scene", [fleet.on_fire, fleet.stale, fleet.calm])
def test_a_word_for_a_state_always_has_its_own_glyph(scene) -> None:  # type: ignore[no-untyped-def]
    said = everything(scene())
    pattern = re.compile(r"([✖▲△◌?●○]) (?:\d+ )?(down|degraded|missed|stale|unknown|ok)\b", re.I)
    found = {(word.lower(), glyph) for glyph, word in pattern.findall(said)}
    assert found
    assert dict(found) == {word: GLYPHS[word] for word, _ in found}
    assert all(GLYPHS[word] == glyph for word, glyph in found)


HUES = {
    Role.DOWN: "down", Role.BAR_DOWN: "down", Role.DEGRADED: "degraded",
    Role.BAR_DEGRADED: "degraded", Role.TRACE_OVER: "degraded", Role.OK: "ok", Role.BAR_OK: "ok",
    Role.BIG_OK: "ok", Role.UNKNOWN: "unknown", Role.BAR_UNKNOWN: "unknown",
    Role.ACCENT: "accent", Role.TITLE_FOCUSED: "accent", Role.TRACE: "accent",
}  # fmt: skip
"""The hue of a role; the environment's badge is a place, and no state."""


def test_a_calm_table_has_two_hues_at_most() -> None:
    snapshot = replace(fleet.calm(), alerts=())
    context = grid.Context(NOW, 900.0, {})
    lines = [header.top(snapshot, snapshot.environment, 120, NOW)]
    lines += [grid.row(each, grid.columns_for(120), context) for each in snapshot.services]
    lines.append(header.sources(snapshot, 120, NOW))
    assert {HUES[span.role] for line in lines for span in line if span.role in HUES} <= {
        "ok", "accent",
    }  # fmt: skip
