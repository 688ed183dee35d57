"""``opsconsole timeline``: what was recorded, told while it is being recorded."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_UNAVAILABLE, EX_USAGE
from opsconsole.config.loader import load
from opsconsole.engine.recording.place import place_of
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.events import Event, EventCode
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.cli.conftest import Configure

NOW = time.time()
EVENTS = (
    Event(NOW - 5400.0, EventCode.IMAGE, "image v1 → v2", "shop", "shop-1"),
    Event(
        NOW - 3000.0,
        EventCode.HEALTH_CHANGED,
        "no answer",
        "shop",
        "shop",
        State.DOWN,
        "ok",
        "down",
    ),
    Event(NOW - 60.0, EventCode.NOTE, "ann: looking at it"),
)


@pytest.fixture
def config(configure: Configure) -> Iterator[Path]:
    """A configuration whose recording is being written."""
    path = configure()
    place = place_of(load(path), path)
    place.prepare()
    writer = Writer(place.database)
    writer.write(Snapshot(1, NOW - 5000.0, events=EVENTS[:1]))
    writer.write(Snapshot(2, NOW - 50.0, events=EVENTS))
    yield path
    writer.close()


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    assert main(["timeline", *argv]) == 0
    return capsys.readouterr().out.splitlines()


def test_events_are_told_oldest_first(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "--config", str(config))
    assert [line[24:].split()[-1] for line in lines] == ["v2", "answer", "it"]
    assert "✖ shop" in lines[1]
    assert "ok → down: no answer" in lines[1] or "ok → down" in lines[1]
    assert lines[1].startswith(time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(NOW - 3000.0)))


def test_since_and_service_leave_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(capsys, "--config", str(config), "--since", "1h")) == 2
    assert len(told(capsys, "--config", str(config), "--since=-1h")) == 2
    assert len(told(capsys, "--config", str(config), "--service", "shop")) == 2
    assert told(capsys, "--config", str(config), "--since", "10s") == []


def test_scripts_get_all_of_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", "--config", str(config), "--json", "--since", "2h"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert document["recorded"]["begin"] == pytest.approx(NOW - 5000.0)
    assert [event["kind"] for event in document["events"]] == ["image", "health", "note"]
    assert document["events"][1]["state"] == "down"
    assert document["events"][1]["before"] == "ok"


def test_what_begins_later_than_asked_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["timeline", "--config", str(config), "--since", "1d"]) == 0
    assert "nothing is recorded before" in capsys.readouterr().err
    assert main(["timeline", "--config", str(config), "--since", "1h"]) == 0
    assert capsys.readouterr().err == ""


def test_without_a_recording_there_is_nothing_and_that_is_said(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["timeline", "--config", str(configure())]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "nothing is recorded yet" in said.err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["--since", "half nine"], EX_USAGE, "half nine is no time"),
        (["--since", "-2h", "--service", "shpo"], EX_UNAVAILABLE, "no service is called shpo"),
    ],
)
def test_what_makes_no_sense_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, said: str
) -> None:
    assert main(["timeline", "--config", str(config), *argv]) == code
    assert said in capsys.readouterr().err


def test_where_recording_is_off_it_says_so(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(recording={"enabled": False})
    assert main(["timeline", "--config", str(path)]) == EX_UNAVAILABLE
    assert "recording is switched off" in capsys.readouterr().err
