"""Annotations are filled in where they are simple, and left as they are where they are not."""

import math

import pytest

from opsconsole.engine.judge.rule_templates import render

LABELS = {"instance": "a:1", "evil": "{{ $value }}"}


@pytest.mark.parametrize(
    ("template", "value", "filled"),
    [
        ("{{ $labels.instance }} is down", 0.0, "a:1 is down"),
        ("{{$labels.instance}}", 0.0, "a:1"),
        ("{{ $labels.missing }}!", 0.0, "!"),
        ('{{ index $labels "instance" }}', 0.0, "a:1"),
        ("at {{ $value }}", 3.0, "at 3"),
        ("at {{ .Value }}", 0.25, "at 0.25"),
        ("{{ $value | humanize }}", 123456.0, "123.5k"),
        ("{{ $value | humanize1024 }}", 2.0**21, "2Mi"),
        ("{{ $value | humanizePercentage }}", 0.123, "12.3%"),
        ("{{ $value | humanizeDuration }}", 90.0, "1m30s"),
        ('{{ printf "%.2f" $value }}%', 12.345, "12.35%"),
        ('{{ $value | printf "%.1f" }}', 12.345, "12.3"),
        ("{{ $value }}", math.nan, "NaN"),
        ("{{ $value | humanize }}", math.inf, "+Inf"),
        ("{{ $labels.evil }}", 1.0, "{{ $value }}"),
        ("{{ query `up` | first }} {{ $value }}", 1.0, "{{ query `up` | first }} 1"),
        ("no templates", 1.0, "no templates"),
    ],
)
def test_filling(template: str, value: float, filled: str) -> None:
    assert render(template, LABELS, value) == filled
