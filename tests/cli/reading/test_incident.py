"""``note`` and ``incident export``, as a script uses them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.known_state import team_book
from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_UNAVAILABLE, EX_USAGE
from opsconsole.cli.reading.incident import export_to
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb
from opsconsole.operations.notes import read_notes
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.state_place import FolderPlace
from opsconsole.render.timeline.words import words
from opsconsole.ui.options import ExportRequest

CONFIGURATION = """\
state_dir: {state}
environment: {{name: staging}}
host: {{enabled: false}}
docker: []
services:
  shop: {{instances: "http://127.0.0.1:1"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(CONFIGURATION.format(state=tmp_path / "state"))
    return path


def call(config: Path, *words: str) -> int:
    return main([*words, "--config", str(config)])


def test_a_note_is_in_the_report(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "note", "back", "to <v1>", "--service", "shop") == 0
    (note,) = read_notes(FolderPlace(config.parent / "state"))
    assert words(note).endswith(": back to <v1>")
    assert note.service == "shop"
    assert capsys.readouterr().out == "noted for shop\n"
    assert call(config, "incident", "export", "--from", "-1h") == 0
    report = capsys.readouterr().out
    assert report.startswith("# Report: staging, ")
    assert r"back to \<v1\>" in report
    assert "nothing was recorded" in report


def test_a_report_is_a_new_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = config.parent / "report.md"
    assert call(config, "incident", "export", "--from", "-1h", "--out", str(out)) == 0
    assert out.read_text().startswith("# Report")
    assert call(config, "incident", "export", "--out", str(out)) == EX_UNAVAILABLE
    assert "is there already; name another file" in capsys.readouterr().err
    assert sorted(each.name for each in config.parent.iterdir()) == ["opsconsole.yaml", "report.md"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "yesterday"], "yesterday is no time"),
        (["--from", "-1h", "--to", "-2h"], "--from is not before --to"),
    ],
)
def test_what_makes_no_sense_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert call(config, "incident", "export", *words) == EX_USAGE
    assert said in capsys.readouterr().err


def test_a_note_of_nothing_or_for_nobody_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "note", " ") == EX_USAGE
    for argv in (["note", "x"], ["incident", "export"]):
        assert call(config, *argv, "--service", "nope") == EX_UNAVAILABLE
        assert "no service is called nope; there are: shop" in capsys.readouterr().err
    assert not (config.parent / "state").exists()


def test_a_console_writes_beside_what_it_wrote_before(config: Path, tmp_path: Path) -> None:
    configuration = Configuration(load(config), config, tmp_path, read_only=False)
    request = ExportRequest(None, 1_763_716_000.0, 1_763_716_400.0)
    folder = tmp_path / "here"
    folder.mkdir()
    first = export_to(folder, configuration, request)
    second = export_to(folder, configuration, request)
    assert first.name == "incident-all-2025-11-21-090640.md"
    assert second.name == "incident-all-2025-11-21-090640-2.md"
    assert len(os.listdir(folder)) == 2


# ---- what people declared ----


@pytest.fixture
def declared(config: Path) -> Iterator[TeamBook]:
    """What the people of this configuration share, with one incident that is open."""
    configuration = Configuration(load(config), config, config.parent, read_only=True)
    book = team_book(configuration)
    opened = IncidentRequest(IncidentVerb.OPEN, text="checkout <slow>", services=("shop",))
    assert isinstance(book.do(opened, SystemClock().now() - 60), Incident)
    yield book
    book.close()


def test_no_incident_is_said_so_and_nothing_is_made(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "incident", "list") == 0
    assert capsys.readouterr().out == "no incident was opened\n"
    for argv in (["show", "1"], ["export", "1"], ["show", "x"], ["show", "12345678901"]):
        assert call(config, "incident", *argv) == EX_UNAVAILABLE
    assert call(config, "incident", "show") == EX_USAGE
    assert "which one?" in capsys.readouterr().err
    assert not (config.parent / "state").exists()


