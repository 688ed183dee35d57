"""Times in the zone that is shown: one way to write them, and one place that knows the zone."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole import zones
from opsconsole.cli.main import main
from opsconsole.config.settings import Settings
from opsconsole.engine.logs.export import as_text
from opsconsole.model.logs import LogLevel, LogLine
from opsconsole.model.written.typed_time import moment_of
from opsconsole.render.ink import figures

SOURCE = Path(zones.__file__).parent
SUMMER = datetime(2026, 7, 1, 22, 30, 5, 123_000, tzinfo=UTC).timestamp()
WINTER = datetime(2026, 12, 1, 22, 30, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "at", "said"),
    [
        ("utc", SUMMER, "2026-07-01 22:30:05Z"),
        ("Europe/Berlin", SUMMER, "2026-07-02 00:30:05+02:00"),
        ("Europe/Berlin", WINTER, "2026-12-01 23:30:05+01:00"),
        ("Asia/Kolkata", WINTER, "2026-12-02 04:00:05+05:30"),
        ("America/St_Johns", WINTER, "2026-12-01 19:00:05-03:30"),
    ],
)
def test_a_moment_is_written_in_the_zone_with_its_offset(zone: str, at: float, said: str) -> None:
    zones.show_in(zone)
    assert zones.written(at) == said
    assert said == f"{figures.date(at)} {figures.zoned(at)}"
    assert figures.fine_clock(at).startswith(figures.clock(at))


def test_the_machines_own_zone_is_the_one_of_the_machine() -> None:
    program = (
        "from opsconsole import zones\n"
        f"zones.show_in('local'); print(zones.written({SUMMER}), zones.written({WINTER}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": "America/New_York"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [
        "2026-07-01", "18:30:05-04:00", "2026-12-01", "17:30:05-05:00",
    ]  # fmt: skip


@given(st.floats(1e9, 2e9), st.sampled_from(["utc", "local", "Europe/Berlin", "Asia/Kolkata"]))
def test_what_is_typed_as_it_is_shown_means_the_same(at: float, zone: str) -> None:
    zones.show_in(zone)
    assert moment_of(zones.written(at), at + 5) == pytest.approx(at, abs=1)
    assert moment_of(figures.zoned(at), at + 5) == pytest.approx(at, abs=1)
    assert moment_of(zones.exported(at), at + 5) == pytest.approx(at, abs=0.001)


def test_a_time_of_day_is_meant_in_the_zone_that_is_shown() -> None:
    zones.show_in("Europe/Berlin")
    assert moment_of("00:30", SUMMER) == SUMMER - 5.123
    assert moment_of("22:30Z", SUMMER) == SUMMER - 5.123
    assert moment_of("2026-07-02 00:30", SUMMER) == SUMMER - 5.123


def test_exports_are_in_utc_and_say_so() -> None:
    zones.show_in("Europe/Berlin")
    line = as_text(LogLine("a", 1, SUMMER, LogLevel.INFO, "x"))
    assert line.startswith("2026-07-01T22:30:05.123Z ")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("utc", "utc"), ("UTC", "utc"), ("Local", "local"), ("Europe/Berlin", "Europe/Berlin")],
)
def test_the_configuration_names_the_zone(written: str, meant: str) -> None:
    assert Settings.model_validate({"display": {"time": written}}).display.time == meant


def test_a_zone_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("display: {time: Mars/Olympus}\n")
    path.chmod(0o600)
    assert main(["services", "--config", str(path)]) == 78
    assert "write utc, local, or a name such as Europe/Berlin" in capsys.readouterr().err


WRITES = re.compile(r"\.strftime\(|fromtimestamp\(|\.isoformat\(|gmtime\(|localtime\(|\.ctime\(")
ALLOWED = {
    "zones.py": "knows the zone",
    "render/ink/figures.py": "writes what zones.py gives it, in fixed widths",
    "model/written/typed_time.py": "reads what a person types",
    "sources/logs/stamps.py": "reads what logs write",
    "engine/judge/rule_templates.py": "writes what Prometheus writes",
    "operations/backups/store.py": "names folders",
    "operations/drivers/pid_file.py": "a fact of a plan, compared by another process",
    "operations/drivers/command.py": "a fact of a plan, compared by another process",
    "operations/drivers/alertmanager.py": "what Alertmanager is sent",
    "operations/drivers/kubernetes/restart.py": "what a cluster is sent",
    "sources/logs/kubernetes.py": "what a cluster is asked",
    "model/written/hours.py": "reads hours of the week in the zone that they are written for",
    "watcher/notify/ways/alertmanager.py": "what Alertmanager is sent",
}


def test_times_are_written_in_one_place() -> None:
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if WRITES.search(path.read_text()) and "demo" not in path.parts
    }
    assert found == set(ALLOWED)


def test_no_text_calls_a_shown_time_utc() -> None:
    for path in (*SOURCE.glob("render/**/*.py"), *SOURCE.glob("ui/**/*.py")):
        for line in path.read_text().splitlines():
            assert not re.search(r"\{[^{}]*(?:clock|when)\([^{}]*\}Z", line), f"{path}: {line}"


@pytest.mark.parametrize(
    "at", [1.7e308, -1.7e308, float("inf"), float("nan"), 253_402_300_799.0, -62_135_596_800.0]
)
@pytest.mark.parametrize("zone", ["utc", "local", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_moment_that_no_calendar_has_is_shown_as_the_nearest(at: float, zone: str) -> None:
    zones.show_in(zone)
    year = 9999 if at > 0 else 1
    assert zones.shown_at(at).year == year
    assert zones.written(at)
    assert zones.exported(at)[:4] == f"{year:04d}"
