"""What is made once for the same object."""

from opsconsole.render.ink.once import once_for_the_same


def test_the_same_object_is_looked_at_once_and_an_equal_one_anew() -> None:
    seen: list[tuple[int, ...]] = []

    @once_for_the_same
    def total(numbers: tuple[int, ...]) -> int:
        seen.append(numbers)
        return sum(numbers)

    one, other = tuple(range(1, 3)), tuple(range(1, 3))
    assert one is not other
    assert [total(one), total(one), total(other), total((3,)), total(one)] == [3, 3, 3, 3, 3]
    assert seen == [one, other, (3,), one]
