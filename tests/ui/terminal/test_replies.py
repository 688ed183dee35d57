"""What a terminal answers is no key, however it arrives; what is typed is, unchanged."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste
from textual.message import Message

from opsconsole.ui.terminal.replies import LONGEST, PATIENCE, TYPED, Replies

ANSWERS = [
    "\x1b]lRxy\x1b\\",
    "\x1b]11;rgb:0000/0000/0000\x07",
    "\x1bP>|tmux 3.3a\x1b\\",
    "\x1bPlate reply\x1b\\",
    "\x1b_Gi=1;OK\x1b\\",
    "\x1b^R\x9c",
    "\x1bXR\x18",
    "\x1b[?62;22c",
    "\x1b[>1;4000;29c",
    "\x1b[?1u",
    "\x1b[0n",
    "\x1b[8;24;80t",
    "\x1b[1;1;1;128;128;1;0x",
    "\x1b]never ended\x1b[?62c",
]
KEYS = [
    "j",
    "R",
    "?",
    "[",
    "\r",
    "é",
    "\x03",
    "\x1b[A",
    "\x1b[1;5C",
    "\x1b[15~",
    "\x1b[[A",
    "\x1bOP",
    "\x1b[c",
    "\x1bj",
    "\x1b[27;5;13~",
    "\x1b[97;5u",
    "\x1b[<0;10;5M",
    "\x1b[5;7R",
    "\x1b[?2026;2$y",
    "\x1b[48;24;80;480;800t",
    "\x1b[I",
    "\x1b[200~R[?\x1b[201~",
]


class Now:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def in_pieces(text: str, cuts: Sequence[int]) -> list[str]:
    """``text`` cut at ``cuts``, but not behind an escape: alone that is a key."""
    places = sorted({each % len(text) for each in cuts if text[each % len(text) - 1] != "\x1b"})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(
    st.lists(st.sampled_from([*ANSWERS, *KEYS]), min_size=1, max_size=12),
    st.lists(st.integers(0, 400), max_size=8),
)
@example(["\x1b[200~R[?\x1b[201~", "\x1b]lRxy\x1b\\", "j"], [3, 9, 14, 18])
def test_all_that_was_typed_and_nothing_else_passes(parts: list[str], cuts: list[int]) -> None:
    replies = Replies(Now())
    typed = "".join(replies.typed(each) for each in in_pieces("".join(parts), cuts))
    assert typed == "".join(each for each in parts if each in KEYS)


def test_each_key_that_textual_knows_passes_at_once() -> None:
    replies = Replies(Now())
    for sequence in ANSI_SEQUENCES_KEYS:
        assert replies.typed(sequence) + replies.late() == sequence


def test_an_answer_cut_behind_its_escape_is_that_key_and_no_other() -> None:
    replies = Replies(Now())
    assert [replies.typed(each) for each in ("\x1b", "]lRxy\x1b", "\\j")] == ["\x1b", "", "j"]


def test_escape_and_then_a_bracket_are_two_keys() -> None:
    now = Now()
    replies = Replies(now)
    assert replies.typed("\x1b") == "\x1b"
    now.now += TYPED + 0.01
    assert replies.typed("]R") == "]R"


def test_alt_and_a_bracket_are_typed_once_nothing_follows() -> None:
    now = Now()
    replies = Replies(now)
    assert replies.typed("\x1b]") == ""
    assert replies.late() == ""
    now.now += TYPED + 0.01
    assert replies.late() == "\x1b]"
    assert replies.typed("R") == "R"


def test_an_answer_without_an_end_frees_the_keyboard() -> None:
    now = Now()
    replies = Replies(now)
    assert replies.typed("\x1b]l" + "R" * 2 * LONGEST) == ""
    now.now += PATIENCE - 0.01
    assert replies.late() + replies.typed("R") == ""
    now.now += 0.02
    assert replies.late() == ""
    assert replies.typed("R") == "R"


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[20\x1b[0n1~R\r",
        "\x1b[99zR\r",
        "\x1b",
        "\x1b]R",
        "\x1b[20\x1b[201R\r",
        "\x1b\x1b[0n[201~R\r",
    ],
)
@given(st.data())
def test_nothing_that_is_pasted_is_a_key(hostile: str, data: st.DataObject) -> None:
    text = f"\x1b[200~a{hostile}b\x1b[201~j"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=6)) - {1})
    replies, parser = Replies(Now()), XTermParser(False)
    events: list[Message] = []
    for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True):
        typed = replies.typed(text[first:last])
        events += list(parser.feed(typed)) if typed else []  # '' is the end of its input
    assert [each.key for each in events if isinstance(each, Key)] == ["j"]
    pasted = "".join(each.text for each in events if isinstance(each, Paste))
    assert pasted == f"a{hostile}b".replace("\x1b", "")


def test_a_paste_that_does_not_end_is_ended_and_frees_the_keyboard() -> None:
    now = Now()
    replies = Replies(now)
    assert replies.typed("\x1b[200~R\x1b[20") == "\x1b[200~R"
    now.now += PATIENCE - 0.01
    assert replies.late() == ""
    now.now += 0.02
    assert [replies.late(), replies.typed("\x1b[0nR")] == ["\x1b[201~", "R"]
