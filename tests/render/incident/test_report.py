"""What the report says of an operation."""

import pytest

from opsconsole.model.operation import OperationState
from opsconsole.render.incident import report
from tests.ui import working


@pytest.mark.parametrize("corrected", ["", "web-1 died again after 28 s"])
def test_a_verdict_that_did_not_last_is_no_verdict_that_stands(corrected: str) -> None:
    run = working.ended(1, "web", OperationState.VERIFIED, corrected=corrected)
    verdict = report._operation(run)[5]
    assert verdict.startswith("verified")
    assert ("died again after 28 s" in verdict) is bool(corrected)
