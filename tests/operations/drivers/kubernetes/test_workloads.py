"""Where a workload is, and which pods are its own."""

from typing import Any

import pytest

from opsconsole.operations.drivers.kubernetes.workloads import Kind, Ref, namespaced
from opsconsole.sources.kubernetes.objects.selectors import selector


def test_a_name_is_one_part_of_a_path() -> None:
    assert (
        Ref(Kind.DEPLOYMENT, "shop", "web").path == "/apis/apps/v1/namespaces/shop/deployments/web"
    )
    assert Ref(Kind.DAEMON_SET, "shop", "../x").path.endswith("/daemonsets/..%2Fx")
    assert namespaced("api/v1", "a/b", "pods") == "/api/v1/namespaces/a%2Fb/pods"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        (
            {
                "matchLabels": {"a": "1"},
                "matchExpressions": [
                    {"key": "t", "operator": "In", "values": ["x", "y"]},
                    {"key": "u", "operator": "NotIn", "values": ["z"]},
                    {"key": "v", "operator": "Exists"},
                    {"key": "w", "operator": "DoesNotExist"},
                ],
            },
            "a=1,t in (x,y),u notin (z),v,!w",
        ),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "x", "operator": "Gt"}]}, ""),
        ({}, ""),
    ],
)
def test_a_selector_as_the_api_takes_it(written: dict[str, Any], asked: str) -> None:
    assert selector({"spec": {"selector": written}}) == asked
