"""Outside text in Markdown: shown letter for letter, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.render.markdown import block, code, escape, table


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("image a:1.4.2 → a:1.5.0", "image a:1.4.2 → a:1.5.0"),
        ("died, exit 137, out of memory", "died, exit 137, out of memory"),
        ("max_connections of ai-service", "max_connections of ai-service"),
        ("a|b", r"a\|b"),
        ("`rm -rf`", r"\`rm -rf\`"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("[click](http://evil)", r"\[click\](http\://evil)"),
        ("www.evil.com", r"www\.evil.com"),
        ("*bold* _it_ ~~no~~", r"\*bold\* \_it\_ \~\~no\~\~"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("# head @kim #12 :smile:", r"\# head \@kim \#12 \:smile:"),
        ("a\nb\r\nc", "a␊b␍␊c"),
        ("&amp; $x$", r"\&amp; \$x\$"),
        ("\\", "\\\\"),
    ],
)
def test_escaped(text: str, written: str) -> None:
    assert escape(text) == written


@given(st.text(max_size=80))
def test_nothing_that_acts_is_left_bare(text: str) -> None:
    written = escape(text)
    assert "\n" not in written
    bare = re.sub(r"\\.", "", written)
    assert not re.search(r"[`*\[\]<>|~&$@#]", bare)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_a_block_ends_where_it_ends(lines: list[str]) -> None:
    first, *inside, last = block(lines)
    fence = first.removesuffix("text")
    assert last == fence
    assert not any(line.strip().startswith(fence) for line in inside)


def test_a_table_has_as_many_cells_in_each_row() -> None:
    lines = table(("a", "b"), [(escape("x|y"), "")])
    assert lines == ["| a | b |", "| --- | --- |", r"| x\|y |   |"]


@given(st.sampled_from(["password=hunter22", "token: abcdef123456", "Bearer abcdef123456"]))
def test_hiding_a_secret_takes_nothing_of_the_sentence_around_it(said: str) -> None:
    assert f"(“{escape(said)}”); **{escape(said)}**".count("”)") == 1
    assert f"**{escape(said)}**".endswith("**")
    hidden = said[-6:]
    assert hidden not in escape(said) + code(said) + "".join(block([said]))
