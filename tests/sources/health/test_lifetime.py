"""How long a service has run, in the forms in which bodies say it."""

import pytest

from opsconsole.sources.health.figures import readable
from opsconsole.sources.health.lifetime import Lifetime, lifetime_in
from opsconsole.sources.strict_json import Json


@pytest.mark.parametrize(
    ("body", "uptime", "started"),
    [
        ({"uptime": 86400}, 86400.0, None),
        ({"uptime_seconds": 5}, 5.0, None),
        ({"uptimeInSeconds": 14355}, 14355.0, None),
        ({"uptime_ms": 5000}, 5.0, None),
        ({"uptimeMillis": 5000}, 5.0, None),
        ({"uptime": "26.102s"}, 26.102, None),
        ({"uptime_current_epoch": "360s"}, 360.0, None),
        ({"up": "14m45.9s"}, 885.9, None),
        ({"up": 1}, None, None),
        ({"up": "3 days"}, 259200.0, None),
        ({"uptime": "PT1H2M3.5S"}, 3723.5, None),
        ({"uptime": "P1DT1H"}, 90000.0, None),
        ({"uptime": "1 day, 2:03:04"}, 93784.0, None),
        ({"uptime": "3h2m1s"}, 10921.0, None),
        ({"uptime": "5 days 3 hours"}, 442800.0, None),
        ({"uptime": "1.02:03:04.5"}, 93784.5, None),
        ({"uptime": "forever"}, None, None),
        ({"uptime": ""}, None, None),
        ({"uptime": True}, None, None),
        ({"startedAt": "2024-05-01T10:00:00Z"}, None, 1714557600.0),
        ({"started": 1714557600123}, None, 1714557600.123),
        ({"start_time": 1714557600}, None, 1714557600.0),
        ({"upSince": "2024-05-01T10:00:00.123456789Z"}, None, 1714557600.123456),
        ({"started": True}, None, None),
        (
            {"a": {"started_at": "2024-05-02T10:00:00Z"}, "startTime": "2024-05-01 10:00:00+00:00"},
            None,
            1714557600.0,
        ),
        ({"runtime": {"uptime": 1500.0}}, 1500.0, None),
        ({"process": {"uptime": 12.25}}, 12.25, None),
        ({"startTime": "2024-05-01T10:00:00.1234Z"}, None, 1714557600.1234),
        ({"node": {"uptime": 9}, "uptime": 5}, 5.0, None),
        ({"uptime": "2 minutes and 3 seconds"}, 123.0, None),
        ({"uptime": "26ms"}, None, None),
        ({"uptime_human": "3 days"}, None, None),
        ({"startupTime": 1234}, None, None),
        ({"uptime": 0.1234567890123456}, 0.1234567890123456, None),
        ({"uptime": 1.5e-05}, 0.000015, None),
    ],
)
def test_what_a_body_says_of_its_run(
    body: Json, uptime: float | None, started: float | None
) -> None:
    found = lifetime_in(readable(body))
    assert found.uptime == pytest.approx(uptime)
    assert found.started == pytest.approx(started)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Uptime: 5 days", Lifetime(uptime=432_000.0)),
        ("process_start_time_seconds 1.7145576e+09", Lifetime(started=1_714_557_600.0)),
        ("status: ok\nuptime: 3h", Lifetime(uptime=10_800.0)),
        ("up and running", Lifetime()),
    ],
)
def test_what_a_text_says_of_its_run(text: str, found: Lifetime) -> None:
    assert lifetime_in(text) == found
