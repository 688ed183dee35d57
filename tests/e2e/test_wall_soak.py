"""A day of the wall in seconds: nothing that it holds grows. The long run is a benchmark."""

import subprocess
import sys
from pathlib import Path

SECONDS = 4
"""It goes on until there are enough samples to compare."""


def test_what_a_wall_holds_does_not_grow(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "benchmarks.soak", "--seconds", str(SECONDS)]
    root = Path(__file__).parents[2]
    run = subprocess.run(argv, check=False, cwd=root, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    assert "threads grown" in run.stdout
    assert "| over" not in run.stdout
