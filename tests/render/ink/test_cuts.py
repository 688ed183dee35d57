"""What is too long is cut where it costs least, and never grows by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.ink.cells import width_of
from opsconsole.render.ink.cuts import cut_name, cut_path, cut_sentence


@pytest.mark.parametrize("cut", [cut_name, cut_path, cut_sentence])
@given(text=st.text(max_size=60), width=st.integers(0, 70))
def test_a_cut_fits_and_what_fits_is_not_cut(cut, text: str, width: int) -> None:  # type: ignore[no-untyped-def]
    found = cut(text, width)
    assert width_of(found) <= width
    assert (found == text) is (width_of(text) <= width)
    assert found == text or width == 0 or "…" in found


def test_each_kind_is_cut_at_its_own_place() -> None:
    assert cut_name("ai-embeddings-canary", 15) == "ai-embe…-canary"
    assert cut_path("/var/lib/docker", 10) == "…/docker"
    assert cut_sentence("v1.5.0: out of memory, limit 4G of 32G", 30) == "v1.5.0: out of memory …"
    assert cut_sentence("a, and one long clause without any", 20) == "a, and one long …"
