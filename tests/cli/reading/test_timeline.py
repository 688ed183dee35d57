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
from opsconsole.operations.notes import read_notes
from opsconsole.operations.state_place import place_from, scope_of
from tests.cli.conftest import Configure

NOW = time.time()
EVENTS = (
    Event(NOW - 5400.0, EventCode.IMAGE, "image v1 → v2", "shop", "shop-1"),
    Event(
        NOW - 600.0,
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
    assert lines[1].startswith(time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(NOW - 600.0)))


def test_since_and_service_leave_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(capsys, "--config", str(config), "--since", "1h")) == 2
    assert len(told(capsys, "--config", str(config), "--since=-1h")) == 2
    assert len(told(capsys, "--config", str(config), "--service", "shop")) == 2
    assert told(capsys, "--config", str(config), "--since", "10s") == []


def test_scripts_get_all_of_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", "--config", str(config), "--json", "--since", "3h"]) == 0
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


@pytest.mark.parametrize("recording", [True, False])
def test_a_note_is_there_without_a_recording(
    configure: Configure, capsys: pytest.CaptureFixture[str], recording: bool
) -> None:
    path = str(configure(recording={"enabled": recording}))
    assert main(["note", "hello", "--config", path]) == 0
    assert main(["note", "of the shop", "--service", "shop", "--config", path]) == 0
    capsys.readouterr()
    code = 0 if recording else EX_UNAVAILABLE
    assert main(["timeline", "--config", path]) == code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[-1] for line in lines] == ["hello", "of the shop"]
    assert main(["timeline", "--config", path, "--json", "--service", "shop"]) == code
    (event,) = json.loads(capsys.readouterr().out)["events"]
    assert event["kind"] == "note"


def test_what_was_done_is_there_without_a_recording(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = {"restart": {"http": {"post": "/restart"}, "min_healthy": "100ms", "deadline": "20s"}}
    path = str(configure({"actions": calls, "interval": "1s"}))
    main(["restart", "shop", "--yes", "--reason", "a test", "--config", path])
    capsys.readouterr()
    (line,) = told(capsys, "--config", path)
    assert "restart: verified" in line


def test_what_is_recorded_as_well_is_told_once(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["note", "again", "--config", str(config)]) == 0
    settings = load(config)
    (note,) = read_notes(place_from(settings), scope_of(settings, config.absolute()))
    writer = Writer(place_of(settings, config).database)
    writer.write(Snapshot(3, time.time(), events=(*EVENTS, note)))
    writer.close()
    capsys.readouterr()
    lines = told(capsys, "--config", str(config))
    assert sum(line.endswith(": again") for line in lines) == 1


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
