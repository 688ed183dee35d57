"""Env files byte by byte, and as a real shell and a dotenv reader see them."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from opsconsole.operations.drivers.env_lines import (
    shell_values,
    texts_of,
    values_of,
    with_flags,
)

_FLAGS = b"""# flags of the shop
export MODE=full
export LLM="on" # the model
PLAIN=1
MULTI="line one
MODE=not-a-key
line three"
"""


@pytest.mark.parametrize(
    ("before", "flags", "after"),
    [
        (_FLAGS, {"MODE": "reduced"}, _FLAGS.replace(b"=full", b"=reduced")),
        (_FLAGS, {"MODE": "busy now"}, _FLAGS.replace(b"=full", b'="busy now"')),
        (_FLAGS, {"LLM": "off"}, _FLAGS.replace(b'"on"', b'"off"')),
        (_FLAGS, {"PLAIN": ""}, _FLAGS.replace(b"PLAIN=1", b"PLAIN=")),
        (_FLAGS, {"NEW": "1"}, _FLAGS + b"NEW=1\n"),
        (_FLAGS, {"MULTI": "one"}, b"# flags of the shop\nexport MODE=full\n"
         b'export LLM="on" # the model\nPLAIN=1\nMULTI="one"\n'),
        (b"A=1\r\nMODE=full\r\nB=2\r\n", {"MODE": "reduced"}, b"A=1\r\nMODE=reduced\r\nB=2\r\n"),
        (b"A=1\r\n", {"MODE": "x"}, b"A=1\r\nMODE=x\r\n"),
        (b"MODE=a\nX=1\nMODE=b\n", {"MODE": "c"}, b"MODE=a\nX=1\nMODE=c\n"),
        (b'BANNER="all is well"\nPASS=x', {"BANNER": "busy now"}, b'BANNER="busy now"\nPASS=x'),
        (b"A=1", {"B": "2"}, b"A=1\nB=2"),
        (b"", {"B": "2"}, b"B=2\n"),
        (b"A='x y' # why\n", {"A": "it is $5"}, b"A='it is $5' # why\n"),
        (b"A=x\n", {"A": "it is $5"}, b"A='it is $5'\n"),
        (b"A=x\n", {"A": "it's"}, b'A="it\'s"\n'),
        (b"export A=x\n", {"B": "y"}, b"export A=x\nexport B=y\n"),
        (b"A=x#y\n", {"A": "z"}, b"A=z\n"),
        (b"A= # nothing\n", {"A": "z"}, b"A=z # nothing\n"),
        (b"N=caf\xe9\nA=1\n", {"A": "2"}, b"N=caf\xe9\nA=2\n"),
        (b"  A=1\n#A=2\n", {"A": "3"}, b"  A=3\n#A=2\n"),
    ],
)  # fmt: skip
def test_nothing_but_the_value_changes(before: bytes, flags: dict[str, str], after: bytes) -> None:
    assert with_flags(before, flags) == after
    was = {key: texts_of(before).get(key) for key in flags}
    assert with_flags(after, was, as_written=True) == before, "the way back"


@pytest.mark.parametrize(
    ("raw", "flags"),
    [
        (b'A="a"b\n', {"A": "1"}),
        (b'A="never ends\nB=2\n', {"A": "1"}),
        (b"A=1\n", {"A": 'it\'s "so"'}),
        (b"A=one \\\n  two\nB=2\n", {"A": "1"}),
        (b"B=one \\\nA=1\n", {"A": "2"}),
        (b"B=one \\\r\nA=1\r\n", {"A": "2"}),
        (b"export A=1 B=2\n", {"A": "2"}),
        (b"A='1'\n", {"A": "it's $5"}),
        (b"A = 1\nB=2\nC=it's\n", {"D": "two\nlines 'and' \"quotes\""}),
    ],
)
def test_what_readers_would_not_agree_on_is_refused(raw: bytes, flags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(flags))):
        with_flags(raw, flags)


def test_what_is_no_assignment_is_not_read_as_one() -> None:
    assert shell_values(b"MODE=busy now\n") is None, "a shell would run now"
    assert shell_values(b'MODE="never ends\n') is None
    assert shell_values(b"export A=1 B='2 3' # why\nC=4;D=5\n") == {
        "A": "1", "B": "2 3", "C": "4", "D": "5",
    }  # fmt: skip
    assert shell_values(_FLAGS) == values_of(_FLAGS)


_VALUES = st.text("ab 1='\"#\\\r\t$é", max_size=8)
_NAMES = st.sampled_from(["MODE", "LLM", "export MODE", "OTHER"])
_LINES = st.one_of(
    st.sampled_from(["", "# MODE=off", "  ", "MODE", 'X="one\nMODE=two"']),
    st.builds("{}={}".format, _NAMES, _VALUES),
    st.builds('{}="{}"'.format, _NAMES, st.text("ab 1='#\n", max_size=8)),
    st.builds("{}='{}' # why".format, _NAMES, st.text('ab 1="#$\\\n', max_size=8)),
)
_FILES = st.builds(
    lambda lines, newline, end: (newline.join(lines) + end).encode(),
    st.lists(_LINES, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n"]),
)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(_FILES, st.dictionaries(st.sampled_from(["MODE", "LLM"]), _VALUES))
def test_the_flags_are_seen_and_all_else_stays(raw: bytes, flags: dict[str, str]) -> None:
    try:
        after = with_flags(raw, flags)
    except ValueError:
        assume(False)
        raise
    before = values_of(raw)
    assert values_of(after) == {**before, **flags}
    was = {key: texts_of(raw).get(key) for key in flags}
    assert with_flags(after, was, as_written=True) == raw


_SAFE = st.text("ab 1='\"#\t", max_size=10)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.lists(st.builds("{}={}".format, _NAMES, _SAFE), max_size=5))
def test_a_real_shell_sees_what_is_said_that_it_sees(raw: list[str], tmp_path: Path) -> None:
    text = "\n".join(raw).encode()
    said = shell_values(text)
    path = tmp_path / "flags.env"
    path.write_bytes(text + b"\n")
    done = subprocess.run(
        ["/bin/sh", "-ec", ". ./flags.env; for k in MODE LLM OTHER; do"
         ' eval "[ -z \\"\\${$k+x}\\" ] || printf \'%s=%s\\0\' $k \\"\\$$k\\""; done'],
        cwd=tmp_path, env={"PATH": os.devnull}, capture_output=True, check=False,
    )  # fmt: skip
    assume(said is not None)
    assert said is not None
    asked = {key: value for key, value in said.items() if key in {"MODE", "LLM", "OTHER"}}
    seen = dict(line.split("=", 1) for line in done.stdout.decode().split("\0") if line)
    assert (done.returncode, seen) == (0, asked), text
