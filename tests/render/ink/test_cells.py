"""Lines are as wide as they say."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.ink.ascii import to_ascii
from opsconsole.render.ink.cells import (
    Align,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    line_width,
    spread,
    titled,
    width_of,
    wrap,
)
from opsconsole.render.ink.difference import changed

TEXTS = st.text(alphabet=st.sampled_from("ab 漢字●▁é́"), max_size=30)
WIDTHS = st.integers(0, 60)


@given(TEXTS, WIDTHS)
def test_clip_never_exceeds(text: str, width: int) -> None:
    assert width_of(clip(text, width)) <= width


@given(TEXTS, WIDTHS, st.sampled_from(Align))
def test_fit_is_exact(text: str, width: int, align: Align) -> None:
    assert width_of(fit(text, width, align)) == width


@given(st.lists(TEXTS, max_size=5), st.integers(1, 40))
def test_lines_are_clipped(texts: list[str], width: int) -> None:
    assert line_width(clip_line(tuple(Span(text) for text in texts), width)) <= width


@given(TEXTS, st.integers(2, 40))
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrapping_keeps_what_a_line_is_indented_by() -> None:
    assert wrap('    "status": "ok"', 40) == ['    "status": "ok"']
    assert wrap("  one two", 6) == ["  one", "two"]


@given(TEXTS, st.integers(10, 120), st.booleans())
def test_titles_are_exact(text: str, width: int, focused: bool) -> None:
    note = (Span("12 of 50", Role.MUTED),)
    assert line_width(titled(text, width, focused=focused, note=note)) <= width


def test_spread_puts_both_at_the_ends() -> None:
    line = spread((Span("left"),), (Span("right"),), 20)
    assert "".join(span.text for span in line) == "left           right"


def test_ascii_keeps_the_width() -> None:
    text = "✖ down ▁▂▃▄▅▆▇█ ⣿⣀⠉ ─│┤ … é"
    assert len(to_ascii(text)) == len(text)
    assert to_ascii(text).isascii()
    assert len({to_ascii(glyph) for glyph in "●▲✖◌"}) == 4


LINES = st.lists(st.tuples(st.text("ab12漢", max_size=6), st.sampled_from([Role.TEXT, Role.OK])),
                 max_size=5)  # fmt: skip


@given(LINES, LINES)
def test_what_did_not_change_is_outside_the_ranges(
    old: list[tuple[str, Role]], new: list[tuple[str, Role]]
) -> None:
    before = tuple(Span(*each) for each in old)
    after = tuple(Span(*each) for each in new)
    ranges = changed(before, after)

    def cells(line: tuple[Span, ...]) -> list[tuple[str, Role]]:
        out: list[tuple[str, Role]] = []
        for span in line:
            for char in span.text:
                out += [(char, span.role)] + [("", span.role)] * (width_of(char) - 1)
        return out

    one, other = cells(before), cells(after)
    for x in range(max(len(one), len(other))):
        if not any(start <= x < end for start, end in ranges):
            assert one[x] == other[x]


def test_one_figure_is_one_small_range() -> None:
    before = (Span("oatie "), Span(" 42ms"), Span(" ▁▂▃"))
    after = (Span("oatie "), Span(" 43ms"), Span(" ▁▂▃"))
    assert changed(before, after) == [(8, 9)]
