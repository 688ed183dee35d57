"""A class of ours behaves as the standard library's of the same keywords does."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole import dataclass as ours


def _plain(decorate: Callable[[type], type]) -> Any:
    @decorate
    class Plain:
        first: int
        second: str = "two"
        third: list[int] = dataclasses.field(default_factory=list)
        fourth: float = dataclasses.field(default=4.0, compare=False)
        fifth: object = dataclasses.field(default=None, repr=False)

    return Plain


def _with_its_own(decorate: Callable[[type], type]) -> Any:
    @decorate
    class WithItsOwn:  # noqa: PLW1641 - whether it can be hashed is compared as well
        first: int
        second: str = ""

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError(self.first)

        def __repr__(self) -> str:
            return f"<{self.first}>"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and other.first == self.first

    return WithItsOwn


def _above_another(decorate: Callable[[type], type]) -> Any:
    @decorate
    class Below:
        first: int

    @decorate
    class Above(Below):
        second: int = 2

    return Above


def _empty(decorate: Callable[[type], type]) -> Any:
    @decorate
    class Empty:
        pass

    return Empty


SHAPES: Final = (_plain, _with_its_own, _above_another, _empty)
KEYWORDS: Final = (
    {"frozen": True},
    {"frozen": True, "eq": False},
    {"frozen": False},
    {"frozen": False, "eq": False},
)
CALLS: Final = st.tuples(
    st.lists(st.integers(-1, 2), max_size=3),
    st.dictionaries(st.sampled_from(["first", "second", "third", "unknown"]), st.integers(0, 2)),
)


def outcome(call: Callable[[], object]) -> object:
    """What ``call`` gives, or what it raises and says."""
    try:
        return call()
    except (TypeError, ValueError, AttributeError) as error:
        return type(error), str(error)


def behaviour(kind: Any, first: Any, second: Any) -> list[object]:
    """Everything that may differ between two ways to make a class of values."""

    def made(call: Any) -> Any:
        return kind(*call[0], **call[1])

    seen: list[object] = [
        outcome(lambda: repr(made(first))),
        outcome(lambda: made(first) == made(second)),
        outcome(lambda: made(first) != made(second)),
        outcome(lambda: made(first) == 1),
        outcome(lambda: dataclasses.asdict(made(first))),
        outcome(lambda: repr(dataclasses.replace(made(first), first=7))),
        [(each.name, each.type) for each in dataclasses.fields(kind)],
        kind.__match_args__,
        kind.__hash__ is object.__hash__,
        kind.__hash__ is None,
    ]
    if kind.__hash__ is not object.__hash__:
        seen.append(outcome(lambda: hash(made(first))))
    return seen


@pytest.mark.parametrize("keywords", KEYWORDS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=30)
@given(data=st.data())
def test_it_behaves_as_the_librarys(
    shape: Callable[[Callable[[type], type]], Any],
    keywords: dict[str, bool],
    data: st.DataObject,
) -> None:
    made = shape(ours.dataclass(slots=True, **keywords))
    librarys = shape(dataclasses.dataclass(slots=True, **keywords))

    first, second = data.draw(CALLS), data.draw(CALLS)
    assert behaviour(made, first, second) == behaviour(librarys, first, second)


@pytest.mark.parametrize(
    "change", [lambda value: setattr(value, "first", 7), lambda value: delattr(value, "first")]
)
def test_a_frozen_value_refuses(change: Callable[[Any], None]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="'first'"):
        change(_plain(ours.dataclass(slots=True, frozen=True))(1))

    change(_plain(ours.dataclass(slots=True))(1))


def test_a_default_that_is_made_is_made_for_each() -> None:
    kind = _plain(ours.dataclass(slots=True))

    assert kind(1).third is not kind(1).third


def test_nothing_can_be_added_to_a_value() -> None:
    value = _plain(ours.dataclass(slots=True, frozen=True))(1)

    with pytest.raises(AttributeError):
        value.other = 1
    assert not hasattr(value, "__dict__")


def test_a_class_without_slots_is_the_librarys() -> None:
    with pytest.raises(AssertionError):
        ours.dataclass(slots=False)


@ours.dataclass(frozen=True, slots=True)
class _Below:
    first: int


@ours.dataclass(frozen=True, slots=True)
class _Above(_Below):
    second: tuple[int, ...] = ()


def test_a_value_that_cannot_be_changed_can_be_copied() -> None:
    value = _Above(1, (2,))
    for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert made == value
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.first = 2  # type: ignore[misc]
