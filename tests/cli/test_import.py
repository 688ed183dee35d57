"""``opsconsole import``: written once, compared the second time, refused where it is strict."""

from pathlib import Path

import pytest

from opsconsole.cli.main import main

SAMPLES = Path(__file__).parents[1] / "discovery" / "imported" / "samples"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_second_run_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["import", str(SAMPLES / "shop-compose.yml"), str(SAMPLES / "shop-prometheus.yml")]
    assert main(asked) == 1, "parts are left open"
    said = capsys.readouterr().out
    assert "shop-web        ← service web of shop-compose.yml" in said
    assert "not understood: " in said
    written = Path("opsconsole.yaml").read_bytes()
    assert Path("opsconsole.yaml").stat().st_mode & 0o777 == 0o600
    main(asked)
    assert "opsconsole.yaml: as it is" in capsys.readouterr().out
    assert main(["import", str(SAMPLES / "shop-compose.yml")]) == 1
    said = capsys.readouterr().out
    assert "-  nodes:" in said
    assert "+++ what the files say" in said, "nothing was looked at"
    assert Path("opsconsole.yaml").read_bytes() == written
    assert main(["check", "--offline", "opsconsole.yaml"]) == 0


def test_strict_writes_nothing_where_a_part_is_not_understood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["import", "--strict", str(SAMPLES / "shop-compose.yml")]) != 0
    assert "were not understood, and nothing was written" in capsys.readouterr().err
    assert not Path("opsconsole.yaml").exists()
    assert main(["import", "--strict", str(SAMPLES / "oatie-prometheus.yml")]) == 1
    assert Path("opsconsole.yaml").exists()


def test_a_file_that_is_nothing_of_the_kind_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("hello: there\n")
    assert main(["import", "notes.txt"]) != 0
    assert "notes.txt is nothing that can be imported" in capsys.readouterr().err
