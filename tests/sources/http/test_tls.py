"""Certificates: when they end, read from their bytes."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.http.tls import read_certificate


@pytest.mark.parametrize("year", [2031, 2049, 2050, 2200])
def test_the_end_is_read_in_both_of_its_forms(year: int) -> None:
    # Up to 2049 an end has two digits for its year (UTCTime), from then on four.
    end = datetime(year, 3, 4, 5, 6, 7, tzinfo=UTC)
    pem = trustme.CA().issue_cert("a.example", not_after=end).cert_chain_pems[0].bytes()
    read = read_certificate(ssl.PEM_cert_to_DER_cert(pem.decode()))
    assert read is not None
    assert read.validity.ends == end.timestamp()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_certificate_or_none(der: bytes) -> None:
    read = read_certificate(der)
    assert read is None or isinstance(read.validity.ends, float)


def test_one_of_countless_empty_parts_is_none_and_keeps_nobody_waiting() -> None:
    # All that was left was copied for each of them: half an hour for this one.
    assert read_certificate(b"\x05\x00" * (2 << 20)) is None
