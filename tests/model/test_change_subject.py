"""Which changes exclude each other: those of one service, or of one silence, and no others."""

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.types import NAME_PATTERN
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import SILENCING, ActionKind

_K = ActionKind
ONE = (
    (_K.ACKNOWLEDGE, {"alert": "f1"}),
    (_K.ACKNOWLEDGE, {"alert": "f2"}),
    (_K.SILENCE, {"matcher.0": "zone=a"}),
    (_K.SILENCE, {"matcher.0": "zone=a", "matcher.1": "job=b"}),
    (_K.SILENCE, {"matcher.0": "zone=a", "replaces": "s1"}),
    (_K.EXPIRE_SILENCE, {"silence": "s2"}),
)
SAME = (
    ((_K.EXPIRE_SILENCE, {"silence": "s1"}), (_K.SILENCE, {"matcher.0": "x=y", "replaces": "s1"})),
    (
        (_K.EXPIRE_SILENCE, {"silence": "s1"}),
        (_K.EXPIRE_SILENCE, {"silence": "s1", "promise": "end"}),
    ),
    ((_K.SILENCE, {"matcher.0": "zone=a"}), (_K.SILENCE, {"matcher.0": ' zone = "a"'})),
    (
        (_K.SILENCE, {"matcher.0": "a=b", "matcher.1": "c=d"}),
        (_K.SILENCE, {"matcher.0": "c=d", "matcher.1": "a=b"}),
    ),
)


@pytest.mark.parametrize(("one", "other"), [*combinations(ONE, 2)])
def test_different_silences_never_exclude_each_other(
    one: tuple[ActionKind, dict[str, str]], other: tuple[ActionKind, dict[str, str]]
) -> None:
    assert subject_of("main", *one) != subject_of("main", *other)
    assert subject_of("main", *one) != subject_of("other", *one)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_silence_is_one_subject_however_it_is_asked_for(
    one: tuple[ActionKind, dict[str, str]], other: tuple[ActionKind, dict[str, str]]
) -> None:
    assert subject_of("main", *one) == subject_of("main", *other)


@pytest.mark.parametrize("kind", sorted(set(ActionKind) - SILENCING))
def test_a_service_is_one_subject_whatever_is_done_to_it(kind: ActionKind) -> None:
    assert subject_of("web", kind, {"silence": "s1", "instance": "web-1"}) == "web"


@given(
    st.from_regex(NAME_PATTERN, fullmatch=True),
    st.sampled_from(sorted(SILENCING)),
    st.dictionaries(st.sampled_from(["alert", "silence", "replaces", "matcher.0"]), st.text()),
)
def test_any_subject_can_name_a_lock(
    service: str, kind: ActionKind, parameters: dict[str, str]
) -> None:
    assert re.fullmatch(NAME_PATTERN, subject_of(service, kind, parameters))
