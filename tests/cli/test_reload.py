"""What the commands give an engine to read its configuration again with."""

import argparse
import asyncio
from pathlib import Path

import pytest

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import watch_of
from opsconsole.engine.reload import Reread


def reread(path: Path, text: str) -> Reread:
    path.write_text("services: {}\n")
    watch = watch_of(from_arguments(argparse.Namespace(config=path)))
    assert watch is not None
    path.write_text(text)
    watch.want()
    found = asyncio.run(watch.poll(0.0))
    watch.close()
    assert found is not None
    return found


def test_keys_that_cannot_be_used_are_named_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "ops.yaml"
    found = reread(path, "services: {}\nkeys:\n  help: f1\n  restrat: f2\n  quit: j\n")
    assert found.settings is None
    assert found.problems[0] == (
        f"{path}:4: keys.restrat: no binding has this id, did you mean 'restart'?"
    )
    assert any(line.startswith(f"{path}:5: keys.quit: ") for line in found.problems)


def test_sound_keys_are_taken_over(tmp_path: Path) -> None:
    found = reread(tmp_path / "ops.yaml", "keys: {help: f1}\n")
    assert found.settings is not None
    assert found.settings.keys == {"help": "f1"}


def test_without_a_file_nothing_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert watch_of(from_arguments(argparse.Namespace(config=None))) is None
