"""Values that are hidden: in whatever way they are written, and nothing else with them."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole import hiding
from opsconsole.hiding import MASK, hidden, hide, without_query
from opsconsole.text import sanitize, sanitize_bytes

SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=60)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_values", hiding._Values())


@given(SECRETS.filter(lambda text: not hiding._is_common(text)), st.text(max_size=30))
def test_no_way_of_writing_it_is_left(secret: str, around: str) -> None:
    hiding._values = hiding._Values()
    hide(secret)
    for form in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        base64.b64encode(secret.encode()).decode().rstrip("="),
    ):
        assert form not in hidden(f"{around}{form}{around}").replace(MASK, "\0") or form in around
        assert MASK in hidden(form)


def test_each_long_line_of_a_key_is_hidden_by_itself() -> None:
    hide("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nab\n-----END KEY-----")
    assert hidden("it read MIIEvQIBADANBgkqhkiG9w0B") == f"it read {MASK}"
    assert hidden("ab") == "ab"


@pytest.mark.parametrize("common", ["", "a1", "ok", "postgres", "Secret", "TOKEN", "12"])
def test_what_stands_in_any_text_is_left(common: str) -> None:
    hide(common)
    assert hidden(f"the {common} is here") == f"the {common} is here"


def test_it_is_hidden_before_a_text_is_cut() -> None:
    hide("hunter2-hunter2")
    assert sanitize("x hunter2-hunter2", limit=9) == f"x {MASK}"
    assert sanitize_bytes(b"hunter2-hunter2\nhunter2-hunter2", multiline=True) == f"{MASK}\n{MASK}"


def test_many_are_hidden_and_the_oldest_forgotten() -> None:
    secrets = [f"s3cret-{number:04d}" for number in range(hiding._KEPT + 10)]
    for each in secrets:
        hide(each)
    assert hidden(secrets[0]) == secrets[0]
    assert hidden(f"{secrets[10]} {secrets[-1]} and more") == f"{MASK} {MASK} and more"
    assert hidden("nothing here") == "nothing here"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/health", "/health"),
        ("/health?", "/health?"),
        ("/health?auth=1", f"/health?auth={MASK}"),
        ("http://a:80/h?sig=a%20b&full=1#top", f"http://a:80/h?sig={MASK}&full=1#top"),
        ("/h?abcdef", f"/h?{MASK}"),
        ("/h?full", "/h?full"),
        ("/h?a=&b=c=d", f"/h?a=&b={MASK}"),
    ],
)
def test_a_query_is_shown_without_its_values(url: str, shown: str) -> None:
    assert without_query(url, ("full",)) == shown
