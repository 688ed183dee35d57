"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.written.units import format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("2h", 7200.0),
        ("7d", 604800.0),
        ("1w", 604800.0),
        ("1.5s", 1.5),
        (" 5s ", 5.0),
        ("100ms", 0.1),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 s", "-1s", "1s2", "1x", "1e3s", "٣s", "9" * 50 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("1B", 1),
        ("500MB", 500_000_000),
        ("512M", 512_000_000),
        ("4Gi", 4 * 2**30),
        ("4GiB", 4 * 2**30),
        ("1.5KiB", 1536),
        ("2 TB", 2 * 10**12),
        ("1kB", 1000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "iB", "1iB", "1 i", "-1MB", "1PB", "1e3", "one"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as"):
        parse_size(text)


@given(st.integers(0, 10**12))
def test_durations_round_trip_to_the_millisecond(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000
