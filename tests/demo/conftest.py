"""A running fleet without traffic whose work takes a fiftieth of its time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from opsconsole.demo.fleet import Fleet
from opsconsole.demo.layout import plan_layout
from opsconsole.demo.seeding import seed


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """All platforms, started once for a module; tests clear what they break."""
    with tempfile.TemporaryDirectory(prefix="opsconsole-demo-") as folder:
        layout = plan_layout(Path(folder))
        seed(layout)
        fleet = Fleet(layout, seed=1, pace=0.02)
        try:
            fleet.start_all(load=False)
            yield fleet
        finally:
            fleet.close()
            layout.remove()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """A client that takes nothing from the environment."""
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client
