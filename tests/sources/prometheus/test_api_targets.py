"""The targets of a Prometheus read into the model: states, ages, names, hostile answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.running.targets import TARGET_LIMIT, Target
from opsconsole.model.state import State
from opsconsole.sources.prometheus.api_targets import Probes, read_probes, read_targets, seconds

NOW = 1_000.0
SCRAPED = "1970-01-01T00:16:30.5Z"
NEVER = "0001-01-01T00:00:00Z"


def item(**more: Any) -> dict[str, Any]:
    return {
        "discoveredLabels": {"__meta_kubernetes_namespace": "shop"},
        "labels": {"job": "web", "instance": "10.0.0.1:80"},
        "scrapePool": "pods",
        "scrapeUrl": "http://10.0.0.1:80/metrics",
        "lastError": "",
        "lastScrape": SCRAPED,
        "health": "up",
        "scrapeInterval": "15s",
        **more,
    }


def answer(*items: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"activeTargets": list(items)}}


def read(*items: Any, probes: Probes | None = None, theirs: float = NOW) -> tuple[Target, ...]:
    return read_targets(answer(*items), probes, theirs=theirs, ours=NOW).targets


def test_a_target_is_read_whole() -> None:
    assert read(item()) == (
        Target(
            "web",
            "10.0.0.1:80",
            "http://10.0.0.1:80/metrics",
            State.OK,
            "",
            990.5,
            15.0,
            {"__meta_kubernetes_namespace": "shop", "job": "web", "instance": "10.0.0.1:80"},
        ),
    )


PROBE = "http://blackbox:9115/probe?module=http_2xx&target=https://x"
KEY = ("web", "10.0.0.1:80")


@pytest.mark.parametrize(
    ("more", "probes", "state", "reason"),
    [
        ({}, {}, State.OK, ""),
        ({}, None, State.OK, ""),
        ({}, {KEY: True}, State.OK, ""),
        ({}, {KEY: False}, State.DOWN, "its probe failed"),
        ({}, {("web", "other"): False}, State.OK, ""),
        ({"scrapeUrl": PROBE}, None, State.UNKNOWN, "how its probe went is not known"),
        ({"scrapeUrl": PROBE}, {}, State.OK, ""),
        ({"health": "down"}, {KEY: True}, State.DOWN, "not scraped"),
        (
            {"health": "down", "lastError": "refused\x1b[2J"},
            {},
            State.DOWN,
            "not scraped: refused␛[2J",
        ),
        ({"health": "unknown"}, {}, State.UNKNOWN, "not scraped yet"),
        ({"lastScrape": NEVER}, {}, State.UNKNOWN, "not scraped yet"),
        ({"lastScrape": None}, {}, State.UNKNOWN, "not scraped yet"),
        ({"health": "UP"}, {}, State.UNKNOWN, "not scraped yet"),
        ({"health": ["up"]}, {}, State.UNKNOWN, "not scraped yet"),
    ],
)
def test_a_target_is_as_well_as_its_server_can_say(
    more: dict[str, Any], probes: Probes | None, state: State, reason: str
) -> None:
    (target,) = read(item(**more), probes=probes)
    assert (target.state, target.reason) == (state, reason)


@pytest.mark.parametrize(("theirs", "at"), [(NOW, 990.5), (NOW + 60, 930.5), (0.0, NOW)])
def test_the_age_of_a_scrape_is_by_the_clock_of_its_server(theirs: float, at: float) -> None:
    (target,) = read(item(), theirs=theirs)
    assert target.scraped_at == at


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"labels": {}}, ("pods", "10.0.0.1:80")),
        ({"labels": {}, "scrapeUrl": "http://kim:secret@h:1/m?key=1"}, ("pods", "h:1")),
        ({"labels": {"job": "a", "instance": "b"}, "scrapeUrl": "http://["}, ("a", "b")),
        ({"labels": {}, "scrapeUrl": 5}, None),
        ({"labels": {"instance": "b"}, "scrapePool": ""}, None),
    ],
)
def test_what_it_is_called(more: dict[str, Any], named: tuple[str, str] | None) -> None:
    found = read(item(**more))
    assert [(each.job, each.name) for each in found] == ([named] if named else [])
    assert all("secret" not in str(each) and "key" not in each.url for each in found)


@pytest.mark.parametrize(
    ("said", "label", "every"),
    [("5s", "1s", 5.0), (None, "1s", 1.0), ("", "1s", 1.0), (None, "x", 60.0)],
)
def test_how_often_it_is_scraped_is_said_in_two_places(
    said: object, label: str, every: float
) -> None:
    found = {"__scrape_interval__": label}
    (target,) = read(item(scrapeInterval=said, discoveredLabels=found))
    assert target.interval == every


def test_two_endpoints_of_an_instance_are_one_copy_as_well_as_the_worse() -> None:
    for items in ((item(), item(health="down")), (item(health="down"), item())):
        assert [each.state for each in read(*items)] == [State.DOWN]


def test_a_malformed_target_costs_itself_and_too_many_are_counted() -> None:
    many = [item(labels={"job": "j", "instance": f"{n:05}"}) for n in range(TARGET_LIMIT + 1)]
    view = read_targets(answer(None, [], "x", *many), {}, theirs=NOW, ours=NOW)
    assert (len(view.targets), view.total) == (TARGET_LIMIT, TARGET_LIMIT + 1)


@pytest.mark.parametrize("payload", [None, [], {}, {"status": "success", "data": {}}, "<html>"])
def test_what_is_no_answer_is_said(payload: object) -> None:
    with pytest.raises(ValueError, match="answer"):
        read_targets(payload, {}, theirs=NOW, ours=NOW)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("15s", 15), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1.5s", 1.5),
        ("", 60), ("0s", 60), ("x15s", 60), ("15", 60), (15, 60), ("9999w", 60),
        ("1" * 400 + "d", 60),
    ],
)  # fmt: skip
def test_a_duration(text: object, found: float) -> None:
    assert seconds(text) == found


def test_an_instance_that_is_probed_twice_is_as_well_as_the_worse() -> None:
    labels = {"job": "web", "instance": "x"}
    assert read_probes([(labels, 1.0), ({**labels, "module": "m"}, 0.0)]) == {("web", "x"): False}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
ANY = st.dictionaries(st.sampled_from(list(item())), JSON | st.sampled_from(list(item().values())))


@given(st.lists(ANY | JSON, max_size=5), st.none() | st.just({}))
def test_whatever_a_server_says_is_read_and_safe(items: list[Any], probes: Probes | None) -> None:
    for each in read(*items, probes=probes):
        texts = (each.job, each.name, each.url, each.reason, *each.labels, *each.labels.values())
        assert all(text.isprintable() for text in texts)
        assert each.state is not State.OK or each.scraped_at is not None
        assert each.interval > 0
