"""Lines of a report's charts: one measure each, gaps where nothing was known."""

import pytest

from opsconsole.model.past.recording import FleetFigures, ServiceFigures
from opsconsole.model.past.reported import Reported
from opsconsole.model.state import State
from opsconsole.render.incident.charts import chart

BEGAN = 1_700_000_000.0


def line_of(label: str, *figures: ServiceFigures) -> str:
    """The line called ``label`` of a chart with one point for each of its columns."""
    points = tuple(
        FleetFigures(BEGAN + 10 * number, {"api": each}) for number, each in enumerate(figures)
    )
    until = BEGAN + 10 * len(figures)
    incident = Reported("", BEGAN, until, until, figures=points)
    return next((each for each in chart(incident, "api") if each.startswith(label)), "")


def latency(value: float | None, origin: str) -> ServiceFigures:
    return ServiceFigures(State.OK, 0.0, p95=value, origin=origin)


def test_a_probes_time_is_not_drawn_into_the_line_of_a_histogram() -> None:
    figures = [latency(0.8, "search")] * 20 + [latency(0.03, "probe")] * 20
    figures += [latency(0.8, "search")] * 20
    line = line_of("latency", *figures)
    cells = line[9:69]
    assert cells[25:35].strip() == "", "the outage is a gap, not a fall"
    assert cells[:19].strip()
    assert "p95(search)" in line
    assert "of the probes" in line_of("latency", *([latency(0.03, "probe")] * 60))


def test_what_became_unknown_is_not_carried_on() -> None:
    figures = [latency(0.8, "search")] * 30 + [latency(None, "search")] * 30
    cells = line_of("latency", *figures)[9:69]
    assert cells[:29].strip()
    assert cells[31:].strip() == ""


@pytest.mark.parametrize("share", [0.28, 1.0])
def test_the_line_of_errors_says_of_what_and_over_which_time(share: float) -> None:
    figures = [ServiceFigures(State.OK, 0.0, error_rate=share)] * 60
    assert line_of("errors", *figures).endswith("of the looks of 5 min")
