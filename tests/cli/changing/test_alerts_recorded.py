"""``opsconsole alerts`` of a rule with ``for``: one look cannot know since when it holds."""

import json
import time
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.config.loader import load
from opsconsole.engine.recording.place import place_of
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import LOCAL

LABELS = {"alertname": "ApiDown", "service": "api", "severity": "critical"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rule = {"name": "ApiDown", "when": "state == down", "for": "1m", "severity": "critical"}
    settings = {
        "docker": [],
        "host": {"enabled": False},
        "state_dir": str(tmp_path / "state"),
        "services": {"api": {"instances": ["http://127.0.0.1:1"], "alerts": [rule]}},
    }
    path = tmp_path / "opsconsole.yaml"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)
    return path


def recorded(config: Path, state: AlertState, held: float) -> None:
    """A console looked until now."""
    place = place_of(load(config), config)
    place.prepare()
    now = time.time()
    key = alert_key("ApiDown", LABELS)
    alert = Alert(
        key, "ApiDown", Severity.CRITICAL, state, now - held, service="api", labels=LABELS,
        sources=(LOCAL,),
    )  # fmt: skip
    writer = Writer(place.database, place.mode())
    writer.watching(now)
    writer.write(Snapshot(1, now, alerts=(alert,)))
    writer.close()


def test_without_a_recording_it_is_not_known(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "--config", str(config)]) == 3
    assert "ApiDown of api holds, since when is not known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "held", "code"),
    [
        (AlertState.FIRING, 600.0, 2),
        (AlertState.PENDING, 90.0, 2),
        (AlertState.PENDING, 10.0, 0),
    ],
)
def test_it_goes_on_from_the_recording(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    state: AlertState,
    held: float,
    code: int,
) -> None:
    recorded(config, state, held)
    assert main(["alerts", "--json", "--config", str(config)]) == code
    document = json.loads(capsys.readouterr().out)
    (alert,) = document["alerts"]
    assert alert["state"] == ("pending" if code == 0 else "firing")
    assert alert["age"] >= held
    assert document["silent_sources"] == []
