"""``opsconsole incident`` where it says something: recorded as a console records it."""

import json
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_UNAVAILABLE, EX_USAGE
from opsconsole.model.incidents import Incident, IncidentVerb
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.state_place import FolderPlace
from opsconsole.operations.who import whoami

CONFIGURATION = """\
state_dir: {state}
environment: {{name: staging}}
host: {{enabled: false}}
docker: []
services:
  shop: {{instances: "http://127.0.0.1:1"}}
  mail: {{instances: "http://127.0.0.1:1"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(CONFIGURATION.format(state=tmp_path / "state"))
    return path


def call(config: Path, *words: str) -> int:
    return main(["incident", *words, "--config", str(config)])


def recorded(config: Path) -> tuple[Incident, ...]:
    book = TeamBook(FolderPlace(config.parent / "state"))
    try:
        return book.incidents()
    finally:
        book.close()


def test_an_incident_is_led_from_a_shell(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "open", "checkout", "slow", "--service", "shop") == 0
    assert capsys.readouterr().out == "INC-1 is open, and you command it\n"
    for words in (
        ("status", "1", "rolling", "back"),
        ("role", "INC-1", "scribe"),
        ("note", "1", "3 of 4 are well"),
        ("severity", "1", "critical"),
        ("add", "1", "--service", "mail"),
    ):
        assert call(config, *words) == 0
        assert capsys.readouterr().out == "recorded in INC-1\n"
    assert call(config, "close", "1", "p95 is well") == 0
    assert capsys.readouterr().out == "INC-1 is closed\n"
    (incident,) = recorded(config)
    me = whoami()
    assert {(each.person.who, each.person.host) for each in incident.entries} == {
        (me.name, me.host)
    }
    assert [(each.verb, each.text) for each in incident.entries] == [
        (IncidentVerb.OPEN, "checkout slow"),
        (IncidentVerb.STATUS, "rolling back"),
        (IncidentVerb.ROLE, "scribe"),
        (IncidentVerb.NOTE, "3 of 4 are well"),
        (IncidentVerb.SEVERITY, "critical"),
        (IncidentVerb.SERVICES, "mail"),
        (IncidentVerb.CLOSE, "p95 is well"),
    ]
    assert (incident.services, incident.open) == (("shop", "mail"), False)


def test_a_script_reads_what_came_of_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "open", "500 errors", "--severity", "minor", "--json") == 0
    (opened,) = json.loads(capsys.readouterr().out)["incidents"]
    assert (opened["name"], opened["title"], opened["severity"]) == (
        "INC-1", "500 errors", "minor",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("open",), EX_USAGE, "an incident has a title"),
        (("status",), EX_USAGE, "which one?"),
        (("status", "1"), EX_USAGE, "nothing was said"),
        (("severity", "1", "huge"), EX_USAGE, "it is one of critical, major, minor"),
        (("add", "1"), EX_USAGE, "say which: --service NAME"),
        (("add", "1", "mail"), EX_USAGE, "say which: --service NAME"),
        (("status", "better", "now"), EX_UNAVAILABLE, "better is no number of an incident"),
        (("open", "x", "--service", "nope"), EX_UNAVAILABLE, "no service is called nope"),
        (("join", "7"), 2, "there is no incident 7"),
        (("command", "1"), 2, "you have the command of INC-1"),
        (("list", "1", "2"), EX_USAGE, "list is of one incident"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert call(config, "open", "checkout slow") == 0
    (before,) = recorded(config)
    assert call(config, *words) == code
    assert said in capsys.readouterr().err
    assert recorded(config) == (before,)


def test_nothing_is_added_to_what_is_closed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "open", "checkout slow") == 0
    assert call(config, "close", "1") == 0
    assert call(config, "note", "1", "late") == 2
    assert "INC-1 was closed by" in capsys.readouterr().err
