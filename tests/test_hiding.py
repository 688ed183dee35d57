"""Values that are hidden: in whatever way they are written, and nothing else with them."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole import hiding
from opsconsole.hiding import MASK, hidden, hidden_in_json, hide, without_query
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


PLACES = {
    "a variable": "DB_PASSWORD={}",
    "a name of JSON": '{{"db_password": "{}"}}',
    "JSON within JSON": r"{{\"token\": \"{}\"}}",
    "YAML": "secret: {}",
    "a header": "Authorization: Bearer {}",
    "a header of a key": "X-Api-Key: {}",
    "a scheme": "sent Basic {}",
    "an element": "<password>{}</password>",
    "an option": "psql --pass {} -h db",
    "an option with its value": "psql --password='{}'",
    "a query": "/health?auth={}&x=1",
    "a sentence": "password is {}",
    "a user's URL": "postgres://kim:{}@db:5432/x",
    "a URL's user": "https://{}@db/x",
    "a DSN": "user=kim password={} host=db",
    "what it was given as": "OWN={}",
    "a Ruby hash": ":token => '{}'",
}
COMMON = ("postgres", "Secret", "TOKEN", "a1", "ok", "12", "x%")


@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize("place", PLACES)
def test_a_common_value_is_hidden_where_a_text_says_that_it_is_a_secret(
    place: str, common: str
) -> None:
    hide(common, "OWN")
    said = PLACES[place]
    assert hidden(said.format(common)) == said.format(MASK)
    longer = said.format(f"{common}x")
    assert hidden(longer) == longer


@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize(
    "text",
    [
        "{}", "the {} is here", "{} token", "status: {}", "ping: {}", "monkey: {}", "author: {}",
        "a password for {}", "https://{}/health", "https://kim@{}/", "keyboard {}", "mail {}@host",
    ],
)  # fmt: skip
def test_a_common_value_is_left_elsewhere(text: str, common: str) -> None:
    hide(common)
    assert hidden(text.format(common)) == text.format(common)


@pytest.mark.parametrize("common", ["postgres", "Secret", "hunter2-hunter2", 'p4ss/w"<&>ü'])
@pytest.mark.parametrize("user", ["", "k", "ki", "kim", "root"])
def test_it_is_hidden_within_what_was_encoded_with_it(user: str, common: str) -> None:
    hide(common)
    for raw in (f"{user}:{common}", f"{user}:{common}\n", f"{{{user}{common}}}"):
        for encoded in (base64.b64encode(raw.encode()), base64.urlsafe_b64encode(raw.encode())):
            shown = hidden(encoded.decode())
            assert MASK in shown
            assert len(shown) < 12 + len(user) * 2


@pytest.mark.parametrize("secret", ['p4ss/w"ord+&<x>', "it's 1 secret\\"])
def test_ways_of_writing_of_other_programs(secret: str) -> None:
    hide(secret)
    go = json.dumps(secret).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    for form in (
        go[1:-1],
        secret.encode().hex(),
        secret.encode().hex().upper(),
        repr(secret)[1:-1],
        quote(quote(secret, safe=""), safe=""),
        html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        json.dumps(json.dumps(secret))[3:-3],
    ):
        assert hidden(form) == MASK, form


@given(st.sampled_from([each.format("ok") for each in PLACES.values()]), st.text(max_size=20))
def test_what_is_hidden_in_json_is_json_as_before(said: str, around: str) -> None:
    hiding._values = hiding._Values()
    hide("ok", "OWN")
    hide("12")
    document = {said: around, "password": "ok", "pin": 12, around: [said, 12, "12"]}
    shown = json.loads(hidden_in_json(json.dumps(document)))
    assert len(shown) == len(document)
    assert (shown["pin"], shown["password"]) == (12, MASK)


@pytest.mark.parametrize("text", ["pass", "--", "://", "key    ", "token ", "\"'", "a:"])
def test_no_text_takes_long(text: str) -> None:
    for value in COMMON:
        hide(value)
    assert hidden(text * 50_000 + "ok") in {text * 50_000 + "ok", text * 50_000 + MASK}


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
