"""Shapes of health answers as frameworks and programs make them, read by the documented order.

``shapes.json`` holds code, state and body. What says good beside something that is denied, awaited,
counted or merely called so is never green.
"""

import json
from pathlib import Path

import pytest

from opsconsole.model.state import State
from tests.sources.health.test_bodies import read, state_of

SHAPES = json.loads((Path(__file__).parent / "shapes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("status", "state", "body"), SHAPES, ids=[body[:60] for *_, body in SHAPES]
)
def test_a_shape_is_read_by_the_order_of_evidence(status: int, state: str, body: str) -> None:
    found = read(body, status)
    assert state_of(found) is State(state), found
