"""``note`` and ``incident export``, as a script uses them."""

import os
from pathlib import Path

import pytest

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.main import main
from opsconsole.cli.parsing import EX_UNAVAILABLE, EX_USAGE
from opsconsole.cli.reading.incident import export_to
from opsconsole.config.loader import load
from opsconsole.operations.notes import read_notes
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
    assert report.startswith("# Incident: staging, ")
    assert r"back to \<v1\>" in report
    assert "nothing was recorded" in report


def test_a_report_is_a_new_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = config.parent / "report.md"
    assert call(config, "incident", "export", "--from", "-1h", "--out", str(out)) == 0
    assert out.read_text().startswith("# Incident")
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
