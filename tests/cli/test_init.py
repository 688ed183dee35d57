"""``opsconsole init`` beside a real engine: written once, compared after that."""

import os
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.config.loader import load
from opsconsole.demo.docker_engine import Engine

NAME = "opsconsole.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_written_once_and_compared_after_that(
    docker_sandbox: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_sandbox.url)
    first, second = f"first-{docker_sandbox.owner}", f"second-{docker_sandbox.owner}"
    docker_sandbox.run(first)
    main(["init"])
    said = capsys.readouterr().out
    assert f"{first} ← container {first}" in said
    written = Path(NAME).read_bytes()
    assert load(Path(NAME)).services[first].actions.restart is not None
    assert Path(NAME).stat().st_mode & 0o777 == 0o600

    docker_sandbox.run(second)
    main(["init"])
    said = capsys.readouterr().out
    assert f"+  {second}:  # container {second}" in said
    assert f"-  {first}:" not in said
    assert Path(NAME).read_bytes() == written

    assert main(["-c", "another.yaml", "init"]) in {0, 1}
    assert second in load(Path("another.yaml")).services


def test_what_does_not_answer_is_left_open_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert main(["init"]) == 1
    said = capsys.readouterr().out
    assert "left open: docker does not answer: no Docker Engine at" in said
    assert "nothing was written: no service was found\nname yours in opsconsole.yaml" in said
    assert "  services:\n    my-api:\n" in said
    assert os.listdir() == []


def test_a_folder_is_not_written_into(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    assert main(["init", "-c", "folder"]) == 69
    assert "is a folder" in capsys.readouterr().err
