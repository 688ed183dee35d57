"""Error budgets of 30 days on a real Prometheus that remembers them, beside hand-worked figures."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.demo import binaries
from opsconsole.demo import prometheus as monitoring
from opsconsole.engine.engine import Engine
from opsconsole.model.objectives import Attainment
from tests.engine.conftest import fleet
from tests.servers.fixtures import need

pytestmark = pytest.mark.servers

DAY = 86_400
EVERY = 120
"""Seconds between the samples of the history."""

MONTH = 30 * DAY
BUCKETS = {"0.1": 60, "0.25": 108, "0.5": 120, "+Inf": 120}
"""Requests of two minutes that took at most so many seconds."""


def history(end: int) -> Iterator[str]:
    """OpenMetrics of 30 days and an hour up to ``end``."""
    times = range(end - MONTH - 3600, end + 1, EVERY)
    yield "# TYPE up gauge"
    for job in ("shop", "quiet"):
        for at in times:
            down = job == "shop" and (0 <= end - 10 * DAY - at < 1800 or end - at < 600)
            yield f'up{{job="{job}"}} {0 if down else 1} {at}'
    yield "# TYPE requests counter"
    for job in ("shop", "quiet"):
        good = bad = 0.0
        for at in times:
            share = 0.004 if job == "shop" and end - at < DAY else 0.0
            good, bad = good + 1000 * (1 - share), bad + 1000 * share
            yield f'requests_total{{job="{job}",code="200"}} {good} {at}'
            yield f'requests_total{{job="{job}",code="503"}} {bad} {at}'
    yield "# TYPE latency histogram"
    for number, at in enumerate(times, 1):
        for bound, count in BUCKETS.items():
            yield f'latency_bucket{{job="shop",le="{bound}"}} {count * number} {at}'
        yield f'latency_count{{job="shop"}} {120 * number} {at}'
        yield f'latency_sum{{job="shop"}} {20 * number} {at}'
    yield "# EOF"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[monitoring.MonitoringServer]:
    promtool = binaries.find("promtool")
    need("prometheus", available=promtool is not None)
    folder = tmp_path_factory.mktemp("history")
    end = int(time.time()) // 10 * 10
    text = folder / "history.txt"
    text.write_text("\n".join(history(end)) + "\n", encoding="utf-8")
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    command += ["--max-block-duration=768h", str(text), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    found = monitoring.start_prometheus(folder, retention="60d")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def objectives(server: monitoring.MonitoringServer) -> dict[tuple[str, str], Attainment]:
    """What one look gives, by service and objective."""
    month = "availability 99.9% over 30d"
    labels = {job: {"labels": {"job": job}} for job in ("shop", "quiet")}
    latency = {"histogram": "latency", "unit": "s", **labels["shop"]}
    services = {
        **{
            f"{job}-up": {"availability": {"gauge": "up", **labels[job]}, "objectives": [month]}
            for job in labels
        },
        **{
            f"{job}-requests": {
                "availability": {
                    "total": "requests_total",
                    "failed_labels": {"code": "5.."},
                    **labels[job],
                },
                "objectives": [month],
            }
            for job in labels
        },
        "latency": {
            "metrics": {"latency": latency},
            "objectives": ["p95(latency) < 300ms", "p95(latency) < 1s"],
        },
        "unknown": {"availability": {"gauge": "nowhere"}, "objectives": [month]},
    }
    snapshot = Engine(fleet(services, prometheus={"url": server.url}), base=Path()).look_once()
    assert [each.note for each in snapshot.sources] == [""], snapshot.sources
    return {
        (each.name, one.objective): one for each in snapshot.services for one in each.objectives
    }


def of(found: dict[tuple[str, str], Attainment], service: str) -> Attainment:
    return found[service, "availability 99.9% over 30d"]


def test_scrapes_that_failed_are_spent_from_30_days(
    objectives: dict[tuple[str, str], Attainment],
) -> None:
    shop = of(objectives, "shop-up")
    assert (shop.origin, shop.met) == ("prometheus", True)
    assert shop.seen == pytest.approx(MONTH, rel=0.01)
    # 30 minutes of ten days ago and the last 10: 2400 s of the 2592 s that 0.1 % allows.
    assert shop.actual == pytest.approx(1 - 2400 / MONTH, abs=5e-5)
    assert shop.budget_left == pytest.approx(1 - 2400 / 2592, abs=0.05)
    assert shop.budget_seconds == pytest.approx(192, abs=130)
    # 10 minutes of the last hour, where 3.6 s are allowed.
    assert shop.burn_rate == pytest.approx(600 / 3.6, rel=0.05)
    assert shop.burning == "14.4× over 1h/5m"
    quiet = of(objectives, "quiet-up")
    assert (quiet.actual, quiet.budget_left, quiet.burn_rate, quiet.burning) == (1.0, 1.0, 0.0, "")


def test_failed_requests_burn_over_the_pair_that_is_slow_enough(
    objectives: dict[tuple[str, str], Attainment],
) -> None:
    shop = of(objectives, "shop-requests")
    assert (shop.origin, shop.met) == ("prometheus", True)
    # 0.4 % of one day of 30: 0.0133 % of all.
    assert shop.actual == pytest.approx(1 - 0.004 / 30, abs=1e-5)
    assert shop.budget_left == pytest.approx(1 - 0.004 / 30 / 0.001, abs=0.01)
    # 4 times too fast: less than 14.4 and 6, more than 3 over a day and over two hours.
    assert shop.burning == "3× over 1d/2h"
    assert shop.burn_rate == pytest.approx(4, rel=0.02)
    quiet = of(objectives, "quiet-requests")
    assert (quiet.met, quiet.budget_left, quiet.burning) == (True, 1.0, "")


def test_slow_requests_are_counted_between_the_bounds_of_buckets(
    objectives: dict[tuple[str, str], Attainment],
) -> None:
    found = objectives["latency", "p95(latency) < 300ms"]
    # 108 of 120 within 250 ms, 12 more within 500 ms: 110.4 within 300 ms, 8 % beyond.
    assert found.budget_left == pytest.approx(1 - 0.08 / 0.05, rel=0.02)
    assert found.burning == "1× over 3d/6h"
    assert found.burn_rate == pytest.approx(1.6, rel=0.01)
    assert (found.origin, found.met) == ("prometheus", False)
    # All are within the last finite bound, and so within any target above it.
    wide = objectives["latency", "p95(latency) < 1s"]
    assert (wide.budget_left, wide.burning) == (1.0, "")


def test_series_that_do_not_exist_leave_a_budget_unknown(
    objectives: dict[tuple[str, str], Attainment],
) -> None:
    found = of(objectives, "unknown")
    assert (found.met, found.actual, found.budget_left, found.origin) == (None, None, None, "")
