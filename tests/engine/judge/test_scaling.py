"""Scaling advice by the autoscaler's own examples, and by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.scaling import (
    Stabiliser,
    advise,
    described,
    differing,
    mean,
    recommend,
)
from opsconsole.model.running.scaling import Advice, Need, ScalingBounds
from opsconsole.model.running.workloads import Autoscaler

BOUNDS = ScalingBounds(minimum=1, maximum=10)


def need(actual: float, target: float = 0.5, name: str = "cpu") -> Need:
    return Need(name, actual, target)


def once(current: int, *needs: Need, bounds: ScalingBounds = BOUNDS) -> Advice:
    found = advise(current, needs, bounds, Stabiliser(bounds.stabilisation), 0.0)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("current", "actual", "target", "desired"),
    [
        # The documentation's own: 200m of 100m doubles, 50m of 100m halves.
        (1, 200.0, 100.0, 2),
        (2, 50.0, 100.0, 1),
        (3, 0.9, 0.6, 5),  # ceil(4.5)
        (4, 0.75, 0.5, 6),  # exactly 6, and not 7 for a rounding error
        (10, 0.1, 0.5, 2),
        (3, 0.54, 0.5, 3),  # 1.08 is within the tolerance
        (3, 0.55, 0.5, 3),  # 1.10 still is
        (3, 0.56, 0.5, 4),
        (3, 0.0, 0.5, 0),
    ],
)
def test_the_formula(current: int, actual: float, target: float, desired: int) -> None:
    assert recommend(current, Need("cpu", actual, target), 0.1).desired == desired


def test_the_sentence_holds_its_arithmetic() -> None:
    assert once(3, need(0.81)).sentence == (
        "scale up from 3 to 5: cpu is 81% of 50% a copy: ceil(3 × 1.62) = 5"
    )
    assert once(3, need(0.52)).sentence == (
        "keep 3: cpu is 52% of 50% a copy, 1.04 is within 10% of 1"
    )
    rate = Need("requests", 150.0, 100.0, "/s")
    assert once(2, rate).sentence == (
        "scale up from 2 to 3: requests is 150/s of 100/s a copy: ceil(2 × 1.50) = 3"
    )


def test_the_largest_need_decides() -> None:
    found = once(2, need(0.2), need(1.0, 0.5, "memory"))
    assert found.desired == 4
    assert "memory" in found.sentence


def test_bounds_are_kept_and_said() -> None:
    assert once(3, need(5.0)).sentence.endswith(", and the maximum is 10")
    few = ScalingBounds(minimum=2)
    assert once(4, need(0.0), bounds=few).desired == 2
    assert once(4, need(0.0), bounds=few).sentence.endswith(", and the minimum is 2")


def test_less_is_advised_only_after_the_window_agreed() -> None:
    past = Stabiliser(300.0)
    busy = advise(4, [need(0.5)], BOUNDS, past, 0.0)
    calm = advise(4, [need(0.1)], BOUNDS, past, 100.0)
    later = advise(4, [need(0.1)], BOUNDS, past, 301.0)
    assert busy
    assert calm
    assert later
    assert (busy.desired, calm.desired, later.desired) == (4, 4, 1)
    assert "but 4 was needed within 5m" in calm.sentence


def test_more_is_advised_at_once() -> None:
    past = Stabiliser(300.0)
    advise(2, [need(0.1)], BOUNDS, past, 0.0)
    found = advise(2, [need(1.0)], BOUNDS, past, 1.0)
    assert found is not None
    assert found.desired == 4


def test_without_a_figure_there_is_no_advice() -> None:
    assert advise(3, [], BOUNDS, Stabiliser(300.0), 0.0) is None
    assert advise(0, [need(0.9)], BOUNDS, Stabiliser(300.0), 0.0) is None
    assert mean([None, float("nan")]) is None
    assert mean([None, 1.0, 3.0]) == 2.0


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), max_size=40).map(sorted),
    st.floats(1, 50),
)
def test_the_stabiliser_is_the_maximum_of_its_window(
    asked: list[tuple[float, int]], window: float
) -> None:
    past = Stabiliser(window)
    for number, (now, desired) in enumerate(asked):
        expected = max(value for at, value in asked[: number + 1] if now - at <= window)
        assert past.add(now, desired) == expected


@given(st.integers(1, 20), st.floats(0, 10), st.integers(1, 5), st.integers(5, 20))
def test_advice_stays_within_bounds(current: int, load: float, least: int, most: int) -> None:
    found = once(current, need(load), bounds=ScalingBounds(least, most))
    assert least <= found.desired <= most


HPA = Autoscaler("web", 2, 10, 0.7, 0.8, wants=4)


@pytest.mark.parametrize(
    ("bounds", "own", "desired", "said"),
    [
        (ScalingBounds(2, 10), {"cpu": 0.7, "memory": 0.8}, 4, ()),
        (ScalingBounds(2, 10), {"cpu": 0.7, "memory": 0.8}, None, ()),
        (ScalingBounds(1, 6), {"cpu": 0.7, "memory": 0.8}, None,
         ("autoscaler web differs: it keeps 2 to 10 copies, not 1 to 6",)),
        (ScalingBounds(2, 10), {"cpu": 0.6}, 3,
         ("autoscaler web differs: it aims at cpu 70%, not 60%; it looks at memory; "
          "it wants 4 now, not 3",)),
    ],
)  # fmt: skip
def test_where_an_autoscaler_differs_is_said(
    bounds: ScalingBounds, own: dict[str, float], desired: int | None, said: tuple[str, ...]
) -> None:
    assert tuple(differing(HPA, bounds, own, desired)) == said


@pytest.mark.parametrize(
    ("autoscaler", "said"),
    [
        (HPA, "autoscaler web keeps 2 to 10 copies by cpu 70%, memory 80%, and wants 4"),
        (Autoscaler("web", 1, 3, others=("requests",)),
         "autoscaler web keeps 1 to 3 copies by requests"),
        (Autoscaler("web", 1, 3, wants=2, fault="no metrics"),
         "autoscaler web keeps 1 to 3 copies, but does not know how many: no metrics"),
    ],
)  # fmt: skip
def test_what_an_autoscaler_does_is_said(autoscaler: Autoscaler, said: str) -> None:
    assert described(autoscaler) == said
