"""Annotations are filled in as far as no query is needed, and left as they are where one is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("{{ $value | humanizeDuration }}", 90.0, "1m 30s"),
        ('{{ printf "%.2f" $value }}%', 12.345, "12.35%"),
        ('{{ $value | printf "%.1f" }}', 12.345, "12.3"),
        ("{{ $value }}", math.nan, "NaN"),
        ("{{ $value | humanize }}", math.inf, "+Inf"),
        ("{{ $labels.evil }}", 1.0, "{{ $value }}"),
        ("{{ query `up` | first }} {{ $value }}", 1.0, "{{ query `up` | first }} 1"),
        ("no templates", 1.0, "no templates"),
        ("{{ $labels }}", 1.0, "map[evil:{{ $value }} instance:a:1]"),
        ('{{ printf "%0.0f" $value }}', 12.6, "13"),
        ("{{ with $labels.instance }}at {{ . }}{{ end }}!", 1.0, "at a:1!"),
        ("{{ with $labels.kind }}a {{ . }}{{ else }}none{{ end }}", 1.0, "none"),
        ("{{ $value | humanize }}", 0.0123, "12.3m"),
        ("{{ $value | humanize }}", 2.5e15, "2.5P"),
        ("{{ $value }}", 1234567.0, "1.234567e+06"),
        ("{{ if $labels.evil }}{{ $labels.evil }}{{ end }}", 1.0, "{{ $value }}"),
        (
            '{{ with query "up" }}{{ . }}{{ end }} {{ $value }}',
            1.0,
            '{{ with query "up" }}{{ . }}{{ end }} 1',
        ),
        ('{{ range query "up" }}{{ . }}{{ end }}', 1.0, '{{ range query "up" }}{{ . }}{{ end }}'),
        ("{{ if $value }}no end", 1.0, "{{ if $value }}no end"),
        ("{{ $labels.instance", 1.0, "{{ $labels.instance"),
    ],
)
def test_filling(template: str, value: float, filled: str) -> None:
    assert render(template, LABELS, value) == filled


PIECES = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", " ", "$value", "$labels", ".", "|", "(", ")", "end", "else", "if",
     "with", "range", "printf", '"%s"', ":=", "$x", "humanize", "index", "`", '"', "1", "x", "/*",
     "*/", "%d", "and", "eq"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30), st.floats())
def test_any_text_gives_a_text(template: str, value: float) -> None:
    assert isinstance(render(template, LABELS, value), str)
