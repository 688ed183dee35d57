"""The count of what a run leaves behind."""

import subprocess
import sys
from pathlib import Path

import pytest

LEAVES = """
import subprocess

def test_something():
    subprocess.Popen(["sleep", "1001"], start_new_session=True)
"""
ENDS = """
import subprocess

def test_something():
    with subprocess.Popen(["sleep", "1002"]) as child:
        child.kill()
"""


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(("program", "left"), [(LEAVES, 1), (ENDS, 0)], ids=["leaves", "ends"])
def test_what_stays_fails_the_run_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, left: int, workers: str
) -> None:
    (tmp_path / "test_it.py").write_text(program)
    (tmp_path / "conftest.py").write_text(
        "from tests import leftovers\nfrom tests.leftovers import *\nleftovers.GRACE = 0.5\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    argv += ["-p", "xdist.plugin", "-n", workers]
    run = subprocess.run(
        [*argv, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert f"processes left behind: {left}" in run.stdout, run.stdout
    assert ("sleep 1001" in run.stdout) == bool(left)
    assert run.returncode == left
    assert "1 passed" in run.stdout
