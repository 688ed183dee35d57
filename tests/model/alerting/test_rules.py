"""The same expression is recognised however it is written."""

import pytest

from opsconsole.model.alerting.rules import fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("up == 0", "up==0"),
        ("sum(rate(x[5m])) by (job)", "sum by (job) (rate(x[5m]))"),
        ("rate(x[60m])", "rate(x[1h])"),
        ("x > 1e3 # too many", "x > 1000"),
        ("up{job='a'}", 'up{job="a"}'),
        ("a and on(x, y) b", "a and on (x, y) b"),
        ("up{\n  job='a',\n}", 'up{job="a"}'),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("up == 0", "up == 1"),
        ("rate(x[5m])", "rate(x[6m])"),
        ('up{job="a"}', 'up{job!="a"}'),
        ("sum(x)", "max(x)"),
        ("x > 1", "x >= 1"),
        ('up{job="a b"}', 'up{job="ab"}'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)
