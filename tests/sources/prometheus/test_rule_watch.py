"""Which rules there are, and what those of a file give, from real and from broken answers."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.rule_files import RuleFiles
from opsconsole.model.alerting.rules import FileRule
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.prometheus.rule_answers import read_rules, read_samples
from opsconsole.sources.prometheus.rule_watch import RuleWatch
from opsconsole.sources.prometheus.server_api import refusal
from tests.named import named

SAMPLES = Path(__file__).parents[1] / "samples" / "prometheus"
RULES = RuleFiles(
    (
        FileRule("TargetDown", "up==0", for_=10.0),
        FileRule("Mine", "vector(1)"),
    ),
    recordings=("job:up:sum", "job:other:sum"),
)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


class Api:
    """Answers each path with a status and a body, and counts what was asked."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        status, body = self.answers[name]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if status == 200:
            return json.loads(raw)
        raise TransportFaultError.of(refusal(httpx.Response(status, content=raw), "http://p"))


def vector(*values: str) -> dict[str, Any]:
    result = [
        {"metric": {"__name__": "up", "n": str(n)}, "value": [0, v]} for n, v in enumerate(values)
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def watch(files: RuleFiles = RULES) -> RuleWatch:
    return RuleWatch(files, named("prometheus:main"))


def soon() -> float:
    return time.monotonic() + 10.0


@pytest.mark.parametrize("name", ["prometheus_2.42", "prometheus_3.5", "vmalert_1.79"])
def test_rules_of_real_servers_are_read(name: str) -> None:
    rules = {
        rule.name: rule
        for rule in read_rules(sample(f"{name}_api_v1_rules"), named("prometheus:p"))
    }
    down = rules["TargetDown"]
    assert (down.kind, down.for_, down.expr, down.health) == ("alerting", 10.0, "up == 0", "ok")
    assert rules["job:up:sum"].kind == "recording"


def test_only_what_the_server_lacks_is_evaluated() -> None:
    api = Api(rules=(200, sample("prometheus_2.42_api_v1_rules")), query=(200, vector("1")))
    seen = watch().look(api, api, soon())
    (evaluation,) = seen.evaluations
    assert evaluation.rule.name == "Mine"
    assert evaluation.samples is not None
    assert dict(evaluation.samples[0].labels) == {"n": "0"}
    assert seen.notes == (
        "1 recording rules of the rule files are not loaded, first job:other:sum",
    )


def test_which_rules_there_are_is_not_asked_at_every_look() -> None:
    api = Api(rules=(200, sample("prometheus_2.42_api_v1_rules")), query=(200, vector()))
    looking = watch()
    for _ in range(3):
        looking.look(api, api, soon())
    assert api.asked == ["rules", "query", "query", "query"]


def test_a_store_without_rules_has_none_loaded() -> None:
    api = Api(rules=(404, b"404 page not found"), query=(200, vector()))
    seen = watch(RuleFiles(RULES.rules)).look(api, api, soon())
    assert [each.rule.name for each in seen.evaluations] == ["TargetDown", "Mine"]
    assert seen.notes == ()


@pytest.mark.parametrize("answer", [(503, b""), (200, b"<html>"), (200, b'{"status": "succ')])
def test_while_it_is_not_known_what_is_loaded_nothing_is_evaluated(answer: tuple[int, Any]) -> None:
    api = Api(rules=answer, query=(200, vector("1")))
    seen = watch().look(api, api, soon())
    assert [each.samples for each in seen.evaluations] == [None, None]
    assert "which rules there are is not known" in seen.notes[0]
    assert "query" not in api.asked


def test_a_query_that_fails_is_not_one_that_finds_nothing() -> None:
    refused = {"status": "error", "error": "parse error: here"}
    api = Api(rules=(404, b""), query=(400, refused))
    seen = watch(RuleFiles(RULES.rules)).look(api, api, soon())
    assert [each.samples for each in seen.evaluations] == [None, None]
    assert seen.notes[0].startswith("2 local rules failed, first TargetDown:")
    assert "parse error: here" in seen.notes[0]


def test_nothing_is_asked_beyond_the_deadline() -> None:
    api = Api(rules=(404, b""), query=(200, vector("1")))
    seen = watch(RuleFiles(RULES.rules)).look(api, api, time.monotonic() - 1)
    assert [each.samples for each in seen.evaluations] == [None, None]
    assert "query" not in api.asked


def test_samples_hold_whatever_number_there_is() -> None:
    first, second, third = read_samples(vector("NaN", "+Inf", "1e3"))
    assert math.isnan(first.value)
    assert (second.value, third.value) == (math.inf, 1000.0)
    scalar = {"data": {"resultType": "scalar", "result": [0, "2"]}}
    (alone,) = read_samples(scalar)
    assert (dict(alone.labels), alone.value) == ({}, 2.0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_else_is_refused_or_read_never_a_crash(payload: object) -> None:
    for wrapped in (
        payload,
        {"data": payload},
        {"data": {"groups": [{"rules": [payload]}]}},
        {"data": {"result": [payload]}},
    ):
        for read in (lambda body: read_rules(body, named("prometheus:x")), read_samples):
            try:
                read(wrapped)
            except ValueError:
                continue
