"""The second look at the tests that failed, on small suites of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ONCE = """
from pathlib import Path

def test_{number}():
    seen = Path("seen-{number}")
    again = seen.exists()
    seen.touch()
    assert again
"""


def look_again(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run the tests, then look again."""
    (folder / "test_it.py").write_text("".join(tests))
    # Loading what these runs do not use is most of their time.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
    environment = {**os.environ, **alone, "PYTHONPATH": str(PROJECT)}
    argv = [sys.executable, "-m", "pytest", "-q", "test_it.py"]
    subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False)
    argv = [sys.executable, "-m", "tools.second_look"]
    return subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("tests", "status"),
    [
        ([ONCE.format(number=1)], 0),
        ([ONCE.format(number=each) for each in range(3)], 0),
        ([ONCE.format(number=each) for each in range(4)], 1),
        ([ONCE.format(number=1), "\ndef test_always():\n    assert False\n"], 1),
        (["\ndef test_well():\n    pass\n"], 1),
    ],
    ids=["one", "three", "four", "alone too", "none failed"],
)
def test_only_a_few_that_pass_alone_pass(tmp_path: Path, tests: list[str], status: int) -> None:
    run = look_again(tmp_path, *tests)
    assert run.returncode == status, run.stdout
    assert run.stdout.count("unsteady: test_it.py::") == (len(tests) if status == 0 else 0)
