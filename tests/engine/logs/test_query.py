"""A query never loses a line, keeps order, and tells when it could not look at all."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.logs.query import answer, grave_enough, merge
from opsconsole.model.logs import LogLevel, LogLine, LogQuery
from opsconsole.patterns import pattern

TEXTS = st.text("abA\n", max_size=8)


@st.composite
def logs(draw: st.DrawFn) -> list[list[LogLine]]:
    """Up to four logs; clocks mostly go forward."""
    found = []
    for source in range(draw(st.integers(0, 4))):
        rows = draw(
            st.lists(st.tuples(st.integers(0, 20), TEXTS, st.sampled_from(LogLevel)), max_size=25)
        )
        found.append(
            [
                LogLine(str(source), number, float(at), level, text)
                for number, (at, text, level) in enumerate(rows)
            ]
        )
    return found


queries = st.builds(
    LogQuery,
    pattern=st.sampled_from([None, pattern("a"), pattern("ab"), pattern("^b")]),
    invert=st.booleans(),
    mark_only=st.booleans(),
    context=st.integers(0, 3),
    level=st.sampled_from(LogLevel),
)


@given(logs())
def test_merging_loses_nothing_and_keeps_each_logs_order(found: list[list[LogLine]]) -> None:
    merged = merge(found)
    assert len(merged) == sum(map(len, found))
    for lines in found:
        assert [line for line in merged if line in lines] == lines
    if all([line.at for line in lines] == sorted(line.at for line in lines) for lines in found):
        assert [line.at for line in merged] == sorted(line.at for line in merged)


@given(logs(), queries)
def test_a_filter_never_loses_a_matching_line(found: list[list[LogLine]], query: LogQuery) -> None:
    page = answer(query, found)
    wanted = [
        line
        for line in merge(found)
        if grave_enough(query, line)
        and (query.pattern is None or bool(query.pattern.search(line.text)) is not query.invert)
    ]
    assert [page.lines[at] for at in page.matches] == wanted
    assert page.looked_at == page.held == sum(map(len, found))
    if not query.context and not query.mark_only:
        assert list(page.lines) == wanted


@given(logs(), queries)
def test_context_is_what_stands_around(found: list[list[LogLine]], query: LogQuery) -> None:
    if query.mark_only:
        return
    merged, page = merge(found), answer(query, found)
    places = [merged.index(page.lines[at]) for at in page.matches]
    around = {n for at in places for n in range(at - query.context, at + query.context + 1)}
    assert list(page.lines) == [line for n, line in enumerate(merged) if n in around]


def test_a_window_leaves_out_what_is_older() -> None:
    lines = [LogLine("a", n, float(n), LogLevel.INFO, "x") for n in range(10)]
    assert [line.at for line in answer(LogQuery(window=3.0), [lines], now=10.0).lines] == [
        7.0,
        8.0,
        9.0,
    ]


def test_a_filter_that_is_too_slow_looks_at_the_latest_and_says_so() -> None:
    lines = [LogLine("a", n, float(n), LogLevel.INFO, "x" * 50) for n in range(5000)]
    page = answer(LogQuery(pattern=pattern("x")), [lines], budget=0.0005)
    assert 0 < page.looked_at < page.held == 5000
    assert page.lines[-1] is lines[-1]
