"""The walk that the map of the code describes is the one that is walked."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.walks import BESIDE, SOURCE, WALKS_OF_THEIR_OWN, bodies

_ROOT = Path(__file__).parents[2]
_STATIONS = (
    "sources/http/connection.py",
    "sources/health/http_probe.py",
    "sources/health/body.py",
    "engine/state/store.py",
    "engine/judge/health.py",
    "engine/state/views.py",
    "engine/state/snapshot_builder.py",
    "ui/bridge.py",
    "ui/screens/overview/screen.py",
    "render/service/table.py",
    "render/ink/difference.py",
)
"""Of docs/architecture.md."""


@pytest.mark.parametrize(
    ("place", "function"), sorted({*BESIDE["reading"], *BESIDE["restart"], *WALKS_OF_THEIR_OWN})
)
def test_what_is_not_counted_is_there(place: str, function: str) -> None:
    defined = bodies(ast.parse((SOURCE / place).read_text()), "")
    assert function.replace(".<locals>", "") in defined


def test_a_reading_goes_through_the_stations_of_the_map() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.walks", "reading"],
        cwd=_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *files, figures = done.stdout.splitlines()
    walked = [line.split()[0] for line in files]
    assert walked[0] == _STATIONS[0]
    assert set(_STATIONS) <= set(walked)
    assert figures.startswith(f"reading: {len(walked)} files")