def test_what_was_declared_is_listed_and_shown(
    config: Path, declared: TeamBook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "incident", "list") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("! INC-1")
    assert "checkout <slow>" in line
    for number in ("1", "INC-1", "inc-1"):
        assert call(config, "incident", "show", number) == 0
        assert "opened it: checkout <slow>" in capsys.readouterr().out
    assert call(config, "incident", "list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    (incident,) = document["incidents"]
    assert (document["version"], incident["name"], incident["open"]) == (1, "INC-1", True)
    assert incident["services"] == ["shop"]
    assert [each["did"] for each in incident["entries"]] == ["open"]


def test_one_that_is_shown_has_the_parts_of_its_page(
    config: Path, declared: TeamBook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "note", "--service", "shop", "it", "was", "the", "image") == 0
    capsys.readouterr()
    assert call(config, "incident", "show", "1") == 0
    page = capsys.readouterr().out
    stands = page.partition("How its services stand")[2].splitlines()[1]
    assert stands.split()[1:3] == ["down", "shop"]
    assert "it was the image" in page.partition("What was said and done")[2]
    declared.do(IncidentRequest(IncidentVerb.CLOSE, 1, "it was the image"), SystemClock().now())
    assert call(config, "incident", "show", "1") == 0
    page = capsys.readouterr().out
    assert "How its services stand" not in page, "what is now is not of what is closed"
    assert ": it was the image" in page.partition("What was said and done")[2]


def test_the_report_of_an_incident_says_who_did_what(
    config: Path, declared: TeamBook, capsys: pytest.CaptureFixture[str]
) -> None:
    declared.do(IncidentRequest(IncidentVerb.ROLE, 1, "scribe"), SystemClock().now() - 40)
    declared.do(IncidentRequest(IncidentVerb.CLOSE, 1, "it was the image"), SystemClock().now())
    assert call(config, "incident", "export", "INC-1", "--format", "md") == 0
    report = capsys.readouterr().out
    assert report.startswith(r"# INC-1: checkout \<slow\>, ")
    (opened,) = (line for line in report.splitlines() if line.startswith("- Opened at "))
    assert ", major: it was the image" in opened
    told = report.partition("## Who did what")[2].partition("\n## ")[0]
    assert "scribe, commander at the end" in told
    rows = [line.split(" | ")[-1] for line in told.splitlines() if line.startswith("| ")][2:]
    assert "- Reported from " in report
    assert rows == [
        r"opened it: checkout \<slow\> |", "has the role: scribe |",
        "closed it: it was the image |",
    ]  # fmt: skip
    assert "about `shop` and what it needs" in report
    assert call(config, "incident", "export", "1", "--from", "-1h") == EX_USAGE


def test_the_hand_over_has_what_is_open_and_who_took_it(
    config: Path, declared: TeamBook, capsys: pytest.CaptureFixture[str]
) -> None:
    declared.take(2, SystemClock().now() - 30)
    assert call(config, "note", "! keep", "the old image") == 0
    capsys.readouterr()
    out = config.parent / "handover.md"
    assert call(config, "handover", "--out", str(out)) == 0
    assert call(config, "handover") == 0
    page = capsys.readouterr().out.partition("\n")[2]
    assert page.splitlines()[0].startswith("# Hand-over: staging, ")
    assert out.read_text().splitlines()[2] == page.splitlines()[2]
    for part in (
        "INC-1", r"checkout \<slow\>", "## Failing",
        "! keep the old image", "The last hand-over was taken by",
    ):  # fmt: skip
        assert part in page, part


def test_a_state_that_cannot_be_read_is_on_the_page(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "state").mkdir(mode=0o700)
    (config.parent / "state" / "journal.db").write_text("this is no database, but long enough")
    assert call(config, "handover") == 0
    page = capsys.readouterr().out
    assert "## Not known" in page
    assert "Nothing is open" not in page
