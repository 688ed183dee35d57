"""Which pods a selector of a budget is for, as a cluster reads it."""

from typing import Any

import pytest

from opsconsole.operations.drivers.kubernetes.nodes import selects


def expression(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "app", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        ({}, {"app": "web"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "web", "x": "y"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "db"}, False),
        ({"matchLabels": {"app": "web"}}, {}, False),
        (expression("In", "web", "db"), {"app": "db"}, True),
        (expression("In", "web"), {"app": "db"}, False),
        (expression("In", "web"), {}, False),
        (expression("NotIn", "web"), {"app": "db"}, True),
        (expression("NotIn", "web"), {"app": "web"}, False),
        (expression("NotIn", "web"), {}, True),
        (expression("Exists"), {"app": ""}, True),
        (expression("Exists"), {}, False),
        (expression("DoesNotExist"), {}, True),
        (expression("DoesNotExist"), {"app": ""}, False),
        (expression("Like", "web"), {"app": "web"}, False),
        ({"matchLabels": {"app": "web"}, **expression("NotIn", "web")}, {"app": "web"}, False),
    ],
)
def test_a_selector(selector: dict[str, Any], labels: dict[str, str], chosen: bool) -> None:
    assert selects(selector, labels) == chosen
